/** Tables by label, slowest tasks and high-water marks, compared with slow models. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import * as analysis from "../../../src/report/analysis/index.js";
import { ExecutionEnd, TracedState } from "../../../src/trace/index.js";
import { anyMask, anyTrace, isIn, numbers, traced } from "./small-traces.js";

describe("by label", () => {
  it("has quartiles, mean and total of durations", () => {
    fc.assert(
      fc.property(anyTrace, fc.nat(), (data, seed) => {
        const { tasks } = data;
        const mask = anyMask(data, seed);
        for (const box of analysis.durationsByLabel(data, mask)) {
          const sorted = numbers(tasks.count)
            .filter((t) => tasks.label[t] === box.label && isIn(mask, t))
            .filter((t) => tasks.state[t] === TracedState.finished)
            .map((t) => tasks.finishedMs[t] - tasks.startedMs[t])
            .sort((a, b) => a - b);
          const total = sorted.reduce((sum, ms) => sum + ms, 0);
          expect(box.count).toBe(sorted.length);
          expect(box.totalMs).toBeCloseTo(total, 6);
          expect(box.meanMs).toBeCloseTo(total / sorted.length, 6);
          expect([box.minMs, box.maxMs]).toEqual([sorted[0], sorted[sorted.length - 1]]);
          // The median by its other definition.
          const n = sorted.length;
          expect(box.medianMs).toBeCloseTo(
            (sorted[Math.floor((n - 1) / 2)] + sorted[Math.ceil((n - 1) / 2)]) / 2,
            6,
          );
          expect(box.lowerMs).toBeLessThanOrEqual(box.medianMs);
          expect(box.upperMs).toBeGreaterThanOrEqual(box.medianMs);
        }
      }),
    );
  });

  it("interpolates quartiles as R and NumPy do", () => {
    const data = traced({ tasks: 4, labels: ["a"], inputs: 0, failing: 0, lost: 0 });
    const { tasks } = data;
    [1, 2, 4, 9].forEach((ms, t) => {
      tasks.finishedMs[t] = tasks.startedMs[t] + ms;
    });
    const [box] = analysis.durationsByLabel(data);
    expect([box.lowerMs, box.medianMs, box.upperMs]).toEqual([1.75, 3, 5.25]);
  });

  it("counts attempts that came to nothing", () => {
    const data = traced({ tasks: 300, failing: 0.1, lost: 0.1, seed: 4 });
    const rows = analysis.attemptsByLabel(data);
    const total = (end: number): number => rows.reduce((sum, { ends }) => sum + ends[end], 0);
    const { end } = data.executions;
    for (const kind of [ExecutionEnd.failed, ExecutionEnd.workerLost]) {
      expect(total(kind)).toBe(end.filter((one) => one === kind).length);
      expect(total(kind)).toBeGreaterThan(0);
    }
    const repeated = rows.reduce((sum, row) => sum + row.repeated, 0);
    expect(repeated).toBe(total(ExecutionEnd.workerLost));
  });

  it("makes one node of a label's tasks, and of each task where it is open", () => {
    fc.assert(
      fc.property(anyTrace, fc.nat(), (data, seed) => {
        const { tasks } = data;
        const mask = anyMask(data, seed);
        const open = new Set([seed % data.labels.length]);
        const { nodes, edges } = analysis.labelGraph(data, open, mask);
        const nodeOf = (t: number): number =>
          isIn(mask, t)
            ? nodes.findIndex(
                (node) => node.task === t || (node.task === -1 && node.label === tasks.label[t]),
              )
            : -1;
        const inputs = new Map<string, number>();
        for (const t of numbers(tasks.count)) {
          for (let e = tasks.inputStart[t]; e < tasks.inputStart[t + 1]; e++) {
            const [from, to] = [nodeOf(tasks.inputs[e]), nodeOf(t)];
            if (from === -1 || to === -1) continue;
            inputs.set(`${from} ${to}`, (inputs.get(`${from} ${to}`) ?? 0) + 1);
          }
        }
        expect(edges.filter(({ from, to }) => from === to)).toEqual([]);
        const found = new Map(edges.map((edge) => [`${edge.from} ${edge.to}`, edge.inputs]));
        nodes.forEach(({ inner }, i) => {
          if (inner > 0) found.set(`${i} ${i}`, inner);
        });
        expect(found).toEqual(inputs);
        const shown = numbers(tasks.count).filter((t) => isIn(mask, t));
        expect(nodes.reduce((sum, node) => sum + node.tasks, 0)).toBe(shown.length);
        for (const end of ["finished", "failed", "cancelled"] as const) {
          const model = shown.filter((t) => tasks.state[t] === TracedState[end]).length;
          expect(nodes.reduce((sum, node) => sum + node[end], 0)).toBe(model);
        }
      }),
    );
  });
});

it("finds the slowest tasks", () => {
  const data = traced({ tasks: 200 });
  const { tasks } = data;
  const duration = (t: number): number => tasks.finishedMs[t] - tasks.startedMs[t];
  const model = numbers(200)
    .filter((t) => !Number.isNaN(duration(t)))
    .sort((a, b) => duration(b) - duration(a) || a - b);
  expect([...analysis.slowestTasks(data, 10)]).toEqual(model.slice(0, 10));
});

it("finds the high-water marks of workers", () => {
  const data = traced({ tasks: 3000, durationMs: 40 });
  analysis.memoryMarks(data).forEach((marks, worker) => {
    const { samples } = data.workers[worker];
    expect(marks.maxBytes).toBe(Math.max(...samples.memoryBytes));
    expect(samples.memoryBytes[samples.atMs.indexOf(marks.maxAtMs)]).toBe(marks.maxBytes);
    expect(marks.minFreeBytes).toBe(Math.min(...samples.freeMemoryBytes));
    expect(marks.maxObjectBytes).toBe(Math.max(...samples.objectBytes));
  });
});
