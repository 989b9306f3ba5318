/** What is said about errors of functions. */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { build } from "esbuild";
import { afterEach, describe, expect, test } from "vitest";
import { endProcesses, FunctionProcess } from "./driver.js";

afterEach(endProcesses);

test("message and stack without frames of HyperLoom and Node", async () => {
  const p = new FunctionProcess();
  const code = `function inner() { throw new TypeError("no\\n    at luck"); }
exports.default = (a) => { inner(); };`;
  expect((await p.failure(p.define(code, { name: "my job" }))).split("\n")).toEqual([
    "TypeError: no",
    "    at luck",
    "    at inner (hyperloom-function-1-my_job.js:1:26)",
    "    at exports.default (hyperloom-function-1-my_job.js:2:28)",
  ]);
  const inData = await p.failure(p.fn("(a) => a.at(3)"), ["x"]);
  expect(inData).toMatch(/^RangeError: index 3 .*\n {4}at exports.default \(hyper[^\n]*:1:28\)$/);
  const later = p.fn('async () => { await null; throw new Error("later"); }');
  expect(await p.failure(later)).toMatch(/^Error: later\n {4}at exports.default \(hyper[^\n]*\)$/);
  const node = await p.failure(p.fn('() => require("fs").readFileSync("/none")'));
  expect(node).toMatch(/^Error: ENOENT.*\n(.*node:fs.*\n)+ {4}at exports.default \([^\n]*\)$/);
});

test("frames of Node's inside are left out", async () => {
  const p = new FunctionProcess();
  const message = await p.failure(p.fn('() => new URL("nonsense")'));
  expect(message).toMatch(/^TypeError: Invalid URL\n {4}at exports.default \([^\n]*\)$/);
});

test("causes and errors within", async () => {
  const p = new FunctionProcess();
  const fails = async (expression: string) => {
    const message = await p.failure(p.fn(`() => { throw ${expression}; }`));
    return message.split("\n").filter((line) => !line.includes("    at "));
  };
  const chain = 'new Error("a", { cause: new TypeError("b", { cause: "text" }) })';
  expect(await fails(chain)).toEqual([
    "Error: a",
    "Caused by: TypeError: b",
    "Caused by: 'text' was thrown, which is no Error",
  ]);
  const several = 'new AggregateError([new Error("one"), 2], "both")';
  expect(await fails(several)).toEqual([
    "AggregateError: both",
    "Error 1 of 2: Error: one",
    "Error 2 of 2: 2 was thrown, which is no Error",
  ]);
  const endless = "((e) => { e.cause = e; e.errors = [e]; return e; })(new Error('round'))";
  expect((await fails(endless)).length).toBeLessThan(5000);
  expect(
    await fails("Array(99).fill().reduce((cause) => new Error('n', { cause }), 1)"),
  ).toHaveLength(11);
});

describe("whatever is thrown", () => {
  test.each([
    ["'text'", "'text' was thrown, which is no Error"],
    ["undefined", "undefined was thrown, which is no Error"],
    ["null", "null was thrown, which is no Error"],
    ["{ code: 5 }", "{ code: 5 } was thrown, which is no Error"],
    ["() => 1", "[Function (anonymous)] was thrown, which is no Error"],
    ["new Proxy({}, { get() { throw 1; }, getPrototypeOf() { throw 2; } })", "{} was thrown"],
    ["{ [Symbol.for('nodejs.util.inspect.custom')]() { throw 1; } }", "something was thrown that"],
    ["Object.defineProperty(new Error('m'), 'stack', { get() { throw 1; } })", "Error: m"],
    [
      "Object.defineProperty(new Error('m'), 'message', { get() { throw 1; } })",
      "Error: (its message can't be read)",
    ],
    ["Object.assign(new Error('m'), { stack: 5, name: undefined })", "Error: m"],
    [
      "Object.assign(new Error('m'), { message: 'changed' })",
      "Error: changed\n    at exports.default",
    ],
    ["new (class MyError extends Error { name = 'MyError' })('m')", "MyError: m\n    at exports"],
    ["Object.create(Error.prototype)", "Error"],
    ["require('vm').runInNewContext('new RangeError(\"realm\")')", "RangeError: realm"],
  ])("%s", async (expression, message) => {
    const p = new FunctionProcess();
    const fn = p.fn(`() => { throw (${expression}); }`);
    expect((await p.failure(fn)).startsWith(message)).toBe(true);
    const later = p.fn(`async () => { throw (${expression}); }`);
    expect((await p.failure(later)).startsWith(message)).toBe(true);
  });
});

test("endless messages are cut", async () => {
  const p = new FunctionProcess();
  const message = await p.failure(p.fn('() => { throw new Error("x".repeat(1e6)); }'));
  expect(message.length).toBeLessThan(132_000);
  expect(message).toMatch(/^Error: x+\n\.\.\. \d+ characters left out \.\.\.\nx+\n +at .*/);
});

test("stack overflow of a function is an error like others", async () => {
  const p = new FunctionProcess();
  const fn = p.fn("() => { const f = () => f() + 1; return f(); }");
  expect(await p.failure(fn)).toMatch(/^RangeError: Maximum call stack size exceeded\n {4}at f/);
});

describe("source maps", () => {
  const LIB =
    'export function check(x: string): void {\n\n  if (x) throw new Error("bad " + x);\n}\n';
  const MAIN = `import { check } from "./lib/check.js";

interface Unused { a: number }

export default function job(a: { text(): string }): string {
  const text: string = a.text();
  check(text);
  return text;
}
`;

  async function bundle(p: FunctionProcess, minify: boolean, change: (code: string) => string) {
    mkdirSync(join(p.directory, "lib"), { recursive: true });
    writeFileSync(join(p.directory, "lib", "check.ts"), LIB);
    const file = join(p.directory, "main.ts");
    writeFileSync(file, MAIN);
    const { outputFiles } = await build({
      entryPoints: [file],
      bundle: true,
      minify,
      write: false,
      format: "cjs",
      platform: "node",
      sourcemap: "inline",
      outfile: join(p.directory, "out.js"),
    });
    return p.define(change(outputFiles[0].text), { url: pathToFileURL(file).href });
  }

  test.each([false, true])(
    "positions are those of the user's files (minified: %s)",
    async (minify) => {
      const p = new FunctionProcess();
      const fn = await bundle(p, minify, (code) => code);
      expect(await p.call(fn, [""])).toBe("");
      const frames = (await p.failure(fn, ["x"])).split("\n");
      expect(frames[0]).toBe("Error: bad x");
      expect(frames[1]).toContain(`(${p.directory}/lib/check.ts:3:16)`);
      expect(frames[2]).toContain(`(${p.directory}/main.ts:7:3)`);
      expect(frames).toHaveLength(3);
    },
  );

  test("sources may be URLs, sourceRoot is honoured, broken maps change nothing", async () => {
    const p = new FunctionProcess();
    const withMap = (change: (map: { sources: string[]; sourceRoot?: string }) => unknown) =>
      bundle(p, false, (code) => {
        const [head, data] = code.split("base64,");
        const map = JSON.parse(Buffer.from(data, "base64").toString());
        const changed = Buffer.from(JSON.stringify(change(map))).toString("base64");
        return `${head}base64,${changed}\n`;
      });
    const urls = await withMap((map) => {
      return {
        ...map,
        sources: map.sources.map((one) => pathToFileURL(join("/src dir", one)).href),
      };
    });
    expect(await p.failure(urls, ["x"])).toContain("(/src dir/lib/check.ts:3:16)");
    const rooted = await withMap((map) => ({ ...map, sourceRoot: "/root/" }));
    expect(await p.failure(rooted, ["x"])).toContain("(/root/lib/check.ts:3:16)");
    for (const bad of [await withMap(() => null), await withMap(() => ({ mappings: 5 }))]) {
      expect(await p.failure(bad, ["x"])).toMatch(
        /^Error: bad x\n {4}at check \(hyperloom-function/,
      );
    }
  });
});

test("errors of callbacks fail the only call that runs", async () => {
  const p = new FunctionProcess();
  const never = "return new Promise(() => {});";
  const inTimer = p.fn(`() => { setTimeout(() => { throw new Error("in timer"); }); ${never} }`);
  expect(await p.failure(inTimer)).toMatch(/^Error: in timer\n/);
  const rejected = p.fn(`() => { Promise.reject(new Error("nobody")); ${never} }`);
  expect(await p.failure(rejected)).toMatch(/^Error: nobody\n/);
  // Its own later result counts no more.
  const both = p.fn(
    `() => { Promise.reject(new Error("first")); return new Promise((f) => setTimeout(f, 5, "x")); }`,
  );
  expect(await p.failure(both)).toMatch(/^Error: first/);
  expect(await p.call(p.fn('() => new Promise((f) => setTimeout(f, 20, "fine"))'))).toBe("fine");
  expect(p.answered).toHaveLength(4);
});

test("errors of callbacks are logged while several calls run", async () => {
  const p = new FunctionProcess();
  const code = `exports.default = (a) => {
    if (a.text() === "bad") Promise.reject(new Error("whose"));
    return new Promise((f) => setTimeout(f, 10, "fine")); };`;
  const fn = p.define(code);
  const light = { light: true };
  const calls = ["good", "bad"].map((text) => p.call(fn, [text], light));
  expect(await Promise.all(calls)).toEqual(["fine", "fine"]);
  expect(p.logs.map(({ text }) => text)[0]).toContain("Error: whose");
});

test("errors after a call are logged with the last call of that function", async () => {
  const p = new FunctionProcess();
  const late = p.fn('() => { setTimeout(() => { throw new Error("left over"); }); return "x"; }');
  await p.call(late);
  await p.until(() => p.logs.length > 0);
  expect(p.logs[0]).toMatchObject({ serial: p.answered[0], level: 4 });
  expect(p.logs[0].text).toMatch(/^error in a callback or promise .* Error: left over\n {4}at /);
  const strange = p.fn('() => { setTimeout(() => { throw "no stack"; }); return "x"; }');
  await p.call(strange);
  await p.until(() => p.stderr.includes("'no stack' was thrown"));
  expect(await p.call(p.fn('() => "alive"'))).toBe("alive");
});

test("an error of another function's callback does not fail the call that runs", async () => {
  const p = new FunctionProcess();
  const code = `exports.default = () => {
    globalThis.later = () => Promise.reject(new Error("of the first")); return "x"; };`;
  await p.call(p.define(code, { name: "first" }));
  const second = p.fn(
    '() => { globalThis.later(); return new Promise((f) => setTimeout(f, 5, "fine")); }',
    { name: "second" },
  );
  expect(await p.call(second)).toBe("fine");
  expect(p.logs.map(({ text }) => text)[0]).toContain("Error: of the first");
});
