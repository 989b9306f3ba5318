/** How much queues at a worker besides what runs: about 10 ms of work, nothing where tasks take long. */
import { describe, expect, test } from "vitest";
import { FakeCluster, type TestTask } from "../server-core/fake-cluster.js";
import { clusterOf, counts, LARGE, schedulerOf, tasks } from "./scheduling.js";

/** Tasks that one worker with two cores gets in one pass, of a class of which a time was measured. */
function sent(ms: number, more: Partial<TestTask> = { cpus: 1 }): number {
  const cluster = clusterOf([2]);
  cluster.checked = false;
  cluster.durationUs = ms * 1000;
  cluster.submit(0, 0, tasks(1, more));
  cluster.runAll();
  cluster.submit(0, 1, tasks(2000, more));
  cluster.schedule();
  return counts(cluster)[0];
}

describe("a worker with two cores is sent", () => {
  test.each([
    // Two that run, and for each core 10 ms of work.
    [0.001, 2 * 513],
    [0.1, 2 * 101],
    [1, 2 * 11],
    [5, 2 * 3],
    // One for each core up to 100 ms.
    [50, 2 * 2],
    [99, 2 * 2],
    // None for each core beyond.
    [101, 2],
    [60_000, 2],
  ])("tasks of %d ms: %d", (ms, count) => {
    expect(sent(ms)).toBe(count);
  });

  test("tasks of unknown times as those of 50 ms", () => {
    const cluster = clusterOf([2]);
    cluster.submit(0, 0, tasks(100, { cpus: 1 }));
    cluster.schedule();
    expect(counts(cluster)).toEqual([4]);
  });

  test("as many as declared times say, whatever was measured", () => {
    expect(sent(1, { cpus: 1, expectedMs: 1000 })).toBe(2);
    expect(sent(1000, { cpus: 1, expectedMs: 1 })).toBe(2 * 11);
  });

  test("not without end though tasks should take no time at all", () => {
    expect(sent(1000, { cpus: 1, expectedMs: 0 })).toBe(2 * 513);
  });

  test("long tasks of all cores: one more, for which it is emptied", () => {
    expect(sent(60_000, { cpus: 2 })).toBe(2);
  });

  test.each([
    ["large", LARGE, 4],
    ["small", 5000, 2],
  ])("long tasks with inputs to fetch that are %s: %i bytes", (_name, bytes, count) => {
    const cluster = new FakeCluster(5, () => bytes);
    cluster.client(0);
    cluster.durationUs = 200_000;
    cluster.join(2, {}, [5]);
    cluster.join(2, {}, [12]);
    cluster.submit(0, 0, tasks(9, { cpus: 1 }));
    cluster.submit(0, 9, tasks(1, { cpus: 1, type: 12 }));
    cluster.runAll();
    const users = Array.from({ length: 8 }, (_, i) => ({
      inputs: [i],
      result: true,
      cpus: 1,
      type: 12,
    }));
    cluster.submit(0, 10, users);
    cluster.schedule();
    // Where fetching takes long one for each core is sent, to fetch while others run.
    expect(counts(cluster)).toEqual([0, count]);
  });
});

test("the work that a worker has is that of its tasks, whatever was expected of those before", () => {
  const cluster = clusterOf([2]);
  cluster.submit(0, 0, tasks(300, { cpus: 1 }));
  const load = schedulerOf(cluster).workers[0]!;
  // First they are thought to take 50 ms each.
  for (const ms of [1, 40, 3]) {
    cluster.durationUs = ms * 1000;
    for (let i = 0; i < 90; i++) {
      cluster.schedule();
      cluster.finish(0, cluster.runnable(0)[0]);
    }
    expect(counts(cluster)[0]).toBeGreaterThan(0);
    const meanMs = load.work.sumMs(cluster.nowMs) / counts(cluster)[0];
    expect(meanMs).toBeLessThan(1.2 * ms);
    expect(meanMs).toBeGreaterThan(0.8 * ms);
  }
  cluster.runAll();
  expect(load.work.sumMs(cluster.nowMs)).toBe(0);
});

test("the work of tasks of which the times are declared is what was declared", () => {
  const cluster = clusterOf([2]);
  cluster.durationUs = 70_000;
  cluster.submit(0, 0, [
    ...tasks(1, { cpus: 2, expectedMs: 1000 }),
    ...tasks(1, { cpus: 1, expectedMs: 40 }),
  ]);
  cluster.schedule();
  const load = schedulerOf(cluster).workers[0]!;
  expect(counts(cluster)).toEqual([2]);
  expect(load.work.sumMs(cluster.nowMs)).toBe(2040);
  cluster.finish(0, cluster.row(0, 0));
  expect(load.work.sumMs(cluster.nowMs)).toBe(40);
  cluster.runAll();
  expect(load.work.sumMs(cluster.nowMs)).toBe(0);
});

test("long tasks that run count in what others of their class are thought to take", () => {
  const cluster = clusterOf([4]);
  cluster.submit(0, 0, tasks(8, { cpus: 1, label: "train" }));
  cluster.schedule();
  const load = schedulerOf(cluster).workers[0]!;
  for (const row of cluster.runnable(0).slice(0, 4)) cluster.start(0, row);
  cluster.durationUs = 1000;
  cluster.finish(0, cluster.runnable(0)[0]);
  const left = counts(cluster)[0];
  cluster.nowMs += 10_000;
  expect(load.work.sumMs(cluster.nowMs) / left).toBeGreaterThan(5000);
});
