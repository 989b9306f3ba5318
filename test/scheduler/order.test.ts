/** Which task comes first: user priority, then the longest path, then submission. */
import { describe, expect, test } from "vitest";
import { clusterOf, finish, idsAt, orderOfAssignment, tasks } from "./scheduling.js";

describe("tasks with requests come", () => {
  test("by user priority first, whatever their paths", () => {
    const cluster = clusterOf([1]);
    cluster.submit(0, 0, [
      { inputs: [], cpus: 1, priority: -1, expectedMs: 50_000, result: true },
      { inputs: [], cpus: 1, expectedMs: 1, result: true },
      { inputs: [], cpus: 1, expectedMs: 40, result: true },
      { inputs: [], cpus: 1, priority: 100, result: true },
      { inputs: [], cpus: 1, priority: 1, result: true },
      { inputs: [], cpus: 1, priority: -100, expectedMs: 60_000, result: true },
    ]);
    expect(orderOfAssignment(cluster)).toEqual([3, 4, 2, 1, 0, 5]);
  });

  test("by the length of the path that begins with them", () => {
    const cluster = clusterOf([1]);
    const chain = (from: number, length: number) =>
      Array.from({ length }, (_, i) => ({ inputs: i === 0 ? [] : [from + i - 1], cpus: 1 }));
    // Single ones first, chains of 2, 4, and 3 behind.
    cluster.submit(0, 0, [
      ...tasks(2, { cpus: 1 }),
      ...chain(2, 2),
      ...chain(4, 4),
      ...chain(8, 3),
    ]);
    const order = orderOfAssignment(cluster);
    const firsts = order.filter((id) => [0, 1, 2, 4, 8].includes(id));
    expect(firsts).toEqual([4, 8, 2, 0, 1]);
  });

  test("by declared times: one long task before a chain of short ones", () => {
    const cluster = clusterOf([1]);
    const ms = (expectedMs: number, inputs: number[] = []) => ({ inputs, cpus: 1, expectedMs });
    cluster.submit(0, 0, [ms(30), ms(30, [0]), ms(30, [1]), ms(80), ms(100)]);
    expect(orderOfAssignment(cluster)[0]).toBe(4);
    expect(cluster.core.objectCount).toBe(0);
  });

  test("in order of submission among equals, plan after plan", () => {
    const cluster = clusterOf([2]);
    cluster.submit(0, 0, tasks(10, { cpus: 1 }));
    cluster.submit(0, 10, tasks(10, { cpus: 1 }));
    expect(orderOfAssignment(cluster)).toEqual(Array.from({ length: 20 }, (_, id) => id));
  });

  test.each([
    ["as was assumed", 50, 4],
    ["other than was assumed", 1000, 14],
  ])("in a new order when execution times turn out to be %s", (_name, ms, first) => {
    const cluster = clusterOf([1]);
    const slow = (n: number) => tasks(n, { cpus: 1, label: "slow" });
    cluster.durationUs = 50_000;
    cluster.submit(0, 0, [...tasks(1, { cpus: 1, label: "quick" }), ...slow(2)]);
    cluster.runAll();
    cluster.submit(0, 3, slow(1));
    cluster.schedule();
    const pair = (id: number) => [
      { inputs: [], cpus: 1, label: "quick" },
      { inputs: [id], cpus: 1, label: "quick", result: true },
    ];
    // As long as all take equally long, what begins a pair comes first.
    cluster.submit(0, 4, [...[4, 6, 8, 10, 12].flatMap(pair), ...slow(5)]);
    cluster.nowMs += 300;
    cluster.durationUs = ms * 1000;
    finish(cluster, 3);
    cluster.schedule();
    expect(idsAt(cluster, 0).find((id) => id >= 4)).toBe(first);
  });

  test("user priorities are told to workers above ranks", () => {
    const cluster = clusterOf([8]);
    const { core } = cluster;
    cluster.submit(0, 0, [
      { inputs: [], cpus: 1, priority: 1, expectedMs: 1, result: true },
      { inputs: [], cpus: 1, priority: 0, expectedMs: 3e8, result: true },
      { inputs: [], cpus: 1, priority: 0, expectedMs: 1, result: true },
      { inputs: [], cpus: 1, priority: -1, expectedMs: 3e38, result: true },
    ]);
    cluster.schedule();
    const told = [0, 1, 2, 3].map((id) => core.priorityOf(cluster.row(0, id)));
    expect(told).toEqual([...told].sort((a, b) => b - a));
    expect(new Set(told).size).toBe(4);
  });
});

describe("light tasks come", () => {
  test("by user priority, not by when they were submitted", () => {
    const cluster = clusterOf([1]);
    cluster.submit(0, 0, tasks(300, { priority: -5 }));
    cluster.submit(0, 300, tasks(300));
    cluster.submit(0, 600, tasks(20, { priority: 7 }));
    cluster.schedule();
    const first = idsAt(cluster, 0);
    expect(first).toHaveLength(256);
    expect(first.slice(0, 20)).toEqual(Array.from({ length: 20 }, (_, i) => 600 + i));
    expect(Math.min(...first)).toBe(300);
    const order = orderOfAssignment(cluster);
    expect(order.slice(-300)).toEqual(Array.from({ length: 300 }, (_, id) => id));
  });

  test("first those of higher priority that come while lower ones wait", () => {
    const cluster = clusterOf([1]);
    cluster.submit(0, 0, tasks(1000));
    cluster.schedule();
    cluster.submit(0, 1000, tasks(10, { priority: 1 }));
    finish(cluster, ...idsAt(cluster, 0));
    cluster.schedule();
    expect(idsAt(cluster, 0).slice(0, 10)).toEqual(Array.from({ length: 10 }, (_, i) => 1000 + i));
  });

  test("of all types, though there is no end of one type", () => {
    const cluster = clusterOf([1]);
    cluster.checked = false;
    let next = 0;
    const stream = () => {
      cluster.submit(0, next, tasks(600, { type: 8 }));
      next += 600;
    };
    stream();
    const rare = next;
    cluster.submit(0, rare, tasks(10, { type: 12 }));
    next += 10;
    for (let i = 0; i < 20; i++) {
      stream();
      cluster.schedule();
      finish(cluster, ...idsAt(cluster, 0));
    }
    for (let id = rare; id < rare + 10; id++) expect(cluster.finished.has(`0/${id}`)).toBe(true);
  });
});
