/** Tasks that would fill a worker's memory wait; those that free it run; nobody waits for ever. */
import { describe, expect, test } from "vitest";
import type { FakeCluster, TestTask } from "../server-core/fake-cluster.js";
import { clusterOf, counts, finish, idsAt, LARGE, tasks, workerOf } from "./scheduling.js";
import { VirtualWorkers } from "./virtual-workers.js";

/** Objects may take 70 % of it: 14 results of 50 MB. */
const MEM = 1e9;

/** Workers with much of everything but memory; results have 50 MB. */
function withMemory(workers: number, mem = MEM, cpus = 64): FakeCluster {
  const cluster = clusterOf([], LARGE);
  for (let i = 0; i < workers; i++) cluster.join(cpus, { mem });
  return cluster;
}

/** What the worker holds is what it reports. */
function report(cluster: FakeCluster): void {
  for (const { index, objects } of cluster.workers.values()) {
    let bytes = 0;
    for (const row of objects.keys()) bytes += cluster.sizeOf(row);
    cluster.memory(index, bytes);
  }
}

const root = (more: Partial<TestTask> = {}): TestTask => ({
  inputs: [],
  cpus: 1,
  result: true,
  ...more,
});

describe.each([
  ["with a request", { cpus: 1 }],
  ["light", { cpus: 0 }],
])("roots that are %s", (_name, more) => {
  test("begin as many as there is memory for, by what was measured of their class", () => {
    const cluster = withMemory(1);
    cluster.submit(0, 0, tasks(1, more));
    cluster.runAll();
    report(cluster);
    cluster.submit(0, 1, tasks(100, more));
    for (let i = 0; i < 3; i++) cluster.schedule();
    expect(counts(cluster)).toEqual([13]);
    // What has finished is there as long as somebody holds it.
    finish(cluster, 1, 2);
    report(cluster);
    for (let i = 0; i < 3; i++) cluster.schedule();
    expect(counts(cluster)).toEqual([11]);
    cluster.release(0, 0);
    cluster.release(0, 1);
    report(cluster);
    for (let i = 0; i < 3; i++) cluster.schedule();
    expect(counts(cluster)).toEqual([13]);
  });

  test("begin by declared sizes, whatever was measured", () => {
    const cluster = withMemory(1);
    const declared = { ...more, expectedBytes: 300e6 };
    cluster.submit(0, 0, tasks(1, declared));
    cluster.runAll();
    cluster.submit(0, 1, tasks(10, declared));
    for (let i = 0; i < 3; i++) cluster.schedule();
    expect(counts(cluster)).toEqual([2]);
  });

  test("all begin where results are in files", () => {
    const cluster = withMemory(1);
    cluster.inFiles = true;
    cluster.submit(0, 0, tasks(1, more));
    cluster.runAll();
    cluster.submit(0, 1, tasks(60, more));
    cluster.schedule();
    expect(counts(cluster)).toEqual([60]);
  });

  test("go to workers that have memory left", () => {
    const cluster = withMemory(2);
    cluster.submit(0, 0, tasks(1, more));
    cluster.runAll();
    const full = workerOf(cluster, 0);
    cluster.submit(0, 1, [{ inputs: [0], result: true, cpus: 1 }]);
    cluster.schedule();
    cluster.memory(workerOf(cluster, 1), 0);
    cluster.memory(full, 0.69 * MEM);
    const before = counts(cluster)[full];
    cluster.submit(0, 2, tasks(20, more));
    for (let i = 0; i < 3; i++) cluster.schedule();
    expect(counts(cluster)[full]).toBe(Math.max(1, before));
    expect(counts(cluster)[1 - full]).toBe(14);
  });

  test("go to workers that have room for them, not to that with least to do", () => {
    const cluster = withMemory(3);
    const large = { ...more, expectedBytes: 200e6 };
    cluster.submit(0, 0, [...tasks(1, { cpus: 1 }), ...tasks(2, { cpus: 2 })]);
    cluster.schedule();
    expect([0, 1, 2].map((id) => workerOf(cluster, id)).sort()).toEqual([0, 1, 2]);
    const least = workerOf(cluster, 0);
    cluster.memory(least, 0.6 * MEM);
    cluster.submit(0, 3, tasks(20, large));
    for (let i = 0; i < 3; i++) cluster.schedule();
    const expected = [4, 4, 4];
    expected[least] = 1;
    expect(counts(cluster)).toEqual(expected);
  });

  test("begin one by one where there is no memory at all, as long as nothing else runs", () => {
    const cluster = withMemory(1);
    cluster.submit(0, 0, tasks(1, more));
    cluster.runAll();
    cluster.memory(0, 5 * MEM);
    cluster.submit(0, 1, tasks(10, more));
    for (let id = 1; id <= 10; id++) {
      for (let i = 0; i < 3; i++) cluster.schedule();
      expect(idsAt(cluster, 0)).toEqual([id]);
      finish(cluster, id);
    }
  });
});

describe("where memory is full", () => {
  /** A worker with 14 large objects (0 to 13), which runs a task (14) that uses the first. */
  function fullWorker(): FakeCluster {
    const cluster = withMemory(1);
    cluster.submit(0, 0, tasks(14, { cpus: 1, label: "root" }));
    cluster.runAll();
    report(cluster);
    cluster.submit(0, 14, [{ inputs: [0], cpus: 1, result: true, label: "user" }]);
    cluster.schedule();
    expect(counts(cluster)).toEqual([1]);
    return cluster;
  }

  test("tasks with small results run, and those that free more than they take", () => {
    const cluster = fullWorker();
    cluster.submit(0, 15, [
      root({ label: "root" }),
      root({ label: "root" }),
      root({ expectedBytes: 10 }),
      // Two large ones for one, and one for three.
      root({ inputs: [0, 1], expectedBytes: LARGE }),
      root({ inputs: [1], expectedBytes: 3 * LARGE }),
    ]);
    for (let i = 0; i < 3; i++) cluster.schedule();
    expect(idsAt(cluster, 0)).toEqual([14, 17, 18]);
  });

  test("what frees memory is found behind any number of roots", () => {
    const cluster = fullWorker();
    cluster.checked = false;
    const many = 3000;
    cluster.submit(0, 15, tasks(many, { cpus: 1, priority: 3, expectedBytes: LARGE }));
    cluster.schedule();
    cluster.submit(0, 15 + many, [
      ...tasks(1, { cpus: 1, label: "root" }),
      { inputs: [2, 3], cpus: 1, label: "free", expectedBytes: 10, result: true },
    ]);
    for (let i = 0; i < 20; i++) cluster.schedule();
    expect(idsAt(cluster, 0)).toEqual([14, 16 + many]);
    // Roots go on in their order when there is memory again.
    for (let id = 0; id < 14; id++) cluster.release(0, id);
    finish(cluster, 14, 16 + many);
    cluster.release(0, 14);
    report(cluster);
    for (let i = 0; i < 3; i++) cluster.schedule();
    expect(idsAt(cluster, 0)).toEqual(Array.from({ length: 13 }, (_, i) => 15 + i));
  });

  test("all go on where there is memory again, however many they are", () => {
    const cluster = fullWorker();
    cluster.checked = false;
    const many = 3000;
    cluster.submit(0, 15, tasks(many, { cpus: 1, expectedBytes: LARGE }));
    for (let i = 0; i < 20; i++) cluster.schedule();
    expect(counts(cluster)).toEqual([1]);
    cluster.join(60_000, { mem: 1e15 });
    for (let i = 0; i < 20; i++) cluster.schedule();
    expect(counts(cluster)).toEqual([1, many]);
  });

  test("one that is too large for any worker does not hold up others", () => {
    const cluster = fullWorker();
    cluster.submit(0, 15, [
      root({ priority: 5, expectedBytes: 100 * MEM }),
      root({ priority: 4, expectedBytes: LARGE }),
      root({ priority: 4, expectedBytes: LARGE }),
    ]);
    cluster.schedule();
    expect(idsAt(cluster, 0)).toEqual([14]);
    for (const id of [1, 2, 3]) cluster.release(0, id);
    report(cluster);
    for (let i = 0; i < 3; i++) cluster.schedule();
    expect(idsAt(cluster, 0)).toEqual([14, 16, 17]);
    finish(cluster, 14, 16, 17);
    for (let i = 0; i < 3; i++) cluster.schedule();
    // Alone it may try.
    expect(idsAt(cluster, 0)).toEqual([15]);
  });

  test("what another worker queues does not come, unless it frees memory", () => {
    const cluster = fullWorker();
    cluster.join(1, { mem: 100 * MEM });
    cluster.submit(0, 15, [root({ label: "root" }), root({ label: "root" })]);
    cluster.schedule();
    const taker = workerOf(cluster, 15);
    expect(taker).toBe(1);
    cluster.start(1, cluster.row(0, 15));
    cluster.nowMs += 100;
    for (let i = 0; i < 5; i++) cluster.schedule();
    expect([...cluster.workers.get(1)!.retracting]).toEqual([]);
    expect(counts(cluster)).toEqual([1, 2]);
  });
});

describe("plans larger than memory", () => {
  test.each([
    ["one after the other", undefined],
    ["planned ahead", 100],
  ])("end, and do not take much more of it than there is: %s", (_name, expectedMs) => {
    // Pairs of roots, each with a task that needs both and makes something small.
    const cluster = withMemory(2, MEM, 32);
    cluster.durationUs = 100_000;
    const pairs = 150;
    const plan: TestTask[] = [];
    for (let i = 0; i < pairs; i++) {
      const id = 3 * i;
      plan.push({ inputs: [], cpus: 1, label: "root", expectedBytes: LARGE, expectedMs });
      plan.push({ inputs: [], cpus: 1, label: "root", expectedBytes: LARGE, expectedMs });
      plan.push({
        inputs: [id, id + 1],
        cpus: 1,
        label: "pair",
        expectedBytes: 1,
        result: true,
        expectedMs,
      });
    }
    const small = new Set<number>();
    Object.defineProperty(cluster, "sizeOf", {
      value: (row: number) => (small.has(row) ? 1 : LARGE),
    });
    cluster.submit(0, 0, plan);
    for (let i = 0; i < pairs; i++) small.add(cluster.row(0, 3 * i + 2));
    let most = 0;
    const workers = new VirtualWorkers(
      cluster,
      () => 100,
      () => ({ cpus: 32 }),
    );
    for (let pass = 0; pass < 20_000 && cluster.finished.size < pairs; pass++) {
      workers.tick();
      report(cluster);
      for (const { objects } of cluster.workers.values()) {
        const large = [...objects.keys()].filter((row) => !small.has(row));
        most = Math.max(most, large.length * LARGE);
      }
    }
    expect(cluster.finished.size).toBe(pairs);
    expect(most).toBeLessThan(MEM);
  });
});
