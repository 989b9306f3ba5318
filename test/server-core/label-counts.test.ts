/** Numbers of tasks by label: what the counters say is what happened. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { TaskFlag, TaskState } from "../../src/scheduler/index.js";
import { DSLICE } from "./dynamic-model.js";
import { FakeCluster, type TestTask } from "./fake-cluster.js";
import { eventArbitrary, seedsArbitrary, step } from "./random-steps.js";

const RUNS = Number(process.env.LOOM_TEST_RUNS ?? 500);
const MERGE = "loom/data/merge";
const LABELS = ["load:a", "load:b", "train", undefined, MERGE];

/** What is counted of one label, kept by looking at the table before and after each event. */
interface Model {
  finished: number;
  failed: number;
  again: number;
}

function clusterWith(cpus: number[]): FakeCluster {
  const cluster = new FakeCluster(1000);
  cluster.client(0);
  for (const count of cpus) cluster.join(count);
  return cluster;
}

function countsOf(cluster: FakeCluster, client = 0) {
  return Object.fromEntries(
    cluster.core.labelCounts(client).map(({ label, ...counts }) => [label, counts]),
  );
}

const isOpen = (state: number) =>
  state === TaskState.waiting || state === TaskState.ready || state === TaskState.assigned;

describe("counts by label", () => {
  test("agree with a model, whatever happens", () => {
    fc.assert(
      fc.property(seedsArbitrary, fc.array(eventArbitrary, { maxLength: 100 }), (seeds, events) => {
        const cluster = clusterWith([2, 3]);
        const { core } = cluster;
        const { table } = core;
        const plan: TestTask[] = seeds.map((seed, i) => ({
          inputs: i === 0 ? [] : seed.slice(2).map((s) => s % i),
          // The last one counts as released already: it is never released, and keeps the plan in the table.
          result: seed[0] % 3 === 0 || i === seeds.length - 1,
          cpus: seed[1] % 3,
          label: LABELS[seed[0] % LABELS.length],
        }));
        cluster.submit(0, 0, plan);
        const labelOf = (row: number) => plan[row].label?.split(":")[0] ?? MERGE;
        const model = new Map<string, Model>();
        for (const row of plan.keys())
          model.set(labelOf(row), { finished: 0, failed: 0, again: 0 });
        for (const event of events) {
          const before = table.state.slice(0, plan.length);
          const started = table.flags
            .slice(0, plan.length)
            .map((flags) => flags & TaskFlag.started);
          const rows = before.keys();
          const finishedBefore = core.clients.get(0)!.finishedTasks;
          step(cluster, event, new Set([plan.length - 1]), new Set(), plan);
          const isFinish = core.clients.get(0)!.finishedTasks > finishedBefore;
          for (const row of rows) {
            const counts = model.get(labelOf(row))!;
            const state = table.state[row];
            // What is finished may be dropped at once.
            const ended = state === TaskState.finished || state === TaskState.released;
            if (isFinish && before[row] === TaskState.assigned && ended) counts.finished++;
            if (state === TaskState.failed && before[row] !== state) counts.failed++;
            const wasDone =
              before[row] === TaskState.finished || before[row] === TaskState.released;
            if (wasDone && isOpen(state)) counts.again++;
            const isLost = event.kind === "kill" && started[row] !== 0;
            if (isLost && before[row] === TaskState.assigned && state !== TaskState.assigned) {
              if (isOpen(state)) counts.again++;
            }
          }
        }
        const told = countsOf(cluster);
        for (const [label, counts] of model) expect(told[label] ?? counts).toMatchObject(counts);
        expect(Object.keys(told).filter((label) => !model.has(label))).toEqual([]);
      }),
      { numRuns: RUNS },
    );
  });

  test("of one task from its start to its end", () => {
    const cluster = clusterWith([2]);
    cluster.submit(0, 0, [{ inputs: [], result: true, cpus: 1, label: "train: fold 1" }]);
    const open = { total: 1, running: 0, finished: 0, failed: 0, again: 0 };
    expect(countsOf(cluster)).toEqual({ train: open });
    cluster.schedule();
    cluster.start(0, 0);
    expect(countsOf(cluster)).toEqual({ train: { ...open, running: 1 } });
    expect([...cluster.core.runningSince]).toEqual([[0, 1]]);
    cluster.finish(0, 0);
    expect(countsOf(cluster)).toEqual({ train: { ...open, finished: 1 } });
    expect([...cluster.core.runningSince]).toEqual([]);
    cluster.release(0, 0);
    cluster.schedule();
    expect(cluster.core.taskCount).toBe(0);
    expect(countsOf(cluster)).toEqual({ train: { ...open, finished: 1 } });
  });

  test("a worker's death: what ran is executed again, and results that were lost", () => {
    const cluster = clusterWith([2]);
    const large = { inputs: [], result: true, cpus: 1, label: "a" };
    const lost = new FakeCluster(1000, () => 1000);
    for (const each of [cluster, lost]) {
      if (each === lost) {
        each.client(0);
        each.join(2);
      }
      each.submit(0, 0, [large, { ...large, inputs: [0], label: "b" }]);
      each.schedule();
      each.finish(0, 0);
      each.schedule();
      each.start(0, 1);
      each.join(2);
      each.kill(0);
    }
    expect(countsOf(cluster)).toMatchObject({ a: { total: 1, again: 0 }, b: { again: 1 } });
    expect(countsOf(lost)).toMatchObject({
      a: { total: 2, finished: 1, again: 1 },
      b: { total: 1, running: 0, again: 1 },
    });
    lost.runAll();
    expect(countsOf(lost)).toMatchObject({ a: { total: 2, finished: 2 }, b: { finished: 1 } });
  });

  test("a failure fails what depends on it; what is cancelled does not count any more", () => {
    const cluster = clusterWith([2]);
    cluster.submit(0, 0, [
      { inputs: [], result: true, label: "a" },
      { inputs: [0], result: true, label: "b" },
      { inputs: [], result: true, cpus: 64, label: "c" },
    ]);
    cluster.schedule();
    cluster.fail(0, 0);
    cluster.release(0, 2);
    expect(countsOf(cluster)).toMatchObject({ a: { failed: 1 }, b: { total: 1, failed: 1 } });
    expect(countsOf(cluster)).not.toHaveProperty("c");
  });

  test("copies count for the label of their task, elements for what they are", () => {
    const cluster = clusterWith([2]);
    cluster.submit(0, 0, [
      { inputs: [], label: "make" },
      { inputs: [0], type: DSLICE, label: "cut" },
      { inputs: [1], label: "work" },
    ]);
    cluster.runAll();
    const { make, cut, work, ...others } = countsOf(cluster);
    expect(make).toMatchObject({ total: 1, finished: 1 });
    expect(cut).toMatchObject({ total: 1, finished: 1 });
    expect(work.finished).toBeGreaterThan(1);
    expect(work.total).toBe(work.finished);
    expect(others).toEqual({ "loom/base/slice": work });
  });

  test("tasks from checkpoints count for their label", () => {
    const cluster = clusterWith([2]);
    const path = new TextEncoder().encode("/x");
    cluster.submit(0, 0, [{ inputs: [], result: true, label: "a" }], new Map([[0, path]]));
    expect(countsOf(cluster)).toMatchObject({ a: { total: 1 } });
  });

  test("clients are told apart, together they are summed up; plans too", () => {
    const cluster = clusterWith([2]);
    cluster.client(1);
    cluster.submit(0, 0, [{ inputs: [], result: true, label: "a" }]);
    cluster.submit(0, 1, [{ inputs: [], result: true, label: "b" }]);
    cluster.submit(1, 0, [{ inputs: [], result: true, label: "b" }]);
    const { core } = cluster;
    expect(countsOf(cluster, 1)).toMatchObject({ b: { total: 1 } });
    expect(core.labelCounts().map(({ label, total }) => [label, total])).toEqual([
      ["a", 1],
      ["b", 2],
    ]);
    const [, second] = core.clients.get(0)!.plans;
    expect(core.labelCountsOf(second)).toMatchObject([{ label: "b", total: 1 }]);
    expect(core.labelCounts(7)).toEqual([]);
  });

  test("more than 200 labels are summed up, 5000 as well, and an empty one is none", () => {
    const cluster = clusterWith([2]);
    cluster.checked = false;
    const tasks = Array.from({ length: 5000 }, (_, i) => ({ inputs: [], label: `l${i}:x` }));
    cluster.submit(0, 0, [...tasks, { inputs: [], label: ":x" }, { inputs: [], label: "l7" }]);
    cluster.core.checkInvariants();
    const told = cluster.core.labelCounts(0);
    expect(told).toHaveLength(201);
    expect(told[7]).toMatchObject({ label: "l7", total: 2 });
    expect(told[200]).toMatchObject({ label: "(others)", total: 4801 });
    cluster.client(1);
    cluster.submit(1, 0, [{ inputs: [], label: "new" }]);
    expect(countsOf(cluster, 1)).toMatchObject({ "(others)": { total: 1 } });
    expect(cluster.core.labelCounts()).toHaveLength(201);
  });
});
