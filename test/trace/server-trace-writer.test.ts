import fc from "fast-check";
import { expect, it } from "vitest";
import { ServerTraceWriter } from "../../src/trace/index.js";
import { TraceDecoder, type TraceVisitor } from "../../src/trace/trace-decoder.js";

type Call = readonly [name: string, ...values: unknown[]];

const row = fc.integer({ min: 0, max: 12 });
const attempt = fc.integer({ min: 1, max: 2 });
/** Few values, so that runs are found, and broken by each of them. */
const someCall: fc.Arbitrary<Call> = fc.oneof(
  fc.tuple(fc.constant("setTime"), fc.integer({ min: 1, max: 3 })),
  fc.tuple(fc.constant("assigned"), row, attempt, fc.integer({ min: 0, max: 1 })),
  fc.tuple(fc.constant("finished"), row, attempt, fc.constantFrom(0, 7), fc.constantFrom(2, 0.5)),
  fc.tuple(fc.constant("started"), row, attempt),
  fc.tuple(fc.constant("cancelled"), row, attempt),
  fc.tuple(fc.constant("letGo"), row),
  fc.tuple(fc.constant("pass"), fc.integer({ min: 0, max: 9 }), row),
  fc.tuple(fc.constant("flush")),
);
/** Neighbours that are handled together, as in practice. */
const aRun: fc.Arbitrary<Call[]> = fc
  .tuple(fc.constantFrom("assigned", "finished"), fc.nat(9), fc.nat(9), attempt)
  .map(([name, first, count, tried]) =>
    Array.from({ length: count }, (_, i) =>
      name === "assigned" ? [name, first + i, tried, 1] : [name, first + i, tried, 0, 2],
    ),
  );

it("what is written is read, in order, at its time, however it is cut into pieces", () => {
  fc.assert(
    fc.property(
      fc.array(
        fc.oneof(
          someCall.map((call) => [call]),
          aRun,
        ),
        { maxLength: 30 },
      ),
      fc.integer({ min: 1, max: 40 }),
      (groups, pieceBytes) => {
        const calls = groups.flat();
        const pieces: Uint8Array[] = [];
        const writer = new ServerTraceWriter((piece) => pieces.push(piece));
        const expected: Call[] = [];
        let time = 0;
        for (const [name, ...values] of calls) {
          (writer as unknown as Record<string, (...values: unknown[]) => void>)[name](...values);
          if (name === "setTime") time = values[0] as number;
          else if (name !== "flush") expected.push([name, time, ...values]);
        }
        writer.end();
        const got: Call[] = [];
        let timeRead = 0;
        const record =
          (name: string) =>
          (...values: number[]) =>
            got.push([name, timeRead, ...values]);
        const visitor: TraceVisitor = {
          time: (timeMs) => {
            timeRead = timeMs;
          },
          assigned: record("assigned"),
          finished: record("finished"),
          started: record("started"),
          cancelled: record("cancelled"),
          letGo: record("letGo"),
          pass: record("pass"),
        };
        const decoder = new TraceDecoder(visitor);
        for (const piece of pieces) {
          for (let at = 0; at < piece.length; at += pieceBytes) {
            decoder.push(piece.subarray(at, at + pieceBytes));
          }
        }
        expect(got).toEqual(expected);
        expect(decoder.restBytes).toBe(0);
      },
    ),
  );
});

it("records that are larger than a piece of the buffer", () => {
  const pieces: Uint8Array[] = [];
  const writer = new ServerTraceWriter((piece) => pieces.push(piece));
  const count = 300_000;
  const columns = {
    taskType: new Uint16Array(count).fill(4),
    taskClass: new Uint16Array(count).fill(1),
    state: new Uint8Array(count),
    inputCount: new Uint32Array(count).fill(1),
    inputs: Uint32Array.from({ length: count }, (_, i) => i),
  };
  writer.assigned(1, 1, 1);
  writer.rows({ plan: 3, client: 2, idBase: 10, firstRow: 5, ...columns });
  writer.assigned(2, 1, 1);
  writer.end();
  const seen: unknown[] = [];
  const decoder = new TraceDecoder({
    assigned: (task) => seen.push(task),
    rows: (rows) => seen.push(rows.firstRow, rows.inputs.length, rows.inputs[count - 1]),
  });
  for (const piece of pieces) decoder.push(piece);
  expect(seen).toEqual([1, 5, count, count - 1, 2]);
});
