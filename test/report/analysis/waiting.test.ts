/** Why tasks waited and what cores did, compared with a walk over all milliseconds. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import * as analysis from "../../../src/report/analysis/index.js";
import { TracedState } from "../../../src/trace/index.js";
import { anyTrace, executions, numbers, scene } from "./small-traces.js";

describe("waiting", () => {
  it("adds up to the time from submission to start", () => {
    fc.assert(
      fc.property(anyTrace, (data) => {
        const { tasks } = data;
        const waits = analysis.waitsOf(data);
        for (const t of numbers(tasks.count)) {
          const parts = [waits.inputsMs, waits.transferMs, waits.coresMs, waits.schedulerMs];
          for (const part of parts) expect(part[t]).toBeGreaterThanOrEqual(0);
          const sum = parts.reduce((total, part) => total + part[t], 0);
          const started = tasks.startedMs[t];
          expect(sum).toBeCloseTo(Number.isNaN(started) ? 0 : started - tasks.submittedMs[t], 6);
          if (!Number.isNaN(started)) {
            expect(waits.inputsMs[t]).toBe(tasks.readyMs[t] - tasks.submittedMs[t]);
          }
        }
        const rows = analysis.waitsByLabel(data, waits);
        const sumOf = (column: Float64Array): number => column.reduce((a, b) => a + b, 0);
        const total = rows.reduce((sum, row) => sum + row.coresMs + row.schedulerMs, 0);
        expect(total).toBeCloseTo(sumOf(waits.coresMs) + sumOf(waits.schedulerMs), 6);
      }),
    );
  });

  it("tells causes apart", () => {
    const data = scene([
      // Runs on the only core from 0 to 10, the second one waits for the core meanwhile.
      { started: 0, finished: 10 },
      { assigned: 10, started: 10, finished: 20 },
      // Ready at 20: lies about for 3, comes to the worker, its input comes at 25, starts at 26.
      { ready: 20, assigned: 23, started: 26, finished: 30, inputs: [0], arrives: 25 },
    ]);
    const waits = analysis.waitsOf(data);
    const of = (t: number): number[] =>
      [waits.inputsMs, waits.coresMs, waits.transferMs, waits.schedulerMs].map((part) => part[t]);
    expect(of(0)).toEqual([0, 0, 0, 0]);
    expect(of(1)).toEqual([0, 10, 0, 0]);
    expect(of(2)).toEqual([20, 0, 2, 4]);
  });

  it("is not for transfers that began after the start", () => {
    const data = scene([
      { started: 0, finished: 1 },
      { ready: 1, assigned: 1, started: 3, finished: 9, inputs: [0], arrives: 6 },
    ]);
    expect(analysis.waitsOf(data).transferMs[1]).toBe(0);
  });

  it("is not for a core if the task holds none", () => {
    const data = scene([
      { started: 0, finished: 10 },
      { assigned: 10, started: 10, finished: 20 },
    ]);
    data.tasks.cores[1] = 0;
    const { coresMs, schedulerMs } = analysis.waitsOf(data);
    expect([coresMs[1], schedulerMs[1]]).toEqual([0, 10]);
    const causes = analysis.criticalPath(data).steps.flatMap(({ spans }) => spans);
    expect(causes.map(({ cause }) => cause)).not.toContain("cores");
  });

  it("is the scheduler's only as far as there are idle cores for those that wait", () => {
    // From 0 to 10 one of two cores is idle, and two tasks are ready: half of their waiting is for a core.
    const data = scene(
      [
        { started: 0, finished: 10 },
        { assigned: 10, started: 10, finished: 20 },
        { assigned: 10, started: 10, finished: 20, core: 1 },
      ],
      2,
    );
    const { coresMs, schedulerMs } = analysis.waitsOf(data);
    expect([...coresMs]).toEqual([0, 5, 5]);
    expect([...schedulerMs]).toEqual([0, 5, 5]);
  });
});

describe("lost time", () => {
  it("is that of a walk over all milliseconds", () => {
    fc.assert(
      fc.property(anyTrace, (data) => {
        const { tasks } = data;
        const waits = analysis.waitsOf(data);
        const lost = analysis.lostTime(data, waits);
        const ran = executions(data);
        const model = {
          capacity: 0,
          useful: 0,
          inVain: 0,
          transfer: 0,
          scheduling: 0,
          starting: 0,
          noWork: 0,
        };
        const capacity = data.workers.reduce((sum, { cpus }) => sum + cpus, 0);
        for (let ms = 0; ms < data.durationMs; ms++) {
          const idle = data.workers.map(({ cpus }) => cpus);
          for (const [task, worker, from, to, cores] of ran) {
            if (ms < from || ms >= to) continue;
            const isLast = from === tasks.startedMs[task];
            model[isLast && tasks.state[task] !== TracedState.failed ? "useful" : "inVain"] +=
              cores;
            idle[worker] -= cores;
          }
          const transfer = data.workers.map(() => 0);
          const starting = data.workers.map(() => 0);
          let scheduling = 0;
          for (const t of numbers(tasks.count)) {
            if (
              Number.isNaN(tasks.startedMs[t]) ||
              ms < tasks.readyMs[t] ||
              ms >= tasks.startedMs[t]
            )
              continue;
            if (ms < waits.placedMs[t]) scheduling += tasks.cores[t];
            else if (ms < waits.arrivedMs[t]) transfer[tasks.worker[t]] += tasks.cores[t];
            else starting[tasks.worker[t]] += tasks.cores[t];
          }
          model.capacity += capacity;
          // Each worker's own tasks first, then those of no worker, then those that are elsewhere.
          let left = 0;
          for (const worker of data.workers.keys()) {
            idle[worker] = Math.max(0, idle[worker]);
            for (const [cause, wanted] of [
              ["transfer", transfer],
              ["starting", starting],
            ] as const) {
              const part = Math.min(idle[worker], wanted[worker]);
              model[cause] += part;
              idle[worker] -= part;
              wanted[worker] -= part;
            }
            left += idle[worker];
          }
          const sum = (amounts: number[]): number => amounts.reduce((a, b) => a + b, 0);
          for (const [cause, wanted] of [
            ["scheduling", scheduling],
            ["transfer", sum(transfer)],
            ["starting", sum(starting)],
          ] as const) {
            const part = Math.min(left, wanted);
            model[cause] += part;
            left -= part;
          }
          model.noWork += left;
        }
        for (const [cause, ms] of Object.entries(model)) {
          expect([cause, lost[cause as keyof typeof model]]).toEqual([
            cause,
            expect.closeTo(ms, 5),
          ]);
        }
      }),
      { numRuns: 40 },
    );
  });
});
