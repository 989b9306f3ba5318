/** `loom worker --extension`: where modules are found, and what is said of those that are no use. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { CliProcess, type Finished } from "../cli/cli-process.js";

const API = 'import { defineExtension } from "hyperloom";\n';
const extensionOf = (prefix: string) =>
  `${API}export default defineExtension({ prefix: "${prefix}", taskTypes: { a: { run: () => "" } } });\n`;

let folder: string;
let address: string;
let server: CliProcess;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "loom-extensions-"));
  server = new CliProcess(["server", "--port", "0"], { ipc: true });
  const { port } = (await server.waitFor("it listens", ({ messages }) => messages[0])) as {
    port: number;
  };
  address = `127.0.0.1:${port}`;
});
afterAll(async () => {
  server.child.disconnect();
  await server.finished;
  rmSync(folder, { recursive: true });
});

function write(name: string, content: string): string {
  const path = join(folder, name);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, content);
  return path;
}

function worker(...flags: string[]): CliProcess {
  return new CliProcess(["worker", address, "--python", "none", ...flags], {
    cwd: folder,
    ipc: true,
  });
}

/** Starts a worker with these extensions, ends it when it is registered. */
async function starts(...specifiers: string[]): Promise<void> {
  const process = worker(...specifiers.flatMap((specifier) => ["--extension", specifier]));
  expect(await process.waitFor("it is registered", ({ messages }) => messages[0])).toMatchObject({
    loom: "registered",
  });
  process.child.disconnect();
  expect((await process.finished).code).toBe(0);
}

async function refused(...specifiers: string[]): Promise<Finished> {
  const process = worker(...specifiers.flatMap((specifier) => ["--extension", specifier]));
  const finished = await process.finished;
  expect(finished.code).toBe(1);
  expect(finished.stdout).toBe("");
  expect(finished.stderr).toMatch(/^loom worker: .*\n$/); // one line
  return finished;
}

describe("a worker takes", () => {
  it("paths, file URLs and packages, several of them", async () => {
    write("one.js", extensionOf("one"));
    write("deep/two.mjs", extensionOf("two"));
    const url = pathToFileURL(write("three.js", extensionOf("three"))).href;
    write("node_modules/pack/index.js", extensionOf("four"));
    // Packages of today say only how they are imported.
    write(
      "node_modules/pack/package.json",
      '{"name": "pack", "type": "module", "exports": {"import": "./index.js"}}',
    );
    await starts("./one.js", "deep/two.mjs", url, "pack");
  });

  it("TypeScript, with imports and without a package.json", async () => {
    write("types.ts", "export const prefix: string = 'typed';\n");
    write(
      "typed.ts",
      `${API}import { prefix } from "./types.js";
export default defineExtension({ prefix, taskTypes: { a: { run: ({ config }) => config as Uint8Array } } });\n`,
    );
    await starts("typed.ts");
  });
});

describe("a worker ends with one line for", () => {
  it.each<[string, string, RegExp]>([
    [
      "a syntax error",
      "export default {",
      /SyntaxError: Unexpected end of input \(.*bad\.mjs:1:17\)$/m,
    ],
    ["a wrong import", 'import { nothing } from "hyperloom";', /SyntaxError: .*nothing/],
    ["a missing package", 'import "not-there";', /Cannot find package 'not-there' imported from/],
    ["a missing file", 'import "./not-there.js";', /Cannot find module '.*not-there\.js'/],
    [
      "an error thrown at once",
      '\nthrow new TypeError("no\\nluck");',
      /TypeError: no luck \(.*bad\.mjs:2:7\)$/m,
    ],
    ["something thrown that is no error", "throw null;", /it threw null$/m],
    [
      "a promise that rejects",
      'await Promise.reject(new Error("late"));',
      /Error: late \(.*bad\.mjs:1:/,
    ],
    ["no default export", "export const x = 1;", /it has no default export; it needs "export def/],
    ["another default export", "export default {};", /default export is an object that defineExt/],
    ["the prefix loom", extensionOf("loom"), /prefix "loom", which is reserved/],
    ["a bad prefix", extensionOf("a b"), /the prefix is "a b"; it must/],
    [
      "a bad member",
      `${API}export default defineExtension({ prefix: "x", taskTypes: { a: { run: 3 } } });`,
      /task type "x\/a" has a number as run/,
    ],
  ])("%s", async (_, code, message) => {
    write("bad.mjs", code);
    const { stderr } = await refused("bad.mjs");
    expect(stderr).toContain(`extension "bad.mjs" can't be loaded: `);
    expect(stderr).toMatch(message);
  });

  it("a path or a package that is not there", async () => {
    expect((await refused("./none.js")).stderr).toContain(
      `extension "./none.js" can't be loaded: there is no file ${join(folder, "none.js")}`,
    );
    expect((await refused("none")).stderr).toContain(
      `there is no file ${join(folder, "none")} and no such package in ${folder}`,
    );
    expect((await refused(".")).stderr).toContain(`"." can't be loaded: ${folder} is not a file`);
    expect((await refused("")).stderr).toContain("the path is empty");
  });

  it("two extensions with one prefix", async () => {
    write("a.js", extensionOf("same"));
    write("b.js", extensionOf("same"));
    const { stderr } = await refused("a.js", "b.js");
    expect(stderr).toContain('extensions "a.js" and "b.js" have the same prefix "same"');
  });

  it("more than that with --debug: the stack of the extension", async () => {
    write("thrown.mjs", '\n\nthrow new Error("deep");');
    const { code, stderr } = await worker("--debug", "--extension", "thrown.mjs").finished;
    expect(code).toBe(1);
    expect(stderr).toMatch(/Error: deep\n +at .*thrown\.mjs:3:7/);
  });

  it("a flag without a module: code 2", async () => {
    const { code, stderr } = await worker("--extension").finished;
    expect([code, stderr]).toEqual([
      2,
      expect.stringContaining("--extension <module>' argument missing"),
    ]);
  });
});
