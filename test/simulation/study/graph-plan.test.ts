/** A graph of the study as the server core gets it. */
import { describe, expect, it } from "vitest";
import { readGraphFile } from "../../../src/simulation/index.js";
import { graphPlan } from "../../../src/simulation/study/graph-plan.js";
import { CALL, GET } from "../../../src/simulation/wire-numbers.js";

const graph = readGraphFile(
  {
    tasks: [
      { id: 0, duration: 1, cpus: 3, inputs: [[1, 2]], outputs: [] },
      {
        id: 1,
        duration: 2,
        expectedDuration: 5,
        cpus: 1,
        inputs: [],
        outputs: [10, 20, 30],
        expectedOutputs: [1, 2, 3],
      },
      {
        id: 2,
        duration: 6,
        cpus: 1,
        inputs: [
          [1, 0],
          [1, 2],
        ],
        outputs: [60],
      },
      { id: 3, duration: 3, cpus: 3, inputs: [[2, 0]], outputs: [0] },
    ],
  },
  "test",
);

describe("the plan of a graph", () => {
  const { columns, ...numbers } = graphPlan(graph, "exact");

  it("has a light task for each used one of several outputs, after its producer", () => {
    expect(numbers).toEqual({
      taskOf: Int32Array.of(1, -1, -1, 0, 2, 3),
      objectOf: Int32Array.of(-1, 0, 2, -1, 3, 4),
      idOfTask: Int32Array.of(3, 0, 4, 5),
      idOfObject: Int32Array.of(1, -1, 2, 4, 5),
    });
    expect([...columns.taskType]).toEqual([CALL, GET, GET, CALL, CALL, CALL]);
    expect([...columns.inputStart]).toEqual([0, 0, 1, 2, 3, 5, 6]);
    expect([...columns.inputIds]).toEqual([0, 0, 2, 1, 2, 4]);
  });

  it("has one request per number of cores, and the ends as results", () => {
    const amounts = [...columns.request].map((i) => columns.requests[i]?.resources[0].value);
    expect(amounts).toEqual([1, undefined, undefined, 3, 1, 3]);
    expect(columns.requests.length).toBe(2);
    expect([...columns.flags]).toEqual([0, 0, 0, 1, 0, 1]);
  });

  it.each([
    ["exact", [2000, 0, 0, 1000, 6000, 3000], [60, 10, 30, 0, 60, 0]],
    ["user", [5000, 0, 0, 1000, 6000, 3000], [6, 1, 3, 0, 60, 0]],
    ["mean", [3000, 0, 0, 3000, 3000, 3000], [72, 24, 24, 0, 24, 24]],
  ] as const)("says of durations and sizes what is known: %s", (information, ms, bytes) => {
    const { expectedMs, expectedBytes } = graphPlan(graph, information).columns;
    expect([...expectedMs!]).toEqual(ms);
    expect([...expectedBytes!]).toEqual(bytes);
  });
});
