/** Traces that earlier versions wrote are read as they always were. */
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { ExecutionEnd, readTrace, STATE_NAMES } from "../../src/trace/index.js";

const directory = (version: string): string =>
  fileURLToPath(new URL(`golden/${version}`, import.meta.url));

describe("the golden trace", () => {
  it("of version 1 has what was done when it was written", async () => {
    const trace = await readTrace(directory("v1"));
    expect(trace).toMatchObject({ warnings: [], complete: true, software: "0.1.0" });
    expect(trace.files).toHaveLength(3);
    expect(trace.clients).toHaveLength(1);
    const { tasks, workers } = trace;
    expect(tasks.count).toBe(122);
    const states = new Map<string, number>();
    for (const state of tasks.state) {
      states.set(STATE_NAMES[state], (states.get(STATE_NAMES[state]) ?? 0) + 1);
    }
    expect(Object.fromEntries(states)).toEqual({ finished: 120, failed: 1, cancelled: 1 });
    expect(workers.map(({ cpus, goneReason }) => [cpus, goneReason])).toEqual([
      [2, "it disconnected"],
      [2, ""],
    ]);
    expect(workers[1].samples.count).toBeGreaterThan(0);
    expect(workers.map(({ clockOffsetMs }) => clockOffsetMs)).toEqual([0, 0]);
    const all = [...Array(tasks.count).keys()];
    const find = (label: string): number => all.find((task) => tasks.labelOf(task) === label)!;
    const large = [0, 1, 2, 3].map((i) => find(`large:${i}`));
    for (const [i, task] of large.entries()) {
      expect(tasks.finishedMs[task] - tasks.startedMs[task]).toBeGreaterThan(300);
      expect(tasks.sizeBytes[task]).toBe(200_000);
      expect(new TextDecoder().decode(tasks.metadataOf(task))).toBe(`{"part":${i}}`);
      expect(tasks.core[task]).toBeLessThan(2);
    }
    expect(tasks.cores[find("two: Grüße")]).toBe(2);
    const merge = find("merge");
    expect(tasks.sizeBytes[merge]).toBe(800_190);
    expect(tasks.inputStart[merge + 1] - tasks.inputStart[merge]).toBe(104);
    const moved = large.filter((task) => tasks.worker[task] !== tasks.worker[merge]);
    expect([...trace.transfers.task].sort()).toEqual(moved);
    expect(all.filter((task) => tasks.isCopy[task] === 1)).toHaveLength(6);
    expect(trace.failures).toMatchObject([{ task: find("bad"), info: { exitStatus: 3 } }]);
    expect([...trace.executions.end]).toEqual(
      expect.arrayContaining([ExecutionEnd.failed, ExecutionEnd.workerLost]),
    );
    expect(trace.labels).toEqual(
      expect.arrayContaining(["large", "merge", "two", "bad", "waits", "loom/data/const"]),
    );
  });
});
