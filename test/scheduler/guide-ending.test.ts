/** What ends a plan made ahead, and that no task is held back for ever by one that is searched. */
import { describe, expect, test } from "vitest";
import { DEFAULT_NETWORK } from "../../src/scheduler/index.js";
import {
  clusterWithPlan,
  guideOf,
  hardPlan,
  plannedFor,
  search,
  second,
} from "./planning-ahead.js";
import { clusterOf, counts, finish, idsAt, LARGE, tasks, workerOf } from "./scheduling.js";
import { VirtualWorkers } from "./virtual-workers.js";

describe("a plan ends, and tasks may go elsewhere,", () => {
  test("when too many take another time than was thought", () => {
    const cluster = clusterWithPlan([1, 1], 20);
    cluster.durationUs = 1_000_000;
    finish(cluster, idsAt(cluster, 0)[0], idsAt(cluster, 1)[0]);
    cluster.durationUs = 5_000_000;
    finish(cluster, idsAt(cluster, 0)[0], idsAt(cluster, 1)[0]);
    expect(plannedFor(cluster, idsAt(cluster, 0)[0])).toBeDefined();
    finish(cluster, idsAt(cluster, 0)[0]);
    expect(plannedFor(cluster, idsAt(cluster, 0)[0])).toBeUndefined();
  });

  test("not when others, which are not planned, do", () => {
    const cluster = clusterWithPlan([1, 1], 20);
    cluster.submit(0, 20, tasks(20, { cpus: 1, label: "unknown", priority: 1 }));
    cluster.durationUs = 1_000_000;
    for (const worker of [0, 1]) finish(cluster, ...idsAt(cluster, worker).slice(1));
    const left = [0, 1].map((worker) => idsAt(cluster, worker)[0]);
    for (let i = 0; i < 6; i++) {
      cluster.schedule();
      const unknown = idsAt(cluster, 0)[1];
      expect(unknown).toBeGreaterThanOrEqual(20);
      cluster.durationUs = 1000 * 7 ** i;
      finish(cluster, unknown);
    }
    for (const id of left) expect(plannedFor(cluster, id)).toBeDefined();
  });

  test("when it should be done and is not", () => {
    const cluster = clusterWithPlan([1, 1], 20);
    cluster.durationUs = 1_000_000;
    while (idsAt(cluster, 1).length > 0) finish(cluster, idsAt(cluster, 1)[0]);
    cluster.start(0, cluster.row(0, idsAt(cluster, 0)[0]));
    cluster.nowMs += 9000;
    for (let i = 0; i < 5; i++) cluster.schedule();
    expect(cluster.workers.get(0)!.retracting.size).toBe(0);
    cluster.nowMs += 5000;
    for (let i = 0; i < 5; i++) cluster.schedule();
    expect(cluster.workers.get(0)!.retracting.size).toBeGreaterThan(0);
  });

  test("when a worker is lost: its tasks go to others at once", () => {
    const cluster = clusterWithPlan([1, 1, 1], 30);
    expect(counts(cluster)).toEqual([10, 10, 10]);
    cluster.kill(1);
    search(cluster);
    for (let i = 0; i < 50; i++) cluster.schedule();
    expect(counts(cluster)).toEqual([15, 15]);
  });

  test("when a worker joins: it takes its share", () => {
    const cluster = clusterWithPlan([1, 1], 30);
    const workers = new VirtualWorkers(
      cluster,
      () => 1000,
      () => ({ cpus: 1 }),
    );
    workers.run(500);
    cluster.join(1);
    for (let pass = 0; pass < 15_000 && cluster.finished.size < 30; pass++) workers.tick();
    // 30 s of work, half a second by two and the rest by three.
    expect(cluster.finished.size).toBe(30);
    expect(cluster.nowMs).toBeLessThan(11_500);
  });
});

describe("tasks are not held back for ever", () => {
  test("by a steady stream of plans", () => {
    const cluster = clusterOf([2, 2, 2]);
    cluster.checked = false;
    let next = 0;
    let held = 0;
    for (let pass = 0; pass < 400; pass++) {
      cluster.submit(
        0,
        next,
        Array.from({ length: 5 }, () => second([], { expectedMs: 20_000 })),
      );
      next += 5;
      cluster.nowMs += 50;
      cluster.schedule();
      if (guideOf(cluster).holdsBack) held++;
      const row = cluster.runnable(pass % 3)[0];
      cluster.durationUs = 20_000_000;
      if (row !== undefined) cluster.finish(pass % 3, row);
    }
    expect(held).toBeLessThan(100);
    expect(cluster.finished.size).toBeGreaterThan(300);
  });

  test("by a plan that comes while another one is made anew", () => {
    const cluster = clusterOf([2, 2]);
    cluster.checked = false;
    cluster.submit(0, 0, hardPlan(300));
    search(cluster);
    cluster.nowMs += 1e6;
    cluster.join(2);
    cluster.schedule();
    cluster.submit(
      0,
      300,
      Array.from({ length: 5 }, () => second()),
    );
    for (let pass = 0; pass < 3; pass++) {
      cluster.schedule();
      expect(guideOf(cluster).holdsBack).toBe(false);
    }
  });

  test("by workers that come and go", () => {
    const cluster = clusterOf([2, 2]);
    cluster.checked = false;
    cluster.submit(0, 0, hardPlan(1500));
    for (let pass = 0; pass < 60; pass++) {
      cluster.nowMs += 100;
      cluster.schedule();
      if (pass % 2 === 0) cluster.join(2);
      else cluster.kill(Math.max(...cluster.workers.keys()));
    }
    expect(counts(cluster).reduce((sum, n) => sum + n)).toBeGreaterThan(0);
  });

  test("when the search is not needed any more: what queues at an idle worker goes on", () => {
    const cluster = clusterOf([1, 1], LARGE);
    cluster.checked = false;
    cluster.submit(0, 0, [second()]);
    cluster.runAll();
    const holder = workerOf(cluster, 0);
    // Everybody else is far away; two are sent, two queue for the holder of their input.
    cluster.core.setNetwork({ ...DEFAULT_NETWORK, bytesPerMs: 1 });
    const users = Array.from({ length: 4 }, () => second([0], { expectedMs: 20, priority: 1 }));
    cluster.submit(0, 1, users);
    cluster.schedule();
    expect(idsAt(cluster, holder)).toEqual([1, 2]);
    cluster.submit(0, 5, hardPlan(1500, 5));
    cluster.schedule();
    finish(cluster, 1, 2);
    cluster.schedule();
    expect(guideOf(cluster).holdsBack).toBe(true);
    expect(counts(cluster)).toEqual([0, 0]);
    // With one worker there is nothing to plan.
    cluster.kill(1 - holder);
    cluster.schedule();
    expect(idsAt(cluster, holder).slice(0, 2)).toEqual([3, 4]);
  });
});
