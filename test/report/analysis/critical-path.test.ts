/** The critical path: what holds for all, and what single scenes must give. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import * as analysis from "../../../src/report/analysis/index.js";
import { anyTrace, type SceneTask, scene } from "./small-traces.js";

describe("the critical path", () => {
  it("covers the time up to the last end without gaps, by tasks that ran one after the other", () => {
    fc.assert(
      fc.property(anyTrace, (data) => {
        const { tasks } = data;
        const { steps, totals } = analysis.criticalPath(data);
        const ended = [...tasks.finishedMs].filter((ms) => !Number.isNaN(ms));
        if (steps.length === 0) {
          expect(ended).toEqual([]);
          return;
        }
        let atMs = 0;
        steps.forEach(({ task, waitedFor, spans }, i) => {
          for (const { fromMs, toMs } of spans) {
            expect(fromMs).toBe(atMs);
            expect(toMs).toBeGreaterThan(fromMs);
            atMs = toMs;
          }
          expect(spans[spans.length - 1]).toEqual({
            ...{ cause: "run", fromMs: tasks.startedMs[task], toMs: tasks.finishedMs[task] },
          });
          const before = steps[i - 1]?.task;
          if (waitedFor === "submission") expect(i).toBe(0);
          if (waitedFor === "core") expect(tasks.worker[before]).toBe(tasks.worker[task]);
          if (waitedFor === "input") {
            const inputs = tasks.inputs.subarray(
              tasks.inputStart[task],
              tasks.inputStart[task + 1],
            );
            expect([...inputs]).toContain(before);
          }
        });
        expect(atMs).toBe(Math.max(...ended));
        const sum = Object.values(totals).reduce((all, ms) => all + ms, 0);
        expect(sum).toBeCloseTo(atMs, 6);
      }),
    );
  });

  it("goes over what was last: a core, a transfer, an input", () => {
    const data = scene([
      { started: 2, assigned: 1, finished: 10 },
      { ready: 1, assigned: 3, started: 11, finished: 20 },
      { ready: 21, known: 34, assigned: 22, started: 26, finished: 33, inputs: [1], arrives: 25 },
    ]);
    data.tasks.knownMs[1] = 21;
    const { steps } = analysis.criticalPath(data);
    expect(steps.map(({ task, waitedFor }) => [task, waitedFor])).toEqual([
      [0, "submission"],
      [1, "core"],
      [2, "input"],
    ]);
    const causes = steps.map(({ spans }) => spans.map(({ cause, toMs }) => `${cause} ${toMs}`));
    expect(causes).toEqual([
      ["scheduling 1", "start 2", "run 10"],
      ["start 11", "run 20"],
      ["report 21", "scheduling 22", "transfer 25", "start 26", "run 33"],
    ]);
  });
});

describe("a step of the critical path", () => {
  const two: SceneTask[] = [
    { started: 1, finished: 5 },
    { started: 2, finished: 6, core: 1 },
  ];
  const last = { ready: 6, started: 12, finished: 15, core: 2, inputs: [0, 1], arrives: 11 };

  function steps(task: SceneTask): unknown[] {
    const path = analysis.criticalPath(scene([...two, task], 3)).steps;
    const spans = path[path.length - 1].spans.map(({ cause, toMs }) => `${cause} ${toMs}`);
    return [path.map((step) => step.task), spans];
  }

  it("leads to the input that was known last if the transfer of another one waited for it", () => {
    const found = steps({ ...last, assigned: 7, fetched: 8 });
    expect(found).toEqual([
      [1, 2],
      ["scheduling 7", "transfer 11", "start 12", "run 15"],
    ]);
  });

  it("leads to the input that was transferred last if that began before", () => {
    const found = steps({ ...last, assigned: 4, fetched: 5 });
    expect(found).toEqual([
      [0, 2],
      ["transfer 11", "start 12", "run 15"],
    ]);
  });
});
