/** How the process ends, and what it survives. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import fc from "fast-check";
import { afterEach, describe, expect, test } from "vitest";
import * as codec from "./codec.js";
import { codeObject, endProcesses, FunctionProcess, MAIN } from "./driver.js";

afterEach(endProcesses);

test("without a socket it says what it is", async () => {
  const child = spawn(process.execPath, [MAIN], { stdio: ["ignore", "ignore", "pipe"] });
  let stderr = "";
  child.stderr.on("data", (chunk) => (stderr += chunk));
  const [code] = await once(child, "close");
  expect(code).toBe(1);
  expect(stderr).toMatch(/^function process: file descriptor 3 is no socket .* worker starts/);
});

test("it ends with the socket, whatever waits", async () => {
  const p = new FunctionProcess();
  const fn = p.fn('() => new Promise((f) => setInterval(f, 1e6, ""))');
  p.send(codec.call({ serial: 1, fn }));
  await p.call(p.fn('() => ""'), [], { light: true });
  p.socket.end();
  expect(await p.ended).toEqual({ code: 0, signal: null });
});

describe("garbage", () => {
  const ready = codec.configure({ directories: [], inlineLimit: 10 });
  const call = codec.call({ serial: 1, fn: 1 });
  const withInput = codec.call({ serial: 1, fn: 1, inputs: [codec.bytesObject("abc")] });
  test.each<[string, Buffer, RegExp]>([
    ["no CONFIGURE", codec.frame(call), /the first record is no CONFIGURE/],
    ["CONFIGURE twice", codec.frame(ready, ready), /CONFIGURE comes a second time/],
    ["CONFIGURE that is no JSON", codec.frame(codec.configure("{")), /CONFIGURE is no JSON/],
    ["CONFIGURE null", codec.frame(codec.configure("null")), /CONFIGURE needs directories/],
    ["CONFIGURE without fields", codec.frame(codec.configure({})), /CONFIGURE needs directories/],
    ["an unknown op", codec.frame(ready, codec.u8(77)), /unknown op 77/],
    ["a record that is cut", codec.frame(ready, call.subarray(0, -1)), /ends beyond its frame/],
    [
      "an input that is cut",
      codec.frame(ready, withInput.subarray(0, -1)),
      /ends beyond its frame/,
    ],
    [
      "an object of unknown kind",
      codec.frame(ready, codec.call({ serial: 1, fn: 1, inputs: [codec.u8(12)] })),
      /object of unknown kind 12/,
    ],
    [
      "an unknown kind within arrays",
      codec.frame(
        ready,
        codec.call({ serial: 1, fn: 1, inputs: [codec.arrayObject(codec.u8(8))] }),
      ),
      /object of unknown kind 8/,
    ],
    ["a huge frame", Buffer.from([255, 255, 255, 255]), /frame of 4294967295 bytes/],
    ["a huge number", codec.frame(ready, hugeNumber()), /number too large/],
  ])("%s", async (_, bytes, message) => {
    const p = new FunctionProcess({ first: Buffer.alloc(0) });
    p.socket.write(bytes);
    expect(await p.ended).toEqual({ code: 1, signal: null });
    expect(p.stderr).toMatch(/^function process: malformed data from the worker: .*\n$/);
    expect(p.stderr).toMatch(message);
  });

  function hugeNumber(): Buffer {
    const file = codec.fileObject("/f", 0, 1);
    file.fill(255, file.length - 8);
    return codec.call({ serial: 1, fn: 1, inputs: [file] });
  }
});

test("frames cut anywhere", async () => {
  const p = new FunctionProcess();
  await p.ready;
  const object = codeObject("exports.default = (a, b) => [a.text(), b];");
  let serial = 0;
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.string({ maxLength: 20 }), { minLength: 1, maxLength: 10 }),
      fc.array(fc.nat(2000), { maxLength: 8 }),
      async (texts, cuts) => {
        const serials = texts.map(() => ++serial);
        const frames = texts.map((text, i) => {
          const inputs = [codec.bytesObject(text), codec.arrayObject(codec.bytesObject("b"))];
          return codec.frame(
            codec.define(1, codec.bytesObject(object)),
            codec.call({ serial: serials[i], fn: 1, inputs }),
          );
        });
        const stream = Buffer.concat(frames);
        const places = [0, ...cuts.sort((a, b) => a - b), stream.length];
        for (let i = 1; i < places.length; i++) {
          const part = stream.subarray(places[i - 1], places[i]);
          if (part.length === 0) continue;
          p.socket.write(part);
          await new Promise(setImmediate);
        }
        const results = await Promise.all(serials.map((one) => p.answer(one)));
        expect(results).toEqual(texts.map((text) => [Buffer.from(text).toString(), { input: 1 }]));
      },
    ),
    { numRuns: 40 },
  );
});

test("a frame of many megabytes", async () => {
  const p = new FunctionProcess();
  const inputs = Array.from({ length: 200 }, (_, i) => codec.bytesObject(`${i}`.repeat(30_000)));
  const sum = await p.call(p.fn("(...all) => String(all.reduce((n, a) => n + a.size, 0))"), inputs);
  expect(sum).toBe(String(inputs.reduce((n, one) => n + one.length - 5, 0)));
});

test("process.exit in a function leaves a trace, results before it are sent", async () => {
  const p = new FunctionProcess();
  const quick = p.fn('() => "before"');
  await p.call(quick);
  const code = '(a) => a.text() === "leave" ? process.exit(7) : ""';
  const fn = p.fn(code, { name: "leaver" });
  // It is known as quick: the result before is still here when it is called.
  for (let i = 0; i < 5; i++) await p.call(fn, ["stay"]);
  const serial = p.nextSerial();
  const inputs = [codec.bytesObject("leave")];
  p.send(codec.call({ serial, fn: quick }), codec.call({ serial: 5, fn, inputs }));
  expect(await p.ended).toEqual({ code: 7, signal: null });
  expect(await p.answer(serial)).toBe("before");
  expect(p.stderr).toBe("process.exit(7) was called by function leaver\n");
  const q = new FunctionProcess();
  const later = "async () => { await new Promise(setImmediate); process.exit(); }";
  q.send(codec.call({ serial: 5, fn: q.fn(later, { name: "later" }) }));
  expect((await q.ended).code).toBe(0);
  expect(q.stderr).toBe("process.exit(0) was called by function later\n");
});

test("a function that needs too much memory ends the process with V8's message", async () => {
  const p = new FunctionProcess({ flags: ["--max-old-space-size=40"] });
  const fn = p.fn("() => { const all = []; for (;;) all.push(Array(1000).fill(all.length)); }");
  p.send(codec.call({ serial: 1, fn }));
  const { signal } = await p.ended;
  expect(signal).toBe("SIGABRT");
  expect(p.stderr).toMatch(/JavaScript heap out of memory/);
});

test("SIGINT is ignored", async () => {
  const p = new FunctionProcess();
  const fn = p.fn('() => { process.kill(process.pid, "SIGINT"); return "x"; }');
  expect(await p.call(fn)).toBe("x");
  expect(await p.call(fn)).toBe("x");
});

test("children of functions do not have the socket; standard input is empty", async () => {
  const p = new FunctionProcess();
  const list =
    'require("child_process").execFileSync("ls", ["-l", "/proc/self/fd"], { stdio: ["ignore", "pipe", "ignore"] }).toString()';
  const socket = `require("fs").readlinkSync("/proc/self/fd/3")`;
  const [children, own] = (await p.call(p.fn(`() => [${list}, ${socket}]`))) as string[];
  expect(own).toMatch(/^socket:/);
  expect(children).toContain("->");
  expect(children).not.toContain(own);
  expect(await p.call(p.fn('() => require("fs").readFileSync(0)'))).toBe("");
});

test("it dies soon after the worker, also while a function spins", async () => {
  // The worker: starts the process, has it spin, tells its number, and waits to be killed.
  const worker = `
    import { spawn } from "node:child_process";
    const child = spawn(process.execPath, [${JSON.stringify(MAIN)}], { stdio: ["ignore", "ignore", "ignore", "pipe"], detached: true });
    const socket = child.stdio[3];
    for (const text of process.argv.slice(1)) socket.write(Buffer.from(text, "base64"));
    let bytes = Buffer.alloc(0);
    socket.on("data", (chunk) => {
      bytes = Buffer.concat([bytes, chunk]);
      if (bytes.includes("spinning")) console.log(child.pid);
    });
  `;
  const code = '(ctx) => { ctx.log.info("spinning"); for (;;); }';
  const object = codec.bytesObject(codeObject(`exports.default = ${code}`, { context: true }));
  const frames = [
    codec.frame(codec.configure({ directories: [], inlineLimit: 10 })),
    codec.frame(codec.define(1, object), codec.call({ serial: 1, fn: 1 })),
  ];
  const args = ["--input-type=module", "-e", worker, ...frames.map((f) => f.toString("base64"))];
  const parent = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "inherit"] });
  const [line] = (await once(parent.stdout, "data")) as [Buffer];
  const pid = Number(line.toString());
  expect(isAlive(pid)).toBe(true);
  parent.kill("SIGKILL");
  await once(parent, "close");
  while (isAlive(pid)) await new Promise((resolve) => setTimeout(resolve, 50));
});

/** Zombies are dead. */
function isAlive(pid: number): boolean {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    return stat.slice(stat.lastIndexOf(")") + 2)[0] !== "Z";
  } catch {
    return false;
  }
}
