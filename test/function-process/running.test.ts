/** Order, concurrency, cancelling, logs, and when results leave. */

import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, expect, test } from "vitest";
import { bytesObject, call, cancel } from "./codec.js";
import { endProcesses, FunctionProcess, functionObject } from "./driver.js";

afterEach(endProcesses);

/** Gates that functions wait at; a call of `open` opens one. */
const GATES = `const gates = globalThis.gates ??= new Map();
const gate = (name) => {
  if (!gates.has(name)) { let open; const passed = new Promise((f) => { open = f; }); gates.set(name, { passed, open }); }
  return gates.get(name);
};
const started = globalThis.started ??= [];
`;

function gated(p: FunctionProcess) {
  return {
    wait: p.define(
      `${GATES} exports.default = async (a) => { started.push(a.text()); await gate(a.text()).passed; return a.text(); };`,
    ),
    open: p.define(`${GATES} exports.default = (a) => { gate(a.text()).open(); return ""; };`),
    started: p.define(`${GATES} exports.default = () => started.join();`),
  };
}

test("heavy calls run one after the other, light ones beside them", async () => {
  const p = new FunctionProcess();
  const { wait, open, started } = gated(p);
  const light = { light: true };
  const one = p.call(wait, ["one"]);
  const two = p.call(wait, ["two"]);
  const l1 = p.call(wait, ["l1"], light);
  const l2 = p.call(wait, ["l2"], light);
  expect(await p.call(started, [], light)).toBe("one,l1,l2");
  await p.call(open, ["l2"], light);
  expect(await l2).toBe("l2");
  await p.call(open, ["one"], light);
  expect(await one).toBe("one");
  expect(await p.call(started, [], light)).toBe("one,l1,l2,two");
  await p.call(open, ["two"], light);
  await p.call(open, ["l1"], light);
  expect(await Promise.all([two, l1])).toEqual(["two", "l1"]);
});

test("a heavy call starts beside pending light ones", async () => {
  const p = new FunctionProcess();
  const { wait, open, started } = gated(p);
  const l1 = p.call(wait, ["l1"], { light: true });
  expect(await p.call(started)).toBe("l1");
  await p.call(open, ["l1"]);
  expect(await l1).toBe("l1");
});

test("256 light calls are pending at the same time, not more", async () => {
  const p = new FunctionProcess();
  const { wait, open, started } = gated(p);
  const light = { light: true };
  const calls = Array.from({ length: 300 }, (_, i) => p.call(wait, [`${i % 256}`], light));
  const count = async () => String(await p.call(started)).split(",").length;
  expect(await count()).toBe(256);
  await p.call(open, ["7"]);
  expect(await calls[7]).toBe("7");
  expect(await count()).toBe(257);
  const rest = Array.from({ length: 256 }, (_, i) => p.call(open, [`${i}`]));
  await Promise.all([...calls, ...rest]);
});

test("results come in the order of the calls", async () => {
  const p = new FunctionProcess();
  const sync = p.fn("(a) => a.text()");
  const later = p.fn("async (a) => a.text()");
  const results = Array.from({ length: 500 }, (_, i) => p.call(i % 3 ? sync : later, [`${i}`]));
  expect(await Promise.all(results)).toEqual(results.map((_, i) => `${i}`));
  expect(p.answered).toEqual([...p.answered].sort((a, b) => a - b));
});

test("results of one frame of quick calls leave in few frames", async () => {
  const p = new FunctionProcess();
  const fn = p.fn('() => "x"');
  await p.call(fn);
  p.frames.length = 0;
  const serials = Array.from({ length: 1000 }, () => p.nextSerial());
  p.send(...serials.map((serial) => call({ serial, fn })));
  await p.until(() => p.answered.length === 1001);
  expect(p.frames.length).toBeLessThan(100);
});

test("results do not wait for a call that takes long", async () => {
  const p = new FunctionProcess();
  const quick = p.fn('() => "quick"');
  const endless = p.fn("() => { for (;;); }");
  await p.call(quick);
  const serials = [p.nextSerial(), p.nextSerial()];
  p.send(call({ serial: serials[0], fn: quick }), call({ serial: serials[1], fn: endless }));
  expect(await p.answer(serials[0])).toBe("quick");
});

test("CANCEL fires the signal, with the reason", async () => {
  const p = new FunctionProcess();
  const code = `(ctx) => new Promise((_, fail) => {
    ctx.log.info("waiting");
    ctx.signal.addEventListener("abort", () => fail(ctx.signal.reason));
  })`;
  const fn = p.fn(code, { context: true });
  for (const [reason, text] of [
    [1, /^LoomError: cancelled: nobody wants the result/],
    [2, /^LoomError: time limit: the task has taken longer/],
  ] as const) {
    const serial = p.nextSerial();
    p.send(call({ serial, fn }));
    await p.until(() => p.logs.length === reason);
    p.send(cancel(serial, reason));
    await expect(p.answer(serial)).rejects.toThrow(text);
    p.send(cancel(serial, reason));
  }
});

test("a signal that is asked for after the CANCEL has fired, once", async () => {
  const p = new FunctionProcess();
  const code = `async (ctx) => {
    ctx.log.info("waiting");
    const before = globalThis.early ? ctx.signal.aborted : "";
    await new Promise((f) => setTimeout(f, 20));
    while (!ctx.signal.aborted) await new Promise((f) => setTimeout(f));
    return [before, ctx.signal.aborted, ctx.signal.reason.message.split(":")[0], ctx.signal === ctx.signal].join();
  }`;
  const fn = p.fn(code, { context: true });
  const serial = p.nextSerial();
  p.send(call({ serial, fn }));
  await p.until(() => p.logs.length === 1);
  p.send(cancel(serial, 1), cancel(serial, 2));
  expect(await p.answer(serial)).toBe(",true,cancelled,true");
});

test("CANCEL of calls that have not started, and of unknown ones", async () => {
  const p = new FunctionProcess();
  const { wait, open, started } = gated(p);
  const light = { light: true };
  const one = p.call(wait, ["one"]);
  const [second, third] = [p.nextSerial(), p.nextSerial()];
  const sleepy = { fn: wait, inputs: [Buffer.from([1, 1, 0, 0, 0, 0x74])] };
  p.send(call({ serial: second, ...sleepy }), call({ serial: third, ...sleepy }));
  p.send(cancel(second, 1), cancel(third, 2), cancel(99_999, 1));
  await expect(p.answer(second)).rejects.toThrow(/^cancelled/);
  await expect(p.answer(third)).rejects.toThrow(/^time limit/);
  await p.call(open, ["one"], light);
  expect(await one).toBe("one");
  expect(await p.call(started)).toBe("one");
});

test("CANCEL arrives between calls that do not wait for anything", async () => {
  const p = new FunctionProcess();
  const busy = p.fn("() => { const end = Date.now() + 3; while (Date.now() < end); return ''; }");
  const serials = Array.from({ length: 300 }, () => p.nextSerial());
  p.send(...serials.map((serial) => call({ serial, fn: busy })));
  await p.answer(serials[0]);
  const last = serials[serials.length - 1];
  p.send(cancel(last, 1));
  await expect(p.answer(last)).rejects.toThrow(/^cancelled/);
  expect(p.answered.length).toBeLessThan(300);
  await p.until(() => p.answered.length === 300);
});

test("a call that is cancelled while its function is loaded is not started", async () => {
  const p = new FunctionProcess();
  const module = `console.log("loading"); await new Promise((f) => { globalThis.goOn = f; });
    export const job = () => { console.log("ran"); return ""; };`;
  writeFileSync(join(p.directory, "slow.mjs"), module);
  const fn = p.defineObject(
    bytesObject(functionObject({ name: "job", module: "./slow.mjs", export: "job" })),
  );
  const goOn = p.fn(
    "async () => { while (!globalThis.goOn) await new Promise(setImmediate); goOn(); return ''; }",
  );
  const [one, two] = [p.nextSerial(), p.nextSerial()];
  p.send(call({ serial: one, fn, light: true }), call({ serial: two, fn, light: true }));
  await p.until(() => p.stdout === "loading\n");
  p.send(cancel(one, 1));
  await p.call(goOn, [], { light: true });
  await expect(p.answer(one)).rejects.toThrow(/^cancelled/);
  expect(await p.answer(two)).toBe("");
  await p.call(fn);
  await p.until(() => p.stdout === "loading\nran\nran\n");
});

test("CANCEL of a call that is over is ignored", async () => {
  const p = new FunctionProcess();
  const { wait, open } = gated(p);
  const quick = p.fn('() => ""');
  const serials = [p.nextSerial(), p.nextSerial(), p.nextSerial()];
  const [one, two, three] = serials;
  const inputs = [bytesObject("gate")];
  p.send(
    call({ serial: one, fn: quick }),
    ...[two, three].map((serial) => call({ serial, fn: wait, inputs })),
  );
  await p.answer(one);
  p.send(cancel(one, 1));
  const opened = p.nextSerial();
  p.send(call({ serial: opened, fn: open, inputs, light: true }));
  await Promise.all([two, three].map((serial) => p.answer(serial)));
  expect([...p.answered].sort()).toEqual([...serials, opened].sort());
});

test("calls of a function that is loaded wait for it", async () => {
  const p = new FunctionProcess();
  const code = 'require("hyperloom"); let n = 0; exports.default = () => String(++n);';
  const fn = p.define(code);
  const all = Array.from({ length: 20 }, (_, i) => p.call(fn, [], { light: i % 3 > 0 }));
  expect((await Promise.all(all)).map(Number).sort((a, b) => a - b)).toEqual(
    all.map((_, i) => i + 1),
  );
});

test("logs", async () => {
  const p = new FunctionProcess();
  const code = `(ctx, a) => {
    const { log } = ctx;
    const { debug } = log;
    debug("d"); log.info("größe"); log.warn({ a: 1 }); log.error("e".repeat(100_000)); log.critical("");
    return "x";
  }`;
  await p.call(p.fn(code, { context: true }), ["a"]);
  const serial = p.answered[0];
  expect(p.logs.map(({ level, text }) => [level, text.slice(0, 10)])).toEqual([
    [1, "d"],
    [2, "größe"],
    [3, "{ a: 1 }"],
    [4, "eeeeeeeeee"],
    [5, ""],
  ]);
  expect(p.logs.every((log) => log.serial === serial)).toBe(true);
  expect(p.logs[3].text.length).toBeLessThan(66_000);
});

test("logs leave at once, also within a function that never returns", async () => {
  const p = new FunctionProcess();
  const code = '(ctx) => { ctx.log.info("one"); ctx.log.info("two"); for (;;); }';
  p.send(call({ serial: 1, fn: p.fn(code, { context: true }) }));
  await p.until(() => p.logs.length === 2);
});

test("logs from getters of a result do not mix with it", async () => {
  const p = new FunctionProcess();
  const code = `(ctx) => {
    const list = ["a", "b"];
    Object.defineProperty(list, 0, { get() { ctx.log.info("read"); return "got"; } });
    return [list, "c"];
  }`;
  expect(await p.call(p.fn(code, { context: true }))).toEqual([["got", "b"], "c"]);
  expect(p.logs.map(({ text }) => text)).toEqual(["read"]);
});

test("durations are in microseconds", async () => {
  const p = new FunctionProcess();
  await p.call(p.fn("() => { const end = Date.now() + 20; while (Date.now() < end); return ''; }"));
  await p.failure(p.fn("async () => { await new Promise((f) => setTimeout(f, 20)); throw 1; }"));
  const durations = p.replies.map((reply) => ("durationUs" in reply ? reply.durationUs : 0));
  for (const duration of durations.slice(1)) expect(duration).toBeGreaterThan(15_000);
});

test("results stay right while nobody reads them", async () => {
  const p = new FunctionProcess();
  const fn = p.fn("(a) => a.text().repeat(30_000)");
  await p.call(fn, ["x"]);
  p.socket.pause();
  const calls = Array.from({ length: 60 }, (_, i) => p.call(fn, [`${i % 10}`]));
  p.call(p.fn('() => { console.log("done"); return ""; }'));
  await p.until(() => p.stdout === "done\n");
  p.socket.resume();
  for (const [i, result] of (await Promise.all(calls)).entries()) {
    expect(result === `${i % 10}`.repeat(30_000)).toBe(true);
  }
});

test("a result that makes the buffer grow leaves those before it as they are", async () => {
  const p = new FunctionProcess();
  const small = p.fn('() => "small"');
  const large = p.fn("(a) => Array(10).fill(a.text().repeat(20_000))");
  const expected = (i: number) =>
    i % 4 === 3 ? Array(10).fill(`${i % 10}`.repeat(20_000)) : "small";
  const calls = Array.from({ length: 40 }, (_, i) => {
    const serial = p.nextSerial();
    const inputs = [bytesObject(`${i % 10}`)];
    return { serial, record: call({ serial, fn: i % 4 === 3 ? large : small, inputs }) };
  });
  p.send(...calls.map(({ record }) => record));
  for (const [i, { serial }] of calls.entries())
    expect(await p.answer(serial)).toEqual(expected(i));
});
