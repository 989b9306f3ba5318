/** Requests: amounts, variants, fractions, particular ones, types; who waits and who does not. */
import { describe, expect, test } from "vitest";
import { DEFAULT_NETWORK } from "../../src/scheduler/index.js";
import type { TestRequest } from "../server-core/fake-cluster.js";
import {
  clusterOf,
  counts,
  finish,
  idsAt,
  LARGE,
  requestOf,
  tasks,
  workerOf,
} from "./scheduling.js";
import { VirtualWorkers } from "./virtual-workers.js";

const gpu = (amount: number, cpus = 1): TestRequest => ({ cpus, amounts: { gpus: amount } });

describe("amounts", () => {
  test("of each kind are asked for twice at most: what runs, and what queues", () => {
    const cluster = clusterOf([]);
    cluster.join(16, { gpus: ["0", "1"], licences: 5 });
    cluster.submit(0, 0, tasks(20, { request: gpu(1) }));
    cluster.schedule();
    expect(counts(cluster)).toEqual([4]);
    cluster.submit(0, 20, tasks(20, { request: { amounts: { licences: 2.5 } } }));
    cluster.schedule();
    expect(counts(cluster)).toEqual([4 + 4]);
  });

  test("that are fractions add up to what is there", () => {
    const cluster = clusterOf([]);
    cluster.join(64, { gpus: ["0", "1"] });
    cluster.submit(0, 0, tasks(100, { request: gpu(0.1) }));
    cluster.schedule();
    // 20 that run and 20 that queue, though 0.1 + 0.1 + ... is not quite what it should be.
    expect(counts(cluster)).toEqual([40]);
  });

  test("are free again when tasks end, fail, are cancelled or lost", () => {
    const cluster = clusterOf([]);
    cluster.join(4, { gpus: ["0"] });
    for (let round = 0; round < 5; round++) {
      const first = 10 * round;
      cluster.submit(0, first, tasks(6, { request: gpu(0.3) }));
      cluster.schedule();
      expect(counts(cluster)).toEqual([6]);
      finish(cluster, first);
      cluster.fail(0, cluster.row(0, first + 1));
      cluster.giveBack(0, cluster.row(0, first + 2));
      for (let id = first; id < first + 6; id++) cluster.release(0, id);
      cluster.submit(0, first + 6, tasks(4));
      cluster.runAll();
    }
    cluster.submit(0, 50, tasks(10, { request: gpu(0.5) }));
    cluster.schedule();
    expect(counts(cluster)).toEqual([4]);
  });

  test("without cores are not kept from starting by cores that are asked for twice", () => {
    const cluster = clusterOf([]);
    cluster.join(2, { licences: 2 });
    cluster.submit(0, 0, tasks(1, { cpus: 1 }));
    cluster.runAll();
    cluster.submit(0, 1, tasks(100, { cpus: 1 }));
    cluster.schedule();
    // They take a millisecond.
    expect(counts(cluster)).toEqual([22]);
    cluster.submit(0, 101, tasks(9, { request: { amounts: { licences: 1 } } }));
    cluster.schedule();
    // Two that run, and two that queue.
    expect(idsAt(cluster, 0).slice(22)).toEqual([101, 102, 103, 104]);
  });

  test("go where they are free, though that worker is the more loaded one otherwise", () => {
    const cluster = clusterOf([]);
    cluster.join(8, { gpus: ["0"] });
    cluster.join(16, { gpus: ["0"] });
    cluster.submit(0, 0, [
      ...tasks(1, { cpus: 1, priority: 9 }),
      ...tasks(1, { cpus: 9, priority: 8 }),
    ]);
    cluster.schedule();
    expect([workerOf(cluster, 0), workerOf(cluster, 1)]).toEqual([0, 1]);
    // 7 of 8 cores are free at worker 0, and 7 of 16 at worker 1.
    cluster.submit(0, 2, tasks(1, { cpus: 1, priority: 9 }));
    cluster.schedule();
    expect(workerOf(cluster, 2)).toBe(0);
    cluster.submit(0, 3, tasks(1, { request: gpu(1, 7) }));
    cluster.schedule();
    expect(workerOf(cluster, 3)).toBe(1);
  });
});

describe("variants", () => {
  const preferGpu: TestRequest = { ...gpu(1, 2), or: [{ cpus: 8 }] };

  test("are taken in order of preference; the second when the first is taken", () => {
    const cluster = clusterOf([]);
    cluster.join(16, { gpus: ["0"] });
    cluster.submit(0, 0, tasks(2, { request: preferGpu }));
    cluster.schedule();
    expect([requestOf(cluster, 0), requestOf(cluster, 1)]).toEqual(["2 cpus, 1 gpus", "8 cpus"]);
  });

  test("a worker that has the preferred one comes before others", () => {
    const cluster = clusterOf([16, 16]);
    cluster.join(16, { gpus: ["0", "1"] });
    cluster.submit(0, 0, tasks(3, { request: preferGpu }));
    cluster.schedule();
    expect([0, 1, 2].map((id) => requestOf(cluster, id))).toEqual([
      "2 cpus, 1 gpus",
      "2 cpus, 1 gpus",
      "8 cpus",
    ]);
    expect([0, 1, 2].map((id) => workerOf(cluster, id))).toEqual([2, 2, 0]);
  });

  test("what was asked for with the variant is what is given back", () => {
    const cluster = clusterOf([]);
    cluster.join(8, { gpus: ["0"] });
    for (let id = 0; id < 20; id += 2) {
      cluster.submit(0, id, tasks(2, { request: preferGpu }));
      cluster.runAll();
    }
    expect(cluster.core.loadOf(0)).toEqual({ light: 0, heavy: 0 });
    cluster.submit(0, 20, tasks(1, { request: preferGpu }));
    cluster.schedule();
    expect(requestOf(cluster, 20)).toBe("2 cpus, 1 gpus");
  });

  test("a task that is taken back may get another one", () => {
    const cluster = clusterOf([]);
    cluster.join(10, { gpus: ["0"] });
    cluster.submit(0, 0, tasks(2, { request: preferGpu }));
    cluster.schedule();
    expect(requestOf(cluster, 1)).toBe("8 cpus");
    cluster.join(2, { gpus: ["0"] });
    cluster.giveBack(0, cluster.row(0, 1));
    cluster.schedule();
    expect(requestOf(cluster, 1)).toBe("2 cpus, 1 gpus");
    expect(workerOf(cluster, 1)).toBe(1);
  });
});

describe("particular ones", () => {
  test("are looked for where they are", () => {
    const cluster = clusterOf([]);
    cluster.join(4, { gpus: ["0", "1"] });
    cluster.join(4, { gpus: ["2", "3"] });
    const particular = (...gpus: string[]) =>
      tasks(1, { request: { cpus: 1, amounts: { gpus } } })[0];
    cluster.submit(0, 0, [particular("3"), particular("0", "1"), particular("1", "2")]);
    cluster.schedule();
    expect([workerOf(cluster, 0), workerOf(cluster, 1), workerOf(cluster, 2)]).toEqual([1, 0, -1]);
  });
});

describe("requests that nobody can satisfy", () => {
  test("wait, hold up nobody, and run when a worker joins that can", () => {
    const cluster = clusterOf([4]);
    cluster.submit(0, 0, [
      ...tasks(3, { request: gpu(2), priority: 50 }),
      ...tasks(3, { cpus: 8, priority: 50 }),
      ...tasks(2, { cpus: 1 }),
    ]);
    cluster.runAll();
    expect(cluster.finished.size).toBe(2);
    cluster.join(4, { gpus: ["0"] });
    cluster.runAll();
    expect(cluster.finished.size).toBe(2);
    cluster.join(1, { gpus: ["0", "1"] });
    cluster.runAll();
    expect(cluster.finished.size).toBe(5);
    cluster.join(8);
    cluster.runAll();
    expect(cluster.finished.size).toBe(8);
  });

  test("go back to waiting when the only worker that could leaves", () => {
    const cluster = clusterOf([4]);
    const able = cluster.join(4, { gpus: ["0"] });
    cluster.submit(0, 0, tasks(3, { request: gpu(1) }));
    cluster.schedule();
    cluster.kill(able);
    cluster.schedule();
    expect(counts(cluster)).toEqual([0]);
    cluster.join(4, { gpus: ["0"] });
    cluster.runAll();
    expect(cluster.finished.size).toBe(3);
  });

  test("a type and a resource must be at one worker", () => {
    const cluster = clusterOf([]);
    cluster.join(4, { gpus: ["0"] }, [5]);
    cluster.join(4, {}, [5, 12]);
    cluster.submit(0, 0, [
      ...tasks(1, { request: gpu(1), type: 12 }),
      ...tasks(1, { request: gpu(1) }),
      ...tasks(1, { cpus: 4, type: 12 }),
    ]);
    cluster.schedule();
    expect([0, 1, 2].map((id) => workerOf(cluster, id))).toEqual([-1, 0, 1]);
    const both = cluster.join(1, { gpus: ["0"] }, [12]);
    cluster.schedule();
    expect(workerOf(cluster, 0)).toBe(both);
  });
});

describe("one that does not fit holds up no other", () => {
  test("in the queue of the worker that has their data", () => {
    const cluster = clusterOf([4, 4], LARGE);
    // So slow that everybody waits for the worker with the data.
    cluster.core.setNetwork({ ...DEFAULT_NETWORK, bytesPerMs: 1000 });
    cluster.submit(0, 0, tasks(1, { cpus: 4 }));
    cluster.runAll();
    expect(workerOf(cluster, 0)).toBe(0);
    const users = (n: number, cpus: number, priority = 0) =>
      Array.from({ length: n }, () => ({ inputs: [0], result: true, cpus, priority }));
    cluster.submit(0, 1, [...users(1, 1, 9), ...users(2, 4, 5), ...users(6, 1)]);
    for (let i = 0; i < 3; i++) cluster.schedule();
    // The first one does not end for long: what wants all cores waits, three cores are free for small ones.
    expect(idsAt(cluster, 0)).toEqual([1, 2, 4, 5, 6]);
    cluster.start(0, cluster.row(0, 1));
    finish(cluster, 4, 5, 6);
    for (let i = 0; i < 3; i++) cluster.schedule();
    expect(idsAt(cluster, 0)).toEqual([1, 2, 7, 8, 9]);
    finish(cluster, 7, 8, 9, 1, 2);
    cluster.runAll();
    expect(cluster.finished.size).toBe(10);
  });

  test("in virtual time: nothing waits that could run", () => {
    const cluster = clusterOf([]);
    const totals = { cpus: 8, gpus: 2 };
    cluster.join(8, { gpus: ["0", "1"] });
    const needs = [gpu(2), gpu(0.5, 3), gpu(0.25), { cpus: 6 }, { cpus: 1 }];
    const plan = needs.flatMap((request) => tasks(12, { request }));
    cluster.submit(0, 0, plan);
    const workers = new VirtualWorkers(
      cluster,
      () => 200,
      () => totals,
    );
    workers.run(12_000, () => {
      expect(workers.used(0, "cpus")).toBeLessThanOrEqual(8);
      expect(workers.used(0, "gpus")).toBeLessThanOrEqual(2 + 1e-9);
    });
    expect(cluster.finished.size).toBe(60);
  });
});
