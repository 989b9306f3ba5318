/**
 * How many calls per second one process can do: `node --import tsx test/function-process/bench-calls.ts`.
 * This side only repeats frames made before and counts bytes.
 */
import { spawn } from "node:child_process";
import type { Duplex } from "node:stream";
import { bytesObject, call, configure, decodeReplies, define, frame, sized } from "./codec.js";
import { codeObject, MAIN } from "./driver.js";

const CALLS_PER_FRAME = 256;
const FRAMES_UNDERWAY = 8;
const SECONDS = 1.5;

interface Case {
  readonly name: string;
  readonly code: string;
  readonly inputs?: Buffer[];
  readonly light?: boolean;
  readonly resultBytes: number;
}

const HEAD = 9;
const CASES: Case[] = [
  { name: 'sync () => "x"', code: '() => "x"', resultBytes: HEAD + 1 + 4 + 1 },
  {
    name: "sync (a) => a.text()",
    code: "(a) => a.text()",
    inputs: [bytesObject("hello")],
    resultBytes: HEAD + 1 + 4 + 5,
  },
  {
    name: "sync (a, b) => a",
    code: "(a, b) => a",
    inputs: [bytesObject("hello"), bytesObject("world")],
    resultBytes: HEAD + 1 + 4,
  },
  { name: 'async () => "x"', code: 'async () => "x"', resultBytes: HEAD + 1 + 4 + 1 },
  {
    name: 'light async () => "x"',
    code: 'async () => "x"',
    light: true,
    resultBytes: HEAD + 1 + 4 + 1,
  },
];

async function measure({ name, code, inputs, light, resultBytes }: Case): Promise<void> {
  const started = performance.now();
  const child = spawn(process.execPath, [MAIN], {
    stdio: ["ignore", "inherit", "inherit", "pipe"],
  });
  const socket = child.stdio[3] as Duplex;
  socket.write(frame(configure({ directories: [], inlineLimit: 65536 })));
  await new Promise((resolve) => socket.once("data", resolve));
  const readyMs = performance.now() - started;
  const object = codeObject(`exports.default = ${code};`);
  socket.write(frame(define(1, bytesObject(object))));
  const calls = Array.from({ length: CALLS_PER_FRAME }, (_, serial) =>
    call({ serial, fn: 1, inputs, light }),
  );
  const body = sized(Buffer.concat(calls));
  let results = 0;
  let partBytes = 0;
  let headBytes = 4;
  let sent = 0;
  const send = () => {
    for (; sent - results <= (FRAMES_UNDERWAY - 1) * CALLS_PER_FRAME; sent += CALLS_PER_FRAME) {
      socket.write(body);
    }
  };
  // Frames of replies differ in number of results: walk from length to length.
  let remaining = 0;
  const head = Buffer.alloc(4);
  let isChecked = false;
  socket.on("error", () => {});
  socket.on("data", (chunk: Buffer) => {
    if (!isChecked && chunk.length >= 4 && chunk.length >= 4 + chunk.readUInt32LE()) {
      isChecked = true;
      const [reply] = decodeReplies(chunk.subarray(4, 4 + chunk.readUInt32LE()));
      if (reply.op !== "result") throw new Error(JSON.stringify(reply));
    }
    let at = 0;
    while (at < chunk.length) {
      if (remaining === 0) {
        head[4 - headBytes] = chunk[at++];
        if (--headBytes > 0) continue;
        headBytes = 4;
        remaining = head.readUInt32LE();
        continue;
      }
      const taken = Math.min(remaining, chunk.length - at);
      at += taken;
      remaining -= taken;
      partBytes += taken;
    }
    results = Math.floor(partBytes / resultBytes);
    send();
  });
  send();
  const seconds = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms * 1000));
  await seconds(0.5);
  const from = { results, time: performance.now() };
  await seconds(SECONDS);
  const rate = (results - from.results) / ((performance.now() - from.time) / 1000);
  console.log(
    `${name}: ${Math.round(rate).toLocaleString()} calls/s, ready after ${readyMs.toFixed()} ms`,
  );
  child.kill("SIGKILL");
  await new Promise((resolve) => child.once("close", resolve));
}

for (const one of CASES) await measure(one);
