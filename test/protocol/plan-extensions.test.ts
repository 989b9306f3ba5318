/** Priorities, estimates, labels and requests for any resources in PLAN requests. */
import { describe, expect, it } from "vitest";
import { ProtocolError } from "../../src/base/index.js";
import {
  decodePlanRequest,
  type EncodedResource,
  PlanEncoder,
  Unsatisfiable,
} from "../../src/protocol/index.js";
import { decodePlanResourceRequest } from "../../src/protocol/plan-request.js";
import { bytes, field, minimalTask, planOf, varint } from "./plan-bytes.js";

describe("a PLAN request", () => {
  it.each([
    [
      "a priority of 101",
      bytes(minimalTask, 192, 1, 202, 1),
      /priority of task 0 is 101, not -100/,
    ],
    ["a priority of -101", bytes(minimalTask, 192, 1, 201, 1), /priority of task 0 is -101/],
    [
      "a negative estimate",
      bytes(minimalTask, 181, 1, 0, 0, 128, 191),
      /expected_ms of task 0 is -1/,
    ],
    ["an endless estimate", bytes(minimalTask, 181, 1, 0, 0, 128, 127), /expected_ms .* Infinity/],
    [
      "an estimate that is no number",
      bytes(minimalTask, 185, 1, 0, 0, 0, 0, 0, 0, 248, 127),
      /expected_bytes of task 0 is NaN/,
    ],
    ["a cut estimate", bytes(minimalTask, 181, 1, 0, 0, 128), /ends in the middle/],
    ["another cut estimate", bytes(minimalTask, 185, 1, 0, 0, 0, 0, 0, 0, 248), /in the middle/],
  ])("with %s is a ProtocolError", (_, task, message) => {
    expect(() => decodePlanRequest(planOf(task))).toThrow(ProtocolError);
    expect(() => decodePlanRequest(planOf(task))).toThrow(message);
  });

  it("keeps estimates, priorities and labels apart, wherever they begin", () => {
    const encoder = new PlanEncoder(0);
    const count = 20_000;
    // Some before the columns grow, others after.
    const given = (i: number, from: number) => i > from || i % 500 === 7;
    const config = new Uint8Array(0);
    for (let i = 0; i < count; i++) {
      encoder.addTask(4, config, [], {
        expectedMs: i % 7 === 3 ? i : undefined,
        expectedBytes: given(i, 3_000) ? i * 2 ** 40 : undefined,
        priority: given(i, 15_000) ? (i % 201) - 100 : undefined,
        label: given(i, 10_000) ? `l${i}` : undefined,
      });
    }
    const columns = decodePlanRequest(encoder.finish());
    const { expectedMs, expectedBytes, priority, labelStart, labelLength } = columns;
    const { bytes: all } = columns;
    const wrong = Array.from({ length: count }, (_, i) => i).filter((i) => {
      const label = all.subarray(labelStart![i], labelStart![i] + labelLength![i]);
      return !(
        Object.is(expectedMs![i], i % 7 === 3 ? i : Number.NaN) &&
        Object.is(expectedBytes![i], given(i, 3_000) ? i * 2 ** 40 : Number.NaN) &&
        priority![i] === (given(i, 15_000) ? (i % 201) - 100 : 0) &&
        String(Buffer.from(label)) === (given(i, 10_000) ? `l${i}` : "")
      );
    });
    expect(wrong).toEqual([]);
  });

  it("of a classic client has none of the columns of extensions", () => {
    const encoder = new PlanEncoder(0);
    const request = encoder.addRequest([{ symbol: 3, value: 2 }]);
    encoder.addTask(4, bytes(1), [], { requestIndex: request, result: true, checkpointPath: "/x" });
    const columns = decodePlanRequest(encoder.finish());
    const { priority, expectedMs, expectedBytes, labelStart, labelLength } = columns;
    expect([priority, expectedMs, expectedBytes, labelStart, labelLength]).toEqual(
      Array(5).fill(undefined),
    );
    expect(columns.whenUnsatisfiable).toBe(Unsatisfiable.default);
    expect(columns.requests).toEqual([
      { resources: [{ symbol: 3, name: undefined, value: 2, indices: [] }], alternatives: [] },
    ]);
  });

  it("with a value of when_unsatisfiable that nobody knows is as without", () => {
    const plan = field(18, bytes(field(18, minimalTask), 160, 1, 9));
    expect(decodePlanRequest(bytes(8, 1, plan)).whenUnsatisfiable).toBe(Unsatisfiable.default);
  });

  const aList = (count: number): EncodedResource[] =>
    Array.from({ length: count }, () => ({ symbol: 3, value: 1 }));
  const indices = (count: number, text = "0") => [
    { symbol: 0, name: "gpus", value: 1, indices: Array<string>(count).fill(text) },
  ];
  it.each([
    ["a resource that amounts to infinity", [{ symbol: 3, value: Number.POSITIVE_INFINITY }]],
    ["a resource that amounts to nothing known", [{ symbol: 0, name: "x", value: Number.NaN }]],
    ["256 resources in a request", aList(256)],
    ["256 indices in a request", [...indices(255), ...indices(1)]],
    ["an empty index", indices(1, "")],
    ["a long index", indices(1, "x".repeat(65))],
  ] satisfies [string, EncodedResource[]][])(
    "with %s is a ProtocolError, among alternatives too",
    (_, list) => {
      for (const alternatives of [[], [list]]) {
        const encoder = new PlanEncoder(0);
        encoder.addRequest(alternatives.length === 0 ? list : aList(1), alternatives);
        expect(() => decodePlanRequest(encoder.finish())).toThrow(ProtocolError);
      }
    },
  );

  it("with 65 alternatives is a ProtocolError", () => {
    const encoder = new PlanEncoder(0);
    encoder.addRequest(aList(1), Array(65).fill(aList(1)));
    expect(() => decodePlanRequest(encoder.finish())).toThrow(/65 alternatives, at most 64/);
  });

  it.each([2, 100, 1000, 2000, 4000, 8000, 100_000])(
    "with alternatives %i levels deep is a ProtocolError",
    (depth) => {
      const lengths = [0];
      const head = (length: number) => bytes([162, 1], varint(length)); // field 20
      for (let i = 1; i < depth; i++) lengths.push(head(lengths[i - 1]).length + lengths[i - 1]);
      const request = Buffer.concat(lengths.reverse().map(head));
      expect(() => decodePlanResourceRequest(request)).toThrow(ProtocolError);
    },
  );
});
