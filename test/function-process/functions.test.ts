/** How functions are defined, loaded and called. */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, expect, test } from "vitest";
import * as codec from "./codec.js";
import {
  codeObject,
  endProcesses,
  FunctionProcess,
  functionObject,
  jsonConfig,
  serializedConfig,
} from "./driver.js";

afterEach(endProcesses);

test("the process says what it is, and ends with the socket", async () => {
  const p = new FunctionProcess();
  expect(await p.ready).toEqual({ language: "javascript", version: process.version });
  p.socket.end();
  expect(await p.ended).toEqual({ code: 0, signal: null });
  expect(p.stderr).toBe("");
});

test("inputs and direct arguments come in order, the context first", async () => {
  const p = new FunctionProcess();
  const join = '(...all) => all.map((x) => x?.text?.() ?? JSON.stringify(x) ?? "?").join()';
  expect(await p.call(p.fn(join), [])).toBe("");
  expect(await p.call(p.fn(join), ["a", "b", "c"])).toBe("a,b,c");
  const config = serializedConfig(1, new Map([[1, 2]]));
  expect(await p.call(p.fn(join), ["a"], { config })).toBe("1,{},a");
  expect(await p.call(p.fn(join), ["a"], { config: jsonConfig("x", null) })).toBe('"x",null,a');
  expect(await p.call(p.fn(join), ["a"], { config: new Uint8Array(0) })).toBe("a");
  const withContext = "(ctx, ...all) => [ctx.taskId, ctx.attempt, all.length].join(' ')";
  const fn = p.fn(withContext, { context: true });
  const options = { taskId: -7, attempt: 3, config: jsonConfig(5) };
  expect(await p.call(fn, ["a"], options)).toBe("-7 3 2");
});

test("bad direct arguments fail the call and say so", async () => {
  const p = new FunctionProcess();
  const fn = p.fn('() => "x"', { name: "sum" });
  const fail = (config: Uint8Array) => p.failure(fn, [], { config });
  expect(await fail(Buffer.of(2, 0x7b))).toMatch(/^direct arguments of function "sum" can't be/);
  expect(await fail(Buffer.of(1, 0, 1))).toMatch(/^direct arguments of function "sum" can't be/);
  expect(await fail(Buffer.of(9))).toMatch(/are no array \(form 9/);
  expect(await fail(Buffer.concat([codec.u8(2), Buffer.from("{}")]))).toMatch(/are no array/);
  expect(await p.call(fn)).toBe("x");
});

test("code is loaded once for equal hashes, also when it is defined again", async () => {
  const p = new FunctionProcess();
  const code = "let n = 0; exports.default = () => String(++n);";
  const one = p.define(code, { name: "one" });
  const two = p.define(code, { name: "two" });
  const other = p.define(`${code} `);
  expect(await p.call(one)).toBe("1");
  expect(await p.call(two)).toBe("2");
  expect(await p.call(other)).toBe("1");
  p.send(codec.forget(one), codec.forget(two));
  expect(await p.call(p.define(code))).toBe("3");
  expect(await p.failure(one)).toBe("function 1 is not defined in this process");
});

test("code that is not used any more is dropped some time", async () => {
  const p = new FunctionProcess();
  const code = "let n = 0; exports.default = () => String(++n);";
  const first = p.define(code);
  expect(await p.call(first)).toBe("1");
  p.send(codec.forget(first));
  // Forgotten before it is loaded.
  const early = codec.bytesObject(codeObject(`${code}//early`));
  p.send(codec.define(99, early), codec.call({ serial: 1, fn: 99 }), codec.forget(99));
  for (let i = 0; i < 40; i++) {
    const fn = p.define(`${code}//${i}`);
    await p.call(fn);
    p.send(codec.forget(fn));
  }
  expect(await p.call(p.define(code))).toBe("1");
  expect(await p.call(p.define(`${code}//early`))).toBe("1");
});

test("code without a hash is not shared", async () => {
  const p = new FunctionProcess();
  for (const text of ["one", "two"]) {
    expect(await p.call(p.fn(`() => "${text}"`, { hash: "" }))).toBe(text);
  }
});

test("a function may be forgotten before its calls have run", async () => {
  const p = new FunctionProcess();
  for (const code of [
    'exports.default = () => "x";',
    'require("hyperloom"); exports.default = () => "x";',
  ]) {
    const [one, two] = [p.nextSerial(), p.nextSerial()];
    const object = codec.bytesObject(codeObject(code));
    const calls = [one, two].map((serial) => codec.call({ serial, fn: 77 }));
    p.send(codec.define(77, object), ...calls, codec.forget(77));
    expect(await Promise.all([p.answer(one), p.answer(two)])).toEqual(["x", "x"]);
  }
});

test("a function's object may be in a file", async () => {
  const p = new FunctionProcess();
  const object = codeObject('exports.default = () => "from file";');
  const path = join(p.directory, "function");
  writeFileSync(path, Buffer.concat([Buffer.from("###"), object]));
  const fn = p.defineObject(codec.fileObject(path, 3, object.length));
  expect(await p.call(fn)).toBe("from file");
});

test("captured values are module.captured", async () => {
  const p = new FunctionProcess();
  const code = "const { list } = module.captured; exports.default = () => [...list.keys()].join();";
  const fn = p.define(code, { captured: { list: new Map([["a", 1]]) } });
  expect(await p.call(fn)).toBe("a");
  expect(await p.call(p.fn("() => String(module.captured)"))).toBe("undefined");
});

test("require: node, packages of the worker's directory, the worker's own HyperLoom", async () => {
  const p = new FunctionProcess();
  const folder = join(p.directory, "node_modules", "answer");
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, "index.js"), "module.exports = 42;");
  const node = 'const { sep } = require("node:path"); exports.default = () => sep;';
  expect(await p.call(p.define(node))).toBe("/");
  // Also after a function has changed the current directory.
  await p.call(p.fn('() => { process.chdir("/"); return ""; }'));
  expect(await p.call(p.fn('() => String(require("answer"))'))).toBe("42");
  const loom = `const hyperloom = require("hyperloom");
    exports.default = () => Object.keys(hyperloom).sort().join() + typeof hyperloom.Client;`;
  expect(await p.call(p.define(loom))).toBe("LoomError,Task,cpus,jsTask,tasksundefined");
});

test("import() is resolved from the worker's directory, without a warning", async () => {
  const p = new FunctionProcess();
  const folder = join(p.directory, "node_modules", "esm-only");
  mkdirSync(folder, { recursive: true });
  const description = { name: "esm-only", type: "module", exports: { import: "./index.js" } };
  writeFileSync(join(folder, "package.json"), JSON.stringify(description));
  writeFileSync(join(folder, "index.js"), 'export const text = "esm";');
  const fn = p.fn('async () => (await import("esm-only")).text');
  expect(await p.call(fn)).toBe("esm");
  const byModule = p.defineObject(
    codec.bytesObject(functionObject({ name: "m", module: "esm-only", export: "text" })),
  );
  expect(await p.failure(byModule)).toMatch(/exports no function as "text" \(it exports text\)/);
  expect(p.stderr).toBe("");
});

test("a module of the worker, by path or package", async () => {
  const p = new FunctionProcess();
  writeFileSync(
    join(p.directory, "jobs.mjs"),
    `export default () => "default";
     export const named = (ctx) => String(ctx.taskId);
     export const built = () => { throw new Error("not this one"); };
     built[Symbol.for("hyperloom.jsTask")] = { fn: (ctx, a) => ctx.taskId + a.text(), context: true };`,
  );
  writeFileSync(join(p.directory, "old.cjs"), 'exports.old = () => "old";');
  const define = (header: object) =>
    p.defineObject(codec.bytesObject(functionObject({ name: "m", ...header })));
  expect(await p.call(define({ module: "./jobs.mjs" }))).toBe("default");
  expect(await p.call(define({ module: "jobs.mjs", export: "default" }))).toBe("default");
  const named = define({ module: join(p.directory, "jobs.mjs"), export: "named", context: true });
  expect(await p.call(named, [], { taskId: 8 })).toBe("8");
  expect(await p.call(define({ module: "./jobs.mjs", export: "built" }), ["x"])).toBe("1x");
  expect(await p.call(define({ module: "./old.cjs", export: "old" }))).toBe("old");
});

test("builders of jsTask carry the function; calling one inside a function makes a task", async () => {
  const p = new FunctionProcess();
  const code = `const { jsTask } = require("hyperloom");
    const plain = (a) => a.text() + "!";
    const shout = jsTask(plain);
    exports.default = jsTask((ctx, a) => ctx.taskId === 1 ? shout.fn(a) : shout(a), { context: true });`;
  const fn = p.define(code, { name: "shout" });
  expect(await p.call(fn, ["hi"])).toBe("hi!");
  expect(await p.call(fn, ["hi"], { taskId: 2 })).toMatchObject({
    task: "loom/js/call",
    inputs: [{ task: "loom/data/const", config: expect.stringContaining("plain") }, { input: 0 }],
  });
});

test("what can't be loaded names the function, the cause and what to do", async () => {
  const p = new FunctionProcess();
  const fails = (code: string) => p.failure(p.define(code, { name: "job" }));
  expect(await fails('exports.default = require("not-there");')).toBe(
    `function "job" can't be loaded: module "not-there", which function "job" needs, is not found on the worker (from ${p.directory}): ` +
      "install it where the worker runs, or let the function be bundled with it",
  );
  expect(await fails("exports.default = () => require('not-there/x');")).toMatch(
    /^module "not-there\/x", which function "job" needs, is not found on the worker/,
  );
  expect(await fails('require("node:fs");\nconst x = ;')).toMatch(
    /^function "job" can't be loaded: hyperloom-function-\d+-job.js:2\nSyntaxError: Unexpected token/,
  );
  expect(await fails("exports.other = 1;")).toBe(
    'function "job" can\'t be loaded: its code exports no function as "default" (only other)',
  );
  expect(await fails("module.exports = null;")).toMatch(/^function "job" can't be loaded/);
  expect(await fails('throw new Error("at the top");')).toMatch(
    /^function "job" can't be loaded: Error: at the top\n {4}at Object.<anonymous> \(hyperloom-function-\d+-job.js:1:7\)$/,
  );
  const byModule = { name: "job", module: "./gone.mjs", export: "x" };
  const define = (object: Buffer) => p.defineObject(codec.bytesObject(object));
  expect(await p.failure(define(functionObject(byModule)))).toMatch(
    /^function "job" can't be loaded: module ".\/gone.mjs", which function "job" needs, is not found/,
  );
  expect(await fails('exports.default = () => import("not-there");')).toMatch(
    /Cannot find package 'not-there' imported from .*\n\(install it where the worker runs, or let/,
  );
  // A package that lacks something itself.
  writeFileSync(join(p.directory, "broken.cjs"), 'require("lacking");');
  expect(await fails('require("./broken.cjs");')).toMatch(/Cannot find module 'lacking'/);
  // The same again: the reason is kept.
  const broken = p.define('throw new Error("no")');
  expect(await p.failure(broken)).toBe(await p.failure(broken));
});

test("malformed objects of functions fail their calls only", async () => {
  const p = new FunctionProcess();
  const fails = (object: Buffer) => p.failure(p.defineObject(codec.bytesObject(object)));
  expect(await fails(Buffer.alloc(0))).toMatch(/object is malformed: it has 0 bytes/);
  expect(await fails(codec.u32(100))).toMatch(/its header is longer than the object/);
  expect(await fails(codec.sized("{"))).toMatch(/its header is no JSON/);
  expect(await fails(codec.sized("null"))).toMatch(/its header is no object/);
  expect(await fails(functionObject({ name: "f" }))).toMatch(/has no codeBytes/);
  expect(await fails(functionObject({ codeBytes: 9 }, "short"))).toMatch(/its code is longer/);
  expect(await fails(functionObject({ codeBytes: -1 }))).toMatch(/has no codeBytes/);
  const badCaptured = functionObject({ name: "f", codeBytes: 2 }, "1;garbage");
  expect(await fails(badCaptured)).toMatch(/^function "f" can't be loaded/);
  const noFile = codec.fileObject("/does/not/exist", 0, 10);
  expect(await p.failure(p.defineObject(noFile))).toMatch(/can't be loaded: Error: ENOENT/);
  expect(await p.call(p.fn('() => "fine"'))).toBe("fine");
});

test("more inputs than a function can take", async () => {
  const p = new FunctionProcess();
  const fn = p.fn("(...all) => String(all.length)", { name: "many" });
  const inputs = Array.from({ length: 100_001 }, () => codec.bytesObject(""));
  expect(await p.call(fn, inputs.slice(1))).toBe("100000");
  expect(await p.failure(fn, inputs)).toMatch(/function "many" has 100001 inputs.*arrayMake/);
});
