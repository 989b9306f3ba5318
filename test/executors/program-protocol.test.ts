import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  type Ended,
  ReplyReader,
  RequestWriter,
} from "../../src/executors/program/launch-protocol.js";

/** Frames as launchers write them. */
function frame(...parts: (number[] | string)[]): Buffer {
  const body = Buffer.concat(parts.map((part) => Buffer.from(part as string)));
  const length = Buffer.alloc(4);
  length.writeUInt32LE(body.length);
  return Buffer.concat([length, body]);
}

const u32 = (value: number) => [value & 255, (value >> 8) & 255, (value >> 16) & 255, value >>> 24];

const STREAM = Buffer.concat([
  frame([0], "no cores"),
  frame([1], u32(7), u32(12345)),
  frame([2], u32(7), [0, 1], u32(0), u32(2), [0], u32(3), "abc", [1], u32(0)),
  frame([3], "lost"),
  frame([2], u32(8), [1, 0], u32(-2), u32(1), [0], u32(0)),
]);

const TOLD = [
  ["ready", "no cores"],
  ["started", 7, 12345],
  ["ended", 7, 0, 0, true, ["0:abc", "1:"]],
  ["pinning lost", "lost"],
  ["ended", 8, 1, -2, false, ["0:"]],
];

function read(chunks: Buffer[]): unknown[] {
  const told: unknown[] = [];
  const reader = new ReplyReader({
    ready: (why) => told.push(["ready", why]),
    started: (id, group) => told.push(["started", id, group]),
    ended: (id, { outcome, detail, directoryRemains, parts }: Ended) => {
      const texts = parts.map((part) => `${part.kind}:${Buffer.from(part.bytes)}`);
      told.push(["ended", id, outcome, detail, directoryRemains, texts]);
    },
    pinningLost: (reason) => told.push(["pinning lost", reason]),
  });
  for (const chunk of chunks) reader.push(chunk);
  return told;
}

describe("replies", () => {
  test("whole and byte by byte", () => {
    expect(read([STREAM])).toEqual(TOLD);
    expect(read([...STREAM].map((byte) => Buffer.of(byte)))).toEqual(TOLD);
  });

  test("cut anywhere", () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: STREAM.length })), (cuts) => {
        const at = [0, ...cuts.sort((a, b) => a - b), STREAM.length];
        const chunks = at.slice(1).map((end, i) => STREAM.subarray(at[i], end));
        expect(read(chunks)).toEqual(TOLD);
      }),
    );
  });

  test("the content of outputs is a copy", () => {
    const parts: Uint8Array[] = [];
    const reader = new ReplyReader({
      ready() {},
      started() {},
      ended: (_, ended) => parts.push(...ended.parts.map(({ bytes }) => bytes)),
      pinningLost() {},
    });
    reader.push(STREAM);
    expect(parts.map((bytes) => bytes.buffer.byteLength)).toEqual([3, 0, 0]);
  });

  test("unknown and truncated replies are refused", () => {
    expect(() => read([frame([9])])).toThrow("unknown reply 9");
    expect(() => read([frame([1, 0])])).toThrow("malformed reply 1");
    expect(() => read([frame([2], u32(1), [0, 0], u32(0), u32(1), [0], u32(9), "x")])).toThrow(
      "malformed reply 2",
    );
  });
});

test("requests grow beyond the first buffer, one after the other", () => {
  const writer = new RequestWriter();
  expect(writer.isEmpty).toBe(true);
  const content = Buffer.alloc(50_000, "c");
  const request = {
    directory: "/d",
    makeDirectory: true,
    keepDirectory: false,
    timeLimitMs: 0,
    stdin: "",
    stdinSizeBytes: undefined,
    cores: [],
    successCodes: [],
    args: ["ä".repeat(20_000), content],
    env: {},
    folders: [],
    links: [],
    files: [{ name: "f", content }],
    outputs: ["+out"],
  };
  for (let i = 0; i < 3; i++) writer.run(i, request);
  writer.kill(5);
  const data = writer.take();
  expect(writer.isEmpty).toBe(true);
  const lengths: number[] = [];
  for (let at = 0; at < data.length; at += 4 + data.readUInt32LE(at)) {
    lengths.push(data.readUInt32LE(at));
  }
  expect(lengths).toHaveLength(4);
  expect(new Set(lengths.slice(0, 3)).size).toBe(1);
  expect(lengths[0]).toBeGreaterThan(140_000);
  expect(lengths[3]).toBe(5);
});
