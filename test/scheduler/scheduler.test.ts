/** How tasks are spread, through the server core with modelled workers. */
import { describe, expect, test } from "vitest";
import { clusterOf, counts, LARGE, schedulerOf, tasks } from "./scheduling.js";

describe("tasks with cpus", () => {
  test("are spread evenly over free cores", () => {
    const cluster = clusterOf([4, 4, 4]);
    cluster.submit(0, 0, tasks(6, { cpus: 1 }));
    cluster.schedule();
    expect(counts(cluster)).toEqual([2, 2, 2]);
  });

  test("go only to workers that are large enough", () => {
    const cluster = clusterOf([1, 4, 1]);
    cluster.submit(0, 0, tasks(3, { cpus: 3 }));
    cluster.schedule();
    expect(counts(cluster)[0] + counts(cluster)[2]).toBe(0);
    expect(counts(cluster)[1]).toBeGreaterThan(0);
  });

  test("one that fits nowhere does not hold up smaller ones", () => {
    const cluster = clusterOf([2]);
    cluster.submit(0, 0, tasks(40, { cpus: 2 }));
    cluster.schedule();
    cluster.submit(0, 40, tasks(1, { cpus: 1 }));
    const row = cluster.row(0, 40);
    for (let i = 0; i < 50 && !cluster.finished.has("0/40"); i++) {
      cluster.schedule();
      const at = cluster.workers.get(0)!;
      const next = at.tasks.has(row) ? row : [...at.tasks.keys()][0];
      cluster.finish(0, next);
    }
    expect(cluster.finished.has("0/40")).toBe(true);
    expect(cluster.finished.size).toBeLessThan(41);
  });

  test("few are queued at a worker when they take long, the rest waits at the server", () => {
    const cluster = clusterOf([2]);
    cluster.submit(0, 0, tasks(100, { cpus: 1 }));
    cluster.schedule();
    expect(counts(cluster)[0]).toBe(4);
  });

  test("unstarted ones are taken back when a worker joins, and given to it", () => {
    const cluster = clusterOf([2]);
    cluster.submit(0, 0, tasks(4, { cpus: 1 }));
    cluster.schedule();
    const [first, second] = [...cluster.workers.get(0)!.tasks.keys()];
    cluster.start(0, first);
    cluster.start(0, second);
    cluster.join(2);
    cluster.schedule();
    const retracting = [...cluster.workers.get(0)!.retracting];
    expect(retracting.length).toBeGreaterThan(0);
    expect(retracting).not.toContain(first);
    expect(retracting).not.toContain(second);
    for (const row of retracting) cluster.giveBack(0, row);
    cluster.schedule();
    expect(counts(cluster)[1]).toBe(retracting.length);
  });

  test("unstarted ones are taken back although the ones before were short", () => {
    const cluster = clusterOf([1]);
    cluster.submit(0, 0, tasks(20, { cpus: 1 }));
    cluster.runAll();
    cluster.submit(0, 20, tasks(5, { cpus: 1 }));
    cluster.schedule();
    const at = cluster.workers.get(0)!;
    expect(at.tasks.size).toBe(5);
    cluster.start(0, [...at.tasks.keys()][0]);
    cluster.join(1);
    cluster.schedule();
    expect(at.retracting.size).toBe(0);
    cluster.nowMs += 10;
    cluster.schedule();
    expect(at.retracting.size).toBe(1);
  });

  test("move to an idle worker when the one with their data stays busy", () => {
    const cluster = clusterOf([1, 1], LARGE * 2);
    cluster.submit(0, 0, tasks(1, { cpus: 1 }));
    cluster.runAll();
    const { table } = cluster.core;
    const holder = table.worker[cluster.row(0, 0)];
    cluster.submit(0, 1, [{ inputs: [0], result: true, cpus: 1 }]);
    cluster.schedule();
    expect(table.worker[cluster.row(0, 1)]).toBe(holder);
    cluster.start(holder, cluster.row(0, 1));
    cluster.submit(0, 2, [{ inputs: [0], result: true, cpus: 1 }]);
    const row = cluster.row(0, 2);
    for (let i = 0; i < 500 && table.worker[row] !== 1 - holder; i++) {
      cluster.schedule();
      const { retracting } = cluster.workers.get(holder)!;
      if (retracting.has(row)) cluster.giveBack(holder, row);
    }
    expect(table.worker[row]).toBe(1 - holder);
  });

  test("go where their large inputs are", () => {
    const cluster = clusterOf([4, 4], LARGE);
    cluster.submit(0, 0, tasks(8, { cpus: 1 }));
    cluster.runAll();
    const { table } = cluster.core;
    const users = Array.from({ length: 8 }, (_, id) => ({ inputs: [id], result: true, cpus: 1 }));
    cluster.submit(0, 8, users);
    cluster.schedule();
    for (let id = 0; id < 8; id++) {
      expect(table.worker[cluster.row(0, 8 + id)]).toBe(table.worker[cluster.row(0, id)]);
    }
  });
});

describe("light tasks", () => {
  test("a chain is sent ahead to one worker in one pass", () => {
    const cluster = clusterOf([2, 2]);
    const chain = Array.from({ length: 100 }, (_, i) => ({ inputs: i === 0 ? [] : [i - 1] }));
    cluster.submit(0, 0, chain);
    cluster.schedule();
    expect(counts(cluster).sort((a, b) => a - b)).toEqual([0, 100]);
  });

  test("neighbours go to the same worker, all workers get some", () => {
    const cluster = clusterOf([1, 1, 1, 1]);
    cluster.submit(0, 0, tasks(400));
    cluster.schedule();
    expect(counts(cluster)).toEqual([100, 100, 100, 100]);
    for (const worker of cluster.workers.values()) {
      const rows = [...worker.tasks.keys()];
      expect(Math.max(...rows) - Math.min(...rows)).toBe(99);
    }
  });

  test.each([
    // What is known: time and size of tasks before them. Then: 400 more, sent to four workers.
    ["nothing: a few at once", undefined, 1, [16, 16, 8, 0], 40],
    ["they take no time: many at once", 0, 1, [256, 144, 0, 0], 400],
    ["they take 0.1 ms: a millisecond at once", 100, 1, [10, 10, 5, 0], 25],
    ["they take 5 ms: one by one", 5000, 1, [1, 1, 1, 0], 3],
    ["their results are large: one by one", 0, LARGE, [1, 1, 1, 0], 3],
    ["many of any kind are for all", 0, 1, [300, 300, 300, 300], 1200],
  ])("how many go together: %s", (_known, durationUs, sizeBytes, expected, count) => {
    const cluster = clusterOf([1, 1, 1, 1], sizeBytes);
    if (durationUs !== undefined) {
      cluster.durationUs = durationUs;
      cluster.submit(0, 0, tasks(4));
      cluster.runAll();
    }
    for (const load of schedulerOf(cluster).alive) load.light.size = 1000;
    cluster.submit(0, 4, tasks(count));
    cluster.schedule();
    expect(counts(cluster).sort((a, b) => b - a)).toEqual(expected);
  });

  test("a bounded number is in flight, more when the worker is fast", () => {
    const cluster = clusterOf([1]);
    cluster.checked = false;
    cluster.submit(0, 0, tasks(20_000));
    cluster.schedule();
    const first = counts(cluster)[0];
    expect(first).toBe(256);
    let most = 0;
    while (cluster.finished.size < 20_000) {
      for (const row of [...cluster.workers.get(0)!.tasks.keys()]) cluster.finish(0, row);
      cluster.schedule();
      most = Math.max(most, counts(cluster)[0]);
    }
    expect(most).toBeGreaterThan(1000);
  });

  test("those that do not end for long do not keep others from being sent", () => {
    const cluster = clusterOf([1]);
    cluster.checked = false;
    cluster.submit(0, 0, tasks(1000));
    cluster.schedule();
    expect(counts(cluster)[0]).toBe(256);
    const passes = (count: number) => {
      for (let ms = 0; ms < count; ms++) cluster.schedule();
    };
    passes(40);
    expect(counts(cluster)[0]).toBe(256);
    passes(300);
    expect(counts(cluster)[0]).toBe(1000);
  });

  test("an idle worker takes over from one with a long queue of its own", () => {
    const cluster = clusterOf([1], 1);
    const many = Array.from({ length: 3000 }, () => ({ inputs: [0], result: true }));
    cluster.submit(0, 0, [{ inputs: [] }, ...many]);
    cluster.schedule();
    cluster.finish(0, cluster.row(0, 1) - 1);
    cluster.join(1);
    cluster.schedule();
    expect(counts(cluster)[1]).toBeGreaterThan(0);
  });
});
