/** `loom run`: scripts outside any package, arguments, servers, errors. */
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { CliProcess, runCli } from "./cli-process.js";

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "loom-run-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

function script(name: string, text: string): string {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
}

const PRINT = "console.log(JSON.stringify(process.argv.slice(2)), process.env.LOOM_SERVER);\n";

describe("loom run", () => {
  it("runs TypeScript with types, other modules and top-level await, in any folder", async () => {
    script("other.ts", "export const twice = (n: number): number => 2 * n;\n");
    const path = script(
      "main.ts",
      `import { twice } from "./other.js";
       interface Answer { value: number }
       const answer: Answer = await Promise.resolve({ value: twice(21) });
       console.log(answer.value, import.meta.url.endsWith("main.ts"));`,
    );
    expect(await runCli(["run", path])).toMatchObject({ code: 0, stdout: "42 true\n", stderr: "" });
  });

  it("resolves hyperloom from anywhere and gives an embedded cluster that ends", async () => {
    const path = script(
      "pipeline.ts",
      `import { Client, tasks } from "hyperloom";
       await using client = await Client.connect();
       const parts = ["Hello ", "world"].map((text) => tasks.const(text));
       console.log((await client.submitOne(tasks.merge(parts)).gather()).toString());`,
    );
    const temporary = join(folder, "tmp");
    mkdirSync(temporary);
    const { code, stdout, stderr } = await runCli(["run", path], { env: { TMPDIR: temporary } });
    expect({ code, stdout, stderr }).toEqual({ code: 0, stdout: "Hello world\n", stderr: "" });
    expect(readdirSync(temporary)).toEqual([]);
  });

  it("connects to the server that --server names", async () => {
    const server = new CliProcess(["server", "--port", "0"]);
    const address = await server.ready();
    const path = script(
      "status.ts",
      `import { Client } from "hyperloom";
       await using client = await Client.connect();
       const { workers, clients } = await client.status();
       console.log(workers.length, clients);`,
    );
    expect(await runCli(["run", path, "--server", address])).toMatchObject({ stdout: "0 1\n" });
    server.kill("SIGTERM");
    await server.finished;
  });

  it.each([
    ["FILE a -b --c=d", '["a","-b","--c=d"] \n'],
    ["FILE --help", '["--help"] \n'],
    ["--server h:1 FILE x", '["x"] h:1\n'],
    ["FILE x --server h:1 y", '["x","y"] h:1\n'],
    ["FILE --server=h", "[] h:9010\n"],
    ["FILE x -- --server h:1", '["x","--server","h:1"] \n'],
  ])("hands over arguments: %s", async (args, stdout) => {
    const path = script("args.ts", PRINT);
    const words = args.split(" ").map((word) => (word === "FILE" ? path : word));
    expect(await runCli(["run", ...words])).toMatchObject({ code: 0, stdout, stderr: "" });
  });

  it("runs JavaScript, and CommonJS packages as what they say they are", async () => {
    writeFileSync(join(folder, "package.json"), '{ "type": "commonjs" }');
    const typescript = script("common.ts", "console.log(typeof require, typeof module);");
    const javascript = script("plain.mjs", "console.log(await Promise.resolve(1));");
    expect((await runCli(["run", typescript])).stdout).toBe("function object\n");
    expect((await runCli(["run", javascript])).stdout).toBe("1\n");
  });

  it("takes TypeScript with imports for a module, whatever npm init has written", async () => {
    writeFileSync(join(folder, "package.json"), '{ "type": "commonjs" }');
    const module = script(
      "module.ts",
      `import { Client } from "hyperloom";
       console.log(await Promise.resolve(typeof Client) as string);`,
    );
    expect((await runCli(["run", module])).stdout).toBe("function\n");
    const common = script(
      "common.ts",
      `const os = require("node:os");
       const count: number = os.cpus().length;
       console.log(count > 0, typeof __dirname);`,
    );
    expect((await runCli(["run", common])).stdout).toBe("true string\n");
  });

  it("keeps the script's exit code, and waits for what the script still does", async () => {
    const exits = script("exits.ts", "process.exit(7);");
    expect((await runCli(["run", exits])).code).toBe(7);
    const later = script(
      "later.ts",
      `import { writeFileSync } from "node:fs";
       setTimeout(() => { writeFileSync(process.argv[2], ""); process.exitCode = 3; }, 50);`,
    );
    const file = join(folder, "written");
    expect((await runCli(["run", later, file])).code).toBe(3);
    expect(existsSync(file)).toBe(true);
  });

  it("shows where a script failed", async () => {
    const path = script("fails.ts", 'const text: string = "no luck";\n\nthrow new Error(text);\n');
    const { code, stderr } = await runCli(["run", path]);
    expect(stderr).toMatch(/Error: no luck/);
    expect(stderr).toMatch(/fails\.ts:3:/);
    expect(stderr).toMatch(/^loom run: .*fails\.ts ended with an error \(above\)$/m);
    expect(code).toBe(1);
  });

  it("shows where a script can't be compiled", async () => {
    const path = script("broken.ts", "const = 1;\n");
    const { code, stderr } = await runCli(["run", path]);
    expect(stderr).toMatch(/broken\.ts:1:6: ERROR: Expected identifier/);
    expect(code).toBe(1);
  });

  it("shows one line for an error of HyperLoom", async () => {
    const path = script(
      "lost.ts",
      'import { Client } from "hyperloom";\nawait Client.connect("127.0.0.1:1");\n',
    );
    const { code, stderr } = await runCli(["run", path]);
    expect(stderr).toMatch(/^loom run: cannot connect to 127.0.0.1:1: .*refused; .*\n$/);
    expect(code).toBe(1);
  });
});
