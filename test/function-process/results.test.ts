/** What functions may return, and what is said about what they may not. */
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { deserialize } from "node:v8";
import { afterEach, describe, expect, test } from "vitest";
import { arrayObject, bytesObject, indexObject, type Result, valueObject } from "./codec.js";
import { endProcesses, FunctionProcess, jsonConfig } from "./driver.js";

afterEach(endProcesses);

const unwrapped = (result: Result) => {
  const { value, content } = result as { value: string; content: Buffer };
  expect(value).toBe("loom/jsobj");
  return deserialize(content);
};

test("strings and bytes", async () => {
  const p = new FunctionProcess();
  const gives = (expression: string) => p.call(p.fn(`() => ${expression}`));
  expect(await gives('""')).toBe("");
  expect(await gives('"größe €😀"')).toBe("größe €😀");
  expect(await gives('"é".repeat(12)')).toBe("é".repeat(12));
  expect(await gives('"x".repeat(25)')).toBe("x".repeat(25));
  expect(await gives('"ascii then ü"')).toBe("ascii then ü");
  expect(await gives('"\\ud800"')).toBe("\ufffd");
  expect(await gives("Uint8Array.of(1, 255)")).toEqual(Buffer.of(1, 255));
  expect(await gives('Buffer.from("b".repeat(100))')).toBe("b".repeat(100));
  expect(await gives("Uint8Array.of(0xc3, 2, 3).buffer")).toEqual(Buffer.of(0xc3, 2, 3));
  expect(await gives("new Uint16Array([0xffff, 1]).buffer")).toEqual(Buffer.of(255, 255, 1, 0));
  expect(await gives("new SharedArrayBuffer(2)")).toBe("\0\0");
  expect(await gives("Uint8Array.of(1, 2, 3, 4).subarray(1, 3)")).toBe("\x02\x03");
});

test("data stands for that very object", async () => {
  const p = new FunctionProcess();
  const inputs = [
    bytesObject("a"),
    arrayObject(
      bytesObject("b"),
      arrayObject(bytesObject("c"), bytesObject("d")),
      bytesObject("e"),
    ),
    indexObject(bytesObject("xyz"), 0, 1, 3),
    valueObject("loom/pyobj", bytesObject("pickle")),
    bytesObject("last"),
  ];
  const gives = (expression: string) => p.call(p.fn(`(a, b, c, d, e) => ${expression}`), inputs);
  expect(await gives("a")).toEqual({ input: 0 });
  expect(await gives("b")).toEqual({ input: 1 });
  expect(await gives("b.at(0)")).toEqual({ input: 2 });
  expect(await gives("b.at(1)")).toEqual({ input: 3 });
  expect(await gives("[...b.at(1)]")).toEqual([{ input: 4 }, { input: 5 }]);
  expect(await gives("b.at(2)")).toEqual({ input: 6 });
  expect(await gives("c")).toEqual({ input: 7 });
  expect(await gives("c.at(1)")).toEqual({ piece: [7, 1] });
  expect(await gives("d")).toEqual({ input: 8 });
  expect(await gives('[e, [a, "new", []], e]')).toEqual([
    { input: 9 },
    [{ input: 0 }, "new", []],
    { input: 9 },
  ]);
});

test("ctx.wrap", async () => {
  const p = new FunctionProcess();
  const gives = (expression: string) =>
    p.call(p.fn(`(ctx, a) => ${expression}`, { context: true }), ["input"]);
  expect(
    unwrapped(await gives("ctx.wrap({ m: new Map([[1, new Date(5)]]), u: undefined })")),
  ).toEqual({ m: new Map([[1, new Date(5)]]), u: undefined });
  expect(unwrapped(await gives("ctx.wrap(undefined)"))).toBe(undefined);
  expect(await gives("ctx.wrap(a)")).toEqual({ input: 0 });
  expect(await gives("String(ctx.wrap(ctx.wrap([1]).unwrap()).unwrap()[0])")).toBe("1");
  const list = (await gives("{ const { wrap } = ctx; return [wrap(1), wrap(2n)]; }")) as Result[];
  expect(list.map(unwrapped)).toEqual([1, 2n]);
  const facts = "((w) => [w.kind, w.type, w.length, typeof w.size].join())(ctx.wrap(1))";
  expect(await gives(facts)).toBe("value,loom/jsobj,0,number");
});

test("ctx.wrap names what can't be cloned", async () => {
  const p = new FunctionProcess();
  const fails = async (expression: string) => {
    const fn = p.fn(`(ctx, a) => ${expression}`, { context: true });
    return (await p.failure(fn, ["input"])).split("\n")[0];
  };
  const head = "TypeError: ctx.wrap can't clone";
  expect(await fails("ctx.wrap(() => 1)")).toBe(`${head} value, which is a function`);
  expect(await fails("ctx.wrap({ a: [1, { b() {} }] })")).toBe(
    `${head} value.a[1].b, which is a function`,
  );
  expect(await fails("ctx.wrap(new Map([['k', Symbol('s')]]))")).toBe(
    `${head} value.get('k'), which is a symbol`,
  );
  expect(await fails("ctx.wrap(new Set([Promise.resolve(1)]))")).toBe(
    `${head} element 0 of value, which is Promise { 1 }`,
  );
  expect(await fails("ctx.wrap({ list: [a] })")).toBe(
    `${head} value.list[0], which is Data (5 bytes): take its bytes(), text(), json() or unwrap()`,
  );
  expect(await fails("ctx.wrap([ctx.wrap(1)])")).toMatch(/value\[0\], which is Data \(a value/);
  const cyclic = "{ const v = { f() {} }; v.v = v; return ctx.wrap(v); }";
  expect(await fails(cyclic)).toBe(`${head} value.f, which is a function`);
  const deep = "{ let v = () => 1; for (let i = 0; i < 300; i++) v = [v]; return ctx.wrap(v); }";
  expect(await fails(deep)).toBe(`${head} value${"[0]".repeat(50)}, which is [ [Array] ]`);
});

test("promises are awaited, also those of others", async () => {
  const p = new FunctionProcess();
  expect(await p.call(p.fn('async () => "later"'))).toBe("later");
  expect(await p.call(p.fn('() => ({ then(f) { f("thenable"); f("twice"); } })'))).toBe("thenable");
  const fails = p.fn('() => ({ then() { throw new Error("bad then"); } })');
  expect(await p.failure(fails)).toMatch(/^Error: bad then/);
  const getter = p.fn('() => ({ get then() { throw new Error("bad getter"); } })');
  expect(await p.failure(getter)).toMatch(/^Error: bad getter/);
});

describe("what can't be a result", () => {
  const TODO = "return a string, Uint8Array, array, Data, Task or ctx.wrap(value)";

  test.each([
    ["undefined", "undefined"],
    ["null", "null"],
    ["5", "a number"],
    ["5n", "a bigint"],
    ["true", "a boolean"],
    ["Symbol()", "a symbol"],
    ["({ a: 1 })", "an object"],
    ["Object.create(null)", "an object"],
    ["new Map()", "an object of class Map"],
    ["() => function inner() {}", "a function (inner)"],
    ["({ type: 'x', config: 'y', inputs: [] })", "an object"],
    ["['a', ['b', undefined]]", "an array whose element [1][1] is undefined"],
    ["[,]", "an array whose element [0] is undefined"],
  ])("%s", async (expression, what) => {
    const p = new FunctionProcess();
    const code = expression.startsWith("() =>") ? expression : `() => (${expression})`;
    expect(await p.failure(p.fn(code, { name: "job" }))).toBe(
      `function "job" returned ${what}: ${TODO}`,
    );
  });

  test("what has a hint of its own", async () => {
    const p = new FunctionProcess();
    const fails = (expression: string) => p.failure(p.fn(`() => ${expression}`));
    const view = /returned a Float64Array \(use ctx.wrap, or Buffer.from\(x.buffer/;
    expect(await fails("new Float64Array(2)")).toMatch(view);
    expect(await fails("new Uint8ClampedArray(2)")).toMatch(/a Uint8ClampedArray \(use ctx.wrap/);
    expect(await fails("new DataView(new ArrayBuffer(2))")).toMatch(/a DataView \(use ctx.wrap/);
    expect(await fails("[async () => 1].map((f) => f())")).toMatch(
      /element \[0\] is a promise \(await it, or all of them: await Promise.all/,
    );
    expect(await fails("({ id: 3, gather() {} })")).toMatch(/a future \(it belongs to a client/);
    const task = "{ type: 't', config: new Uint8Array(), inputs: [] }";
    expect(await fails(`[${task}]`)).toMatch(/element \[0\] is a task .* use tasks.arrayMake/);
    expect(await fails("{ const a = []; a.push('x', [a]); return a; }")).toMatch(
      /element \[1\]\[0\] is an array that contains itself/,
    );
    expect(await fails("[{ get then() { throw new Error('x'); } }]")).toMatch(/^Error: x/);
  });
});

test("nested arrays: as deep as the worker takes them, the same one often", async () => {
  const p = new FunctionProcess();
  const nested = p.fn(
    "(n) => { let a = ['core']; for (let i = 1; i < n; i++) a = [a]; return a; }",
  );
  let result = await p.call(nested, [], { config: jsonConfig(1000) });
  let depth = 0;
  for (; Array.isArray(result); result = result[0]) depth++;
  expect([depth, result]).toEqual([1000, "core"]);
  for (const n of [1001, 1_000_000]) {
    expect(await p.failure(nested, [], { config: jsonConfig(n) })).toMatch(
      /returned arrays nested over 1000 deep: return a flat array, or ctx.wrap/,
    );
  }
  const shared = p.fn("() => { const a = ['x']; return [a, a, [a]]; }");
  expect(await p.call(shared)).toEqual([["x"], ["x"], [["x"]]]);
});

test("tasks", async () => {
  const p = new FunctionProcess();
  const code = `const { tasks, Task, cpus } = require("hyperloom");
    exports.default = (ctx, a, b) => {
      const shared = tasks.const("shared");
      const wrapped = ctx.wrap(5);
      const inner = new Task("my/inner", Buffer.from("c"), [wrapped, b.at(0)]);
      return tasks.merge([a, shared, inner, shared], "-").withLabel("x");
    };`;
  const fn = p.define(code, { context: true });
  const result = (await p.call(fn, ["a", arrayObject(bytesObject("b"))])) as { inputs: Result[] };
  const shared = { task: "loom/data/const", config: "shared", inputs: [] };
  const [first, second, inner, last] = result.inputs as { inputs: Result[] }[];
  expect({ ...result, inputs: [] }).toEqual({ task: "loom/data/merge", config: "-", inputs: [] });
  expect([first, second, last]).toEqual([{ input: 0 }, shared, shared]);
  expect(unwrapped(inner.inputs[0])).toBe(5);
  expect(inner).toMatchObject({ task: "my/inner", config: "c" });
  expect(inner.inputs[1]).toEqual({ input: 2 });
  const byShape = "(a) => ({ type: 'my/task', config: Uint8Array.of(65), inputs: [a] })";
  expect(await p.call(p.fn(byShape), ["a"])).toEqual({
    task: "my/task",
    config: "A",
    inputs: [{ input: 0 }],
  });
  const later = "async (a) => ({ type: 'my/task', config: Uint8Array.of(65), inputs: [] })";
  expect(await p.call(p.fn(later), ["a"])).toMatchObject({ task: "my/task" });
});

test("wrong inputs of tasks, and too many tasks", async () => {
  const p = new FunctionProcess();
  const fails = (code: string) =>
    p.failure(
      p.define(
        `const task = (type, ...inputs) => ({ type, config: new Uint8Array(), inputs });
         exports.default = (a) => { ${code} };`,
        { name: "job" },
      ),
      ["a"],
    );
  expect(await fails('return task("outer", a, task("inner", a, "text"))')).toBe(
    'function "job" returned a task "inner" whose input 1 is a string: ' +
      "inputs are Data, tasks (tasks.const for a string or bytes) and ctx.wrap(value)",
  );
  expect(await fails('return task("t", { id: 1, gather() {} })')).toMatch(/input 0 is a future/);
  expect(await fails('return task("t", [a])')).toMatch(/input 0 is an array/);
  expect(await fails('return task("t", undefined)')).toMatch(/input 0 is undefined/);
  // Each level doubles: 2^40 tasks.
  const explosion =
    'let t = task("t"); for (let i = 0; i < 40; i++) t = task("t", t, t); return t;';
  expect(await fails(explosion)).toMatch(/a task with more than 100000 tasks among its inputs/);
  const cyclic = 'const t = task("t"); t.inputs.push(t); return t;';
  expect(await fails(cyclic)).toMatch(/returned tasks nested over 1000 deep/);
  const wide = "return task('t', ...Array.from({ length: 99_999 }, () => task('u')))";
  const fn =
    p.define(`const task = (type, ...inputs) => ({ type, config: new Uint8Array(), inputs });
    exports.default = () => { ${wide} };`);
  expect(((await p.call(fn)) as { inputs: Result[] }).inputs.length).toBe(99_999);
});

describe("large results", () => {
  test("go to files of the first directory", async () => {
    const p = new FunctionProcess({ inlineLimit: 1000 });
    const gives = (expression: string) =>
      p.call(p.fn(`(ctx) => ${expression}`, { context: true })) as Promise<Result>;
    expect(await gives('"x".repeat(1000)')).toBe("x".repeat(1000));
    expect(await gives('"é".repeat(500)')).toBe("é".repeat(500));
    const one = (await gives('"é".repeat(501)')) as { file: string; size: number };
    expect(one).toEqual({ file: join(p.directory, `f${p.child.pid}-0`), size: 1002 });
    expect(readFileSync(one.file, "utf8")).toBe("é".repeat(501));
    const list = (await gives(
      '[Buffer.alloc(1001, "b"), "small", ctx.wrap("c".repeat(2000))]',
    )) as [
      { file: string; size: number },
      string,
      { value: string; content: { file: string; size: number } },
    ];
    expect(readFileSync(list[0].file, "utf8")).toBe("b".repeat(1001));
    expect(list[1]).toBe("small");
    expect(list[2].value).toBe("loom/jsobj");
    expect(deserialize(readFileSync(list[2].content.file))).toBe("c".repeat(2000));
    expect(list[2].content.size).toBe(readFileSync(list[2].content.file).length);
  });

  test("go elsewhere when there is no room, or nowhere", async () => {
    const gone = "/does/not/exist";
    const p = new FunctionProcess({ directories: [gone, "/dev/full"], inlineLimit: 10 });
    const fn = p.fn('() => "x".repeat(11)', { name: "big" });
    expect(await p.failure(fn)).toMatch(
      /^no directory of the worker has room for 11 bytes of the result \(\/does\/not\/exist: ENOENT.*; \/dev\/full: ENOTDIR/,
    );
    expect(await p.call(p.fn('() => "small"'))).toBe("small");
    const q = new FunctionProcess({ directories: [], inlineLimit: 10 });
    expect(await q.failure(q.fn('() => "x".repeat(11)'))).toMatch(/\(the worker has none\)$/);
    const second = p.directory;
    const r = new FunctionProcess({ directories: [gone, second], inlineLimit: 10 });
    const { file } = (await r.call(r.fn('() => "x".repeat(11)'))) as { file: string };
    expect(readFileSync(file, "utf8")).toBe("x".repeat(11));
    expect(file.startsWith(second)).toBe(true);
  });

  test("that don't fit leave nothing behind", async () => {
    const p = new FunctionProcess({ fileLimitKiB: 8 });
    const big = p.fn('() => "x".repeat(100_000)');
    expect(await p.failure(big)).toMatch(/no directory .* has room for 100000 bytes .*EFBIG/);
    expect(readdirSync(p.directory)).toEqual([]);
    const lists = new FunctionProcess({ fileLimitKiB: 8, inlineLimit: 10 });
    const some = lists.fn('() => ["x".repeat(100), "x".repeat(10_000)]');
    expect(await lists.failure(some)).toMatch(/has room for 10000 bytes/);
    expect(readdirSync(lists.directory)).toEqual([]);
  });

  test("of a failed result are deleted", async () => {
    const p = new FunctionProcess({ inlineLimit: 10 });
    expect(await p.failure(p.fn('() => ["x".repeat(11), "y".repeat(11), 5]'))).toMatch(/a number/);
    expect(readdirSync(p.directory)).toEqual([]);
    const { file } = (await p.call(p.fn('() => "x".repeat(11)'))) as { file: string };
    expect(readdirSync(p.directory)).toEqual([file.slice(p.directory.length + 1)]);
  });

  test("do not overwrite files of an earlier process with the same number", async () => {
    const p = new FunctionProcess({ inlineLimit: 10 });
    const old = join(p.directory, `f${p.child.pid}-0`);
    writeFileSync(old, "old");
    mkdirSync(join(p.directory, `f${p.child.pid}-1`));
    const { file } = (await p.call(p.fn('() => "x".repeat(11)'))) as { file: string };
    expect(file).toBe(join(p.directory, `f${p.child.pid}-2`));
    expect(readFileSync(old, "utf8")).toBe("old");
    expect(existsSync(file)).toBe(true);
  });

  test("in many small pieces make the buffer grow", async () => {
    const p = new FunctionProcess();
    const many = (await p.call(p.fn("() => Array(300_000).fill('piece')"))) as string[];
    expect([many.length, many[299_999]]).toEqual([300_000, "piece"]);
    const pieces = (await p.call(p.fn("() => Array(40).fill('y'.repeat(65_000))"))) as string[];
    expect(pieces.every((piece) => piece === "y".repeat(65_000))).toBe(true);
    expect(await p.call(p.fn('() => "and on"'))).toBe("and on");
  });
});
