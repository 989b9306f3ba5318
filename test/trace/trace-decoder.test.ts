/** Bytes of a trace → records: whole, byte by byte, split anywhere, cut off, with what is not known. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { FIRST_LONG_OP, TraceDecoder, type TraceVisitor } from "../../src/trace/index.js";
import { START_MS, serverRecords, workerRecords } from "./traces.js";

const NAMES = [
  ...["time", "assigned", "started", "finished", "retracted", "inputLost", "cancelled", "fetched"],
  "letGo",
  ...["pass", "ran", "transfer", "lightRun", "failed", "rows", "labels", "inputsReplaced"],
  ...["metadata", "symbols", "worker", "client", "class", "sample", "end"],
];

const text = (value: string): Uint8Array => new TextEncoder().encode(value);

const BYTES = Buffer.concat([
  serverRecords((its) => {
    its.joined(0).names();
    its.plan(4, [[], [4]]);
    its.plan(9, [[4]], { templates: Uint32Array.of(1), idBase: -3 });
    its.labels(4, text("xabcde"), Uint32Array.of(1, 0), Uint32Array.of(2, 0), 2);
    its.metadata(5, text("{}"));
    its.inputs(5, Uint32Array.of(9, 4));
    its.at(1.5).assigned(4, 1, 0);
    its.started(4, 1);
    its.finished(4, 1, 123, 1e10);
    its.retracted(5, 2);
    its.inputLost(5, 3, 4, 0);
    its.cancelled(5, 4);
    its.letGo(5);
    its.fetched(4, 0, 7);
    its.pass(8, 9);
    its.failed(5, 5, text("abc"));
    its.worker({ event: "gone", worker: 0, reason: "it was stopped" });
    its.end();
  }),
  workerRecords((its) => {
    its.ran(4, 1, START_MS + 2, 3, 1, 0xffff, 2);
    its.transfer(4, 1, START_MS, 5, 6, true);
    its.light(START_MS, 1, 2);
  }),
]);

/** Takes all records as plain values. */
function recorder(): { visitor: TraceVisitor; records: unknown[] } {
  const records: unknown[] = [];
  const take =
    (name: string) =>
    (...args: unknown[]) => {
      records.push([name, structuredClone(args)]);
    };
  const visitor = Object.fromEntries(NAMES.map((name) => [name, take(name)]));
  return { visitor, records };
}

function decoded(pieces: readonly Uint8Array[]): { records: unknown[]; restBytes: number } {
  const { visitor, records } = recorder();
  const decoder = new TraceDecoder(visitor, BYTES.length);
  for (const piece of pieces) decoder.push(piece);
  return { records, restBytes: decoder.restBytes };
}

const whole = decoded([BYTES]);

describe("the decoder of traces", () => {
  it("gives what was written", () => {
    const { records, restBytes } = whole;
    expect(restBytes).toBe(0);
    expect(new Set(records.map((record) => (record as unknown[])[0]))).toEqual(
      new Set(NAMES.filter((name) => name !== "sample")),
    );
    const of = (name: string) => records.filter((record) => (record as unknown[])[0] === name);
    expect(of("assigned")).toEqual([["assigned", [4, 1, 0]]]);
    expect(of("finished")).toEqual([["finished", [4, 1, 123, 1e10]]]);
    expect(of("inputLost")).toEqual([["inputLost", [5, 3, 4, 0]]]);
    expect(of("labels")).toEqual([["labels", [4, Uint32Array.of(2, 0), text("ab")]]]);
    expect(of("inputsReplaced")).toEqual([["inputsReplaced", [5, Uint32Array.of(9, 4)]]]);
    expect(of("ran")).toEqual([["ran", [4, 1, START_MS + 2, 3, 1, 0xffff, 2]]]);
    expect(of("transfer")).toEqual([["transfer", [4, 1, START_MS, 5, 6, true]]]);
    expect(of("rows")[1]).toMatchObject([
      "rows",
      [{ firstRow: 9, idBase: -3, templates: Uint32Array.of(1), inputs: Uint32Array.of(4) }],
    ]);
  });

  it("does not care how the bytes come", () => {
    expect(decoded(Array.from(BYTES, (byte) => Uint8Array.of(byte)))).toEqual(whole);
    fc.assert(
      fc.property(fc.array(fc.nat(BYTES.length), { maxLength: 20 }), (cuts) => {
        const ends = [...cuts, BYTES.length].sort((a, b) => a - b);
        const pieces = ends.map((end, i) => BYTES.subarray(i === 0 ? 0 : ends[i - 1], end));
        expect(decoded(pieces)).toEqual(whole);
      }),
    );
  });

  it("gives all whole records of what is cut off", () => {
    for (let length = 0; length < BYTES.length; length++) {
      const { records, restBytes } = decoded([BYTES.subarray(0, length)]);
      expect(records).toEqual(whole.records.slice(0, records.length));
      expect(restBytes).toBeLessThan(length + 1);
    }
  });

  it("skips long records that it does not know, and stops at short ones", () => {
    const unknown = Uint8Array.of(FIRST_LONG_OP + 100, 2, 0, 0, 0, 1, 2);
    const { visitor, records } = recorder();
    new TraceDecoder(visitor).push(Buffer.concat([unknown, BYTES]));
    expect(records).toEqual(whole.records);
    expect(() => new TraceDecoder(visitor).push(Uint8Array.of(99))).toThrow(/no record 99/);
  });

  it("does not wait for a record that is longer than the file", () => {
    const record = Uint8Array.of(FIRST_LONG_OP, 255, 255, 255, 255);
    expect(() => new TraceDecoder({}, 100).push(record)).toThrow(/longer than what is left/);
  });
});
