/** Functions of programs, however they are started: each program is a process of its own. */
import { execFile } from "node:child_process";
import {
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { promisify } from "node:util";
import { afterAll, describe, expect, it } from "vitest";
import { isTaskInput, Task } from "../../src/graph/index.js";
import { type LoadedFunction, loadFunction, placeOfError, someData } from "./load-function.js";

const folder = join(import.meta.dirname, "programs");
const root = join(import.meta.dirname, "../..");
const loom = join(root, "dist/cli/loom.js");

async function functionsOf(file: string, ...command: string[]) {
  const environment = { ...process.env };
  // vitest's own settings are not those of users.
  for (const name of ["NODE_OPTIONS", "NODE_ENV", "VITEST"]) delete environment[name];
  const run = promisify(execFile)(process.execPath, [...command, resolve(folder, file)], {
    cwd: dirname(resolve(folder, file)),
    env: { ...environment, TSX_DISABLE_CACHE: "1" },
    maxBuffer: 2 ** 24,
  });
  const objects = JSON.parse((await run).stdout) as Record<string, string>;
  return Object.fromEntries(
    Object.entries(objects).map(([name, text]) => [
      name,
      loadFunction(Buffer.from(text, "base64")),
    ]),
  );
}

/** `file:line` of the first line of the program with this text. */
function placeIn(file: string, text: string): string {
  const lines = readFileSync(resolve(folder, file), "utf8").split("\n");
  const line = lines.findIndex((one) => one.includes(text)) + 1;
  return `${pathToFileURL(resolve(folder, file)).href}:${line}`;
}

const packages: string[] = [];
afterAll(() => {
  for (const one of packages) rmSync(one, { recursive: true });
});

/** The same program in a package of its own. */
function makeCommonJsPackage(): string {
  const target = realpathSync(mkdtempSync(join(tmpdir(), "functions-")));
  packages.push(target);
  writeFileSync(join(target, "package.json"), '{ "type": "commonjs" }');
  for (const name of ["shout.ts", "print-functions.mjs"]) {
    copyFileSync(join(folder, name), join(target, name));
  }
  const text = readFileSync(join(folder, "typescript.ts"), "utf8");
  writeFileSync(join(target, "typescript.ts"), text.replace("import.meta.url", "__filename"));
  mkdirSync(join(target, "node_modules"));
  for (const name of ["hyperloom", "tsx"]) {
    const place = name === "hyperloom" ? root : join(root, "node_modules", name);
    symlinkSync(place, join(target, "node_modules", name));
  }
  return join(target, "typescript.ts");
}

const input = someData("in");

async function checkAll(file: string, functions: Record<string, LoadedFunction>): Promise<void> {
  const call = (name: string, ...parameters: unknown[]) => functions[name].fn(...parameters);
  expect(call("alone", input)).toBe("Hello in");
  expect(call("alone", input, someData("!"))).toBe("Hello in!");
  expect(call("inModule", input)).toBe("inin7 1 undefined Hello you X! 9dd4");
  expect(functions.inModule.captured).toEqual({
    FACTOR: 7,
    table: new Map([["a", 1]]),
    unset: undefined,
  });
  expect(call("closure", input)).toBe("in!?3 hh7");
  expect(await call("method", input)).toBe("IN!");
  expect(await call("declaration", input, input)).toBe("14");
  expect(call("countDown", 0, input)).toBe(input);

  const next = call("countDown", 2, input) as Task;
  expect(next).toBeInstanceOf(Task);
  expect(next.inputs.every(isTaskInput)).toBe(true);
  expect(next.inputs[1]).toBe(input);
  // Packed again where it runs, which has the packed code only.
  const again = loadFunction((next.inputs[0] as Task).config);
  expect(again.fn(0, input)).toBe(input);
  const program = call("programs", input) as Task;
  expect(program).toBeInstanceOf(Task);
  expect(program.request?.resources[0].value).toBe(7);

  expect(placeOfError(functions.failInModule, input)).toBe(
    placeIn(file, "throw new Error(`module"),
  );
  expect(placeOfError(functions.failAlone, input)).toBe(placeIn(file, "throw new Error(`alone"));
  const names = ["alone", "inModule", "countDown", "failAlone", "programs"];
  expect(names.map((name) => functions[name].header.name)).toEqual(names);
  expect(functions.method.header.name).toBe("shouted");
  expect(functions.declaration.header.name).toBe("countLater");
}

describe("functions can be packed", () => {
  it("in ES modules", async () => {
    const functions = await functionsOf("modules.mjs");
    await checkAll("modules.mjs", functions);
    expect(functions.url.fn()).toBe(pathToFileURL(join(folder, "modules.mjs")).href);
    expect(functions.inModule.header.url).toBe(functions.url.fn());
  });

  it("in CommonJS", async () => {
    const functions = await functionsOf("commonjs.cjs");
    expect(functions.module.fn(input)).toBe("in79dd4 X! commonjs.cjs");
    expect(functions.alone.fn(input)).toBe("Hello in");
    const place = placeIn("commonjs.cjs", "throw new Error(`module");
    expect(placeOfError(functions.failInModule, input)).toBe(place);
    const task = (await functions.later.fn(input)) as Task;
    expect([task.type, task.inputs[0]]).toEqual(["loom/data/merge", input]);
  });

  const runs: [name: string, command: string[]][] = [
    ["through loom run", [loom, "run"]],
    ["through tsx", ["--import", "tsx"]],
  ];
  for (const [name, command] of runs) {
    it(`in TypeScript ${name}`, async () => {
      const functions = await functionsOf("typescript.ts", ...command);
      await checkAll("typescript.ts", functions);
      expect(functions.url.fn()).toBe(pathToFileURL(join(folder, "typescript.ts")).href);
    });

    it(`in TypeScript ${name}, in a package that says commonjs`, async () => {
      const file = makeCommonJsPackage();
      const functions = await functionsOf(file, ...command);
      await checkAll(file, functions);
      expect(functions.url.fn()).toBe(file);
    });
  }
});
