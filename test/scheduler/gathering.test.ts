/** Tasks whose large results one task takes all of: on a slow network they stay together. */
import { describe, expect, test } from "vitest";
import { DEFAULT_NETWORK } from "../../src/scheduler/index.js";
import type { FakeCluster, TestTask } from "../server-core/fake-cluster.js";
import { clusterOf, counts, finish, LARGE, schedulerOf, tasks, workerOf } from "./scheduling.js";

/**
 * Three workers with two cores (too little work for a plan made ahead), tasks of 150 ms with results of 50 MB of which one is known; then `n` more, and `users`
 * tasks that take all of their results.
 */
function gathering(n: number, bytesPerMs: number, users = 1): FakeCluster {
  const cluster = clusterOf([2, 2, 2], LARGE);
  cluster.durationUs = 150_000;
  cluster.submit(0, 0, tasks(1, { cpus: 1 }));
  cluster.runAll();
  cluster.release(0, 0);
  cluster.core.setNetwork({ ...DEFAULT_NETWORK, bytesPerMs });
  submit(cluster, 1, n, users);
  cluster.schedule();
  return cluster;
}

function submit(cluster: FakeCluster, first: number, n: number, users: number): void {
  const inputs = Array.from({ length: n }, (_, i) => first + i);
  const user: TestTask = { inputs, result: true, cpus: 1 };
  cluster.submit(0, first, [
    ...tasks(n, { cpus: 1 }),
    ...Array.from({ length: users }, () => user),
  ]);
}

const homes = (cluster: FakeCluster, n: number): number[] =>
  Array.from({ length: n }, (_, i) => workerOf(cluster, 1 + i));

describe("tasks whose results one task takes all of", () => {
  test("wait for cores at one worker where the way of their results would take longer", () => {
    // 500 ms for each result, and 75 ms for the task on one of two cores.
    const cluster = gathering(16, 100_000);
    expect(counts(cluster)).toEqual([2, 0, 0]);
    expect(schedulerOf(cluster).workers[0]!.localHeavy.length).toBe(14);
    for (let i = 0; i < 5; i++) cluster.schedule();
    expect(counts(cluster)).toEqual([2, 0, 0]);
    cluster.runAll();
    expect(new Set(homes(cluster, 17))).toEqual(new Set([0]));
  });

  test.each([
    ["the network is fast", 16, 1e6, 1],
    ["two tasks take them", 16, 100_000, 2],
    ["they are few", 7, 100_000, 1],
  ])("are spread where %s", (_when, n, bytesPerMs, users) => {
    expect(counts(gathering(n, bytesPerMs, users))).toEqual([2, 2, 2]);
  });

  test("are brought together when the first results show how large they are", () => {
    const cluster = clusterOf([2, 2, 2], LARGE);
    cluster.durationUs = 150_000;
    cluster.core.setNetwork({ ...DEFAULT_NETWORK, bytesPerMs: 100_000 });
    submit(cluster, 1, 40, 1);
    cluster.schedule();
    const elsewhere = counts(cluster)[1] + counts(cluster)[2];
    expect(elsewhere).toBeGreaterThan(3);
    const at = workerOf(cluster, 1);
    finish(cluster, 1);
    cluster.runAll();
    expect(homes(cluster, 40).filter((worker) => worker !== at)).toHaveLength(elsewhere);
  });

  test("go on elsewhere when their worker is lost", () => {
    const cluster = gathering(16, 100_000);
    cluster.kill(0);
    cluster.runAll();
    expect(cluster.finished.size).toBe(18);
    expect(homes(cluster, 17)).not.toContain(0);
  });
});
