/** What functions are told of the resources that their call holds: HOLD. Real processes. */
import { afterEach, expect, test } from "vitest";
import { call, hold, u8 } from "./codec.js";
import { endProcesses, FunctionProcess } from "./driver.js";

afterEach(endProcesses);

const GPU = { cpus: { amount: 2, indices: ["0", "3"] }, gpus: { amount: 0.5, indices: ["4"] } };
const CPU = { cpus: { amount: 1, indices: ["7"] } };

const showResources = (p: FunctionProcess) =>
  p.fn("(ctx) => JSON.stringify(ctx.resources)", { context: true });
const showGpus = (p: FunctionProcess) => p.fn('() => process.env.CUDA_VISIBLE_DEVICES ?? "unset"');

test("the context says what the last HOLD said, for light calls nothing", async () => {
  const p = new FunctionProcess();
  const fn = showResources(p);
  expect(await p.call(fn)).toBe("{}");
  p.send(hold(GPU));
  expect(await p.call(fn)).toBe(JSON.stringify(GPU));
  expect(await p.call(fn, [], { light: true })).toBe("{}");
  p.send(call({ serial: 1, fn }), hold(CPU), call({ serial: 2, fn }));
  expect(await p.answer(1)).toBe(JSON.stringify(GPU));
  expect(await p.answer(2)).toBe(JSON.stringify(CPU));
});

test("a function can't change what others are told", async () => {
  const p = new FunctionProcess();
  p.send(hold(GPU));
  const change = p.fn("(ctx) => { 'use strict'; ctx.resources.gpus.indices.push('9'); }", {
    context: true,
  });
  expect(await p.failure(change)).toMatch(/not extensible/);
  expect(await p.call(showResources(p))).toBe(JSON.stringify(GPU));
});

test("CUDA_VISIBLE_DEVICES is what a call holds, else what it was", async () => {
  const before = process.env.CUDA_VISIBLE_DEVICES;
  for (const value of [undefined, "5,6"]) {
    if (value === undefined) delete process.env.CUDA_VISIBLE_DEVICES;
    else process.env.CUDA_VISIBLE_DEVICES = value;
    const p = new FunctionProcess();
    if (before === undefined) delete process.env.CUDA_VISIBLE_DEVICES;
    else process.env.CUDA_VISIBLE_DEVICES = before;
    const fn = showGpus(p);
    const own = value ?? "unset";
    expect(await p.call(fn)).toBe(own);
    p.send(hold(GPU));
    expect(await p.call(fn)).toBe("4");
    p.send(hold({ gpus: { amount: 2, indices: ["1", "GPU-8f"] } }));
    expect(await p.call(fn)).toBe("1,GPU-8f");
    p.send(hold(CPU));
    expect(await p.call(fn)).toBe(own);
  }
});

test("a light call beside one that holds GPUs does not hide them", async () => {
  const p = new FunctionProcess();
  const slow = p.define(`let go; const gate = new Promise((f) => { globalThis.go = f; });
    exports.default = async () => { await gate; return process.env.CUDA_VISIBLE_DEVICES; };`);
  const go = p.fn('() => { globalThis.go(); return ""; }');
  p.send(hold(GPU));
  const waiting = p.call(slow);
  await p.call(go, [], { light: true });
  expect(await waiting).toBe("4");
});

test.each([
  ["text that is no JSON", "{", /HOLD is no JSON/],
  ["no object", "[]", /HOLD needs resources by name, got \[\]/],
  ["a resource without indices", { gpus: { amount: 1 } }, /needs amount and indices of gpus/],
  ["a resource that is null", { gpus: null }, /needs amount and indices of gpus/],
])("a HOLD with %s ends the process", async (_, content, message) => {
  const p = new FunctionProcess();
  await p.ready;
  p.send(hold(content));
  expect((await p.ended).code).toBe(1);
  expect(p.stderr).toMatch(message);
});

test("a HOLD that is cut off ends the process", async () => {
  const p = new FunctionProcess();
  await p.ready;
  p.send(u8(5));
  expect((await p.ended).code).toBe(1);
  expect(p.stderr).toMatch(/record ends beyond its frame/);
});
