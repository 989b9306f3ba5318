/**
 * Plans made ahead for tasks of known times: when, and what becomes of other tasks meanwhile. How they
 * are followed is in guide-following.test.ts, what ends them in guide-ending.test.ts.
 */
import { describe, expect, test } from "vitest";
import { DEFAULT_NETWORK } from "../../src/scheduler/index.js";
import { guideOf, hardPlan, plannedFor, search, second } from "./planning-ahead.js";
import { clusterOf, counts, idsAt, LARGE, tasks, workerOf } from "./scheduling.js";
import { VirtualWorkers } from "./virtual-workers.js";

describe("a plan is made ahead", () => {
  test("for tasks of declared times: each is held back until then, and sent to its worker at once", () => {
    const cluster = clusterOf([1, 1]);
    cluster.submit(
      0,
      0,
      Array.from({ length: 10 }, () => second()),
    );
    expect(search(cluster)).toBeGreaterThanOrEqual(0);
    const planned = Array.from({ length: 10 }, (_, id) => plannedFor(cluster, id));
    expect(planned).not.toContain(undefined);
    expect(Array.from({ length: 10 }, (_, id) => workerOf(cluster, id))).toEqual(planned);
    expect(counts(cluster)).toEqual([5, 5]);
  });

  test("with as much effort as the time that it takes is worth, not only its work", () => {
    // 2 s of work on four workers; what is sent between them takes seconds more.
    const heldFor = (bytesPerMs: number): number => {
      const cluster = clusterOf([1, 1, 1, 1], LARGE);
      cluster.core.setNetwork({ ...DEFAULT_NETWORK, bytesPerMs });
      const plan = hardPlan(120).map((task, i) => ({
        ...task,
        expectedMs: 50 + (i % 40),
        expectedBytes: LARGE,
      }));
      cluster.submit(0, 0, plan);
      return search(cluster);
    };
    expect(heldFor(LARGE)).toBe(0);
    expect(heldFor(LARGE / 1000)).toBeGreaterThan(0);
  });

  test("for tasks of measured times, not for others", () => {
    const cluster = clusterOf([1, 1]);
    cluster.durationUs = 1_000_000;
    const labelled = (n: number) => tasks(n, { cpus: 1, label: "known:1" });
    cluster.submit(0, 0, labelled(10));
    cluster.schedule();
    expect(plannedFor(cluster, 0)).toBeUndefined();
    cluster.runAll();
    cluster.submit(0, 10, labelled(10));
    search(cluster);
    expect(plannedFor(cluster, 10)).toBeDefined();
    expect(counts(cluster)).toEqual([5, 5]);
    // One task of unknown time, and nothing more is planned.
    cluster.submit(0, 20, [...labelled(5), ...tasks(1, { cpus: 1, label: "new" })]);
    for (let i = 0; i < 50; i++) cluster.schedule();
    expect(plannedFor(cluster, 20)).toBeUndefined();
    cluster.runAll();
    expect(cluster.finished.size).toBe(26);
  });

  test.each([
    ["there is one worker only", [4], tasks(20, { cpus: 1, expectedMs: 1000 })],
    ["there is little work", [1, 1], tasks(9, { cpus: 1, expectedMs: 100 })],
    [
      "something else than cores is asked for",
      [1, 1],
      [
        ...tasks(10, { cpus: 1, expectedMs: 1000 }),
        ...tasks(1, { request: { cpus: 1, amounts: { gpus: 1 } }, expectedMs: 1000 }),
      ],
    ],
  ])("not where %s", (_name, cpus, plan) => {
    const cluster = clusterOf(cpus);
    cluster.submit(0, 0, plan);
    cluster.schedule();
    expect(guideOf(cluster).holdsBack).toBe(false);
    expect(plannedFor(cluster, 0)).toBeUndefined();
    expect(counts(cluster)[0]).toBeGreaterThan(0);
  });

  test("by which the long path goes first", () => {
    const cluster = clusterOf([1, 1]);
    // Ten tasks of a second; a chain of five. Anything but beginning with the chain takes longer.
    const chain = [10, 11, 12, 13, 14].map((id) => second(id === 10 ? [] : [id - 1]));
    cluster.submit(0, 0, [
      ...Array.from({ length: 5 }, () => second()),
      ...Array.from({ length: 5 }, () => second()),
      ...chain,
    ]);
    search(cluster);
    const workers = new VirtualWorkers(
      cluster,
      () => 1000,
      () => ({ cpus: 1 }),
    );
    workers.run(9000);
    expect(cluster.finished.size).toBe(15);
    const begun = [10, 11, 12, 13, 14].map((id) => workers.startedMs.get(id)!);
    expect(begun).toEqual([...begun].sort((a, b) => a - b));
    const last = Math.max(...workers.startedMs.values());
    expect(last).toBeLessThan(8000);
  });
});

describe("tasks that are not in the plan", () => {
  const planned = (n: number) => Array.from({ length: n }, () => second());

  test.each([
    ["of unknown times", { cpus: 1 }],
    ["that take long", { cpus: 1, expectedMs: 5000, priority: 9 }],
    ["of all cores", { cpus: 2 }],
    ["that ask for something else than cores", { request: { cpus: 1, amounts: { gpus: 1 } } }],
  ])(
    "do not wait for all of it: those %s are sent to workers of which it wants much",
    (_name, more) => {
      const cluster = clusterOf([]);
      for (let i = 0; i < 2; i++) cluster.join(2, { gpus: ["0"] });
      cluster.submit(0, 0, planned(200));
      search(cluster);
      expect(counts(cluster)).toEqual([100, 100]);
      // Of unknown time is what keeps the others from being planned, too.
      cluster.submit(0, 200, [
        { inputs: [], result: true, priority: 9, label: "urgent", ...more },
        ...tasks(1, { cpus: 1, label: "unknown", priority: -9 }),
      ]);
      for (let i = 0; i < 5; i++) cluster.schedule();
      const worker = workerOf(cluster, 200);
      expect(worker).toBeGreaterThanOrEqual(0);
      const { core } = cluster;
      const first = idsAt(cluster, worker).sort(
        (a, b) => core.priorityOf(cluster.row(0, b)) - core.priorityOf(cluster.row(0, a)),
      )[0];
      expect(first).toBe(200);
    },
  );

  test("are not sent without end", () => {
    const cluster = clusterOf([2, 2]);
    cluster.submit(0, 0, planned(200));
    search(cluster);
    cluster.submit(0, 200, tasks(100, { cpus: 1, label: "unknown", priority: 9 }));
    for (let i = 0; i < 5; i++) cluster.schedule();
    expect(counts(cluster)).toEqual([102, 102]);
    cluster.runAll();
    expect(cluster.finished.size).toBe(300);
    cluster.submit(0, 300, tasks(100, { cpus: 1, label: "unknown too" }));
    cluster.schedule();
    expect(counts(cluster)).toEqual([4, 4]);
  });
});
