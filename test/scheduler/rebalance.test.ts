/** Work that is taken from workers that can't start it soon, by those that can. */
import { describe, expect, test } from "vitest";
import { DEFAULT_NETWORK } from "../../src/scheduler/index.js";
import { FakeCluster, type TestRequest, type TestTask } from "../server-core/fake-cluster.js";
import {
  clusterOf,
  counts,
  finish,
  idsAt,
  LARGE,
  requestOf,
  schedulerOf,
  tasks,
  workerOf,
} from "./scheduling.js";

const user = (input: number, more: Partial<TestTask> = {}): TestTask => ({
  inputs: [input],
  result: true,
  cpus: 1,
  ...more,
});
const retractedFrom = (cluster: FakeCluster, worker: number): number[] =>
  [...cluster.workers.get(worker)!.retracting].map((row) => cluster.core.taskIdOf(row));

/** Passes; workers give back what they are asked for. */
function passes(cluster: FakeCluster, count: number): void {
  for (let i = 0; i < count; i++) {
    cluster.schedule();
    for (const at of cluster.workers.values()) {
      for (const row of at.retracting) cluster.giveBack(at.index, row);
    }
  }
}

/** A worker with an object of 50 MB (task 0) and tasks of 200 ms that need it queueing for it; an idle one. */
function withQueue(bytesPerMs: number, queued: number): FakeCluster {
  const cluster = clusterOf([1, 1], LARGE);
  cluster.durationUs = 50_000;
  cluster.submit(0, 0, tasks(1, { cpus: 1 }));
  cluster.runAll();
  cluster.core.setNetwork({ ...DEFAULT_NETWORK, bytesPerMs });
  cluster.submit(
    0,
    1,
    Array.from({ length: queued }, () => user(0)),
  );
  cluster.schedule();
  return cluster;
}

/** A worker with tasks 1, 2 and 3 of 5 ms, the first of which has started; one that has just joined. */
function withThreeSent(): FakeCluster {
  const cluster = clusterOf([1]);
  cluster.durationUs = 5000;
  cluster.submit(0, 0, tasks(1, { cpus: 1 }));
  cluster.runAll();
  cluster.submit(0, 1, tasks(3, { cpus: 1 }));
  cluster.schedule();
  expect(idsAt(cluster, 0)).toEqual([1, 2, 3]);
  cluster.start(0, cluster.row(0, 1));
  cluster.join(1);
  return cluster;
}

type Joining = [cpus: number, resources?: Record<string, readonly string[]>];

/** Of two tasks, both sent to the first worker, the one that waits goes to the second, and gets its GPU. */
function expectSecondMovesForGpu(request: TestRequest, first: Joining, second: Joining): void {
  const cluster = clusterOf([]);
  cluster.join(...first);
  cluster.submit(0, 0, tasks(2, { request }));
  cluster.schedule();
  expect(counts(cluster)).toEqual([2]);
  cluster.start(0, cluster.row(0, 0));
  cluster.join(...second);
  passes(cluster, 5);
  expect([workerOf(cluster, 0), workerOf(cluster, 1)]).toEqual([0, 1]);
  expect(requestOf(cluster, 1)).toBe("1 cpus, 1 gpus");
}

describe("what queues at the server for a worker", () => {
  test("goes to an idle one when that is sooner", () => {
    // 260 ms to fetch: not worth it for what waits 250 ms, but for those behind.
    const cluster = withQueue(LARGE / 260, 5);
    expect(counts(cluster)).toEqual([2, 0]);
    expect(schedulerOf(cluster).workers[0]!.localHeavy.length).toBe(3);
    cluster.submit(0, 6, [user(0), user(0), user(0)]);
    cluster.schedule();
    expect(counts(cluster)).toEqual([2, 2]);
    cluster.runAll();
    expect(cluster.finished.size).toBe(9);
  });

  test("goes to an idle one when fetching the data has become faster than waiting", () => {
    const cluster = withQueue(50, 6);
    expect(counts(cluster)).toEqual([2, 0]);
    expect(schedulerOf(cluster).workers[0]!.localHeavy.length).toBe(4);
    cluster.core.setNetwork(DEFAULT_NETWORK);
    cluster.schedule();
    expect(counts(cluster)[1]).toBeGreaterThan(0);
  });

  test("stays when fetching the data takes longer", () => {
    const cluster = withQueue(50, 6);
    expect(counts(cluster)).toEqual([2, 0]);
    passes(cluster, 20);
    expect(counts(cluster)).toEqual([2, 0]);
    expect(schedulerOf(cluster).workers[0]!.localHeavy.length).toBe(4);
  });
});

describe("what was sent to a worker", () => {
  test("and has not started goes to one that idles; what has started stays", () => {
    const cluster = clusterOf([2]);
    cluster.submit(0, 0, tasks(4, { cpus: 1 }));
    cluster.schedule();
    expect(idsAt(cluster, 0)).toEqual([0, 1, 2, 3]);
    // The last ones have started, however that came.
    cluster.start(0, cluster.row(0, 3));
    cluster.start(0, cluster.row(0, 2));
    cluster.join(4);
    passes(cluster, 10);
    expect(idsAt(cluster, 0)).toEqual([2, 3]);
    expect(idsAt(cluster, 1).sort()).toEqual([0, 1]);
  });

  test("is taken back one after the other, the last ones first", () => {
    const cluster = withThreeSent();
    for (let i = 0; i < 5; i++) cluster.schedule();
    expect(retractedFrom(cluster, 0)).toEqual([3, 2]);
  });

  test("is asked for once, and one that started meanwhile ends where it is", () => {
    const cluster = clusterOf([1]);
    cluster.submit(0, 0, tasks(2, { cpus: 1 }));
    cluster.schedule();
    cluster.record = [];
    cluster.start(0, cluster.row(0, 0));
    cluster.join(1);
    cluster.nowMs += 10;
    for (let i = 0; i < 5; i++) cluster.schedule();
    const row = cluster.row(0, 1);
    expect(cluster.record).toEqual([`retract ${row} from 0`]);
    // The worker had begun it before it was asked: it does not answer.
    cluster.workers.get(0)!.retracting.clear();
    cluster.start(0, row);
    finish(cluster, 0, 1);
    for (let i = 0; i < 5; i++) cluster.schedule();
    expect(cluster.finished.size).toBe(2);
    expect(cluster.record).toEqual([`retract ${row} from 0`]);
    // Its cores are not taken for such that are being given back.
    cluster.submit(0, 2, tasks(8, { cpus: 1 }));
    cluster.runAll();
    expect(schedulerOf(cluster).alive.map((load) => load.cpusRetracting)).toEqual([0, 0]);
  });

  test("and could not be given back, as it had started, is no reason to leave another one", () => {
    const cluster = withThreeSent();
    cluster.schedule();
    expect(retractedFrom(cluster, 0)).toEqual([3]);
    // The worker has begun it before it was asked: it does not answer, and it takes long.
    cluster.workers.get(0)!.retracting.clear();
    cluster.start(0, cluster.row(0, 3));
    finish(cluster, 1);
    passes(cluster, 20);
    expect([workerOf(cluster, 2), workerOf(cluster, 3)]).toEqual([1, 0]);
    expect(schedulerOf(cluster).alive.map((load) => load.cpusRetracting)).toEqual([0, 0]);
  });

  test("and is being given back may be lost with its worker, or not be wanted any more", () => {
    const cluster = clusterOf([1]);
    cluster.submit(0, 0, tasks(2, { cpus: 1 }));
    cluster.schedule();
    cluster.start(0, cluster.row(0, 0));
    cluster.join(1);
    cluster.nowMs += 10;
    cluster.schedule();
    expect(retractedFrom(cluster, 0)).toEqual([1]);
    cluster.release(0, 1);
    expect(schedulerOf(cluster).workers[0]!.cpusRetracting).toBe(0);
    cluster.submit(0, 2, tasks(3, { cpus: 1 }));
    cluster.schedule();
    cluster.kill(0);
    cluster.runAll();
    expect(cluster.finished.size).toBe(4);
  });

  test("stays if it takes less than a round trip is worth", () => {
    const cluster = clusterOf([1]);
    cluster.durationUs = 500;
    cluster.submit(0, 0, tasks(1, { cpus: 1 }));
    cluster.runAll();
    cluster.submit(0, 1, tasks(10, { cpus: 1 }));
    cluster.schedule();
    cluster.join(1);
    cluster.schedule();
    expect(retractedFrom(cluster, 0)).toEqual([]);
  });

  test("stays when fetching its data takes longer than the wait", () => {
    const cluster = withQueue(50, 2);
    expect(counts(cluster)).toEqual([2, 0]);
    cluster.start(0, cluster.row(0, 1));
    for (let i = 0; i < 20; i++) cluster.schedule();
    expect(retractedFrom(cluster, 0)).toEqual([]);
  });

  test("goes as well when it is not for cores that it waits", () => {
    const request: TestRequest = { cpus: 1, amounts: { gpus: 1 } };
    const worker: Joining = [16, { gpus: ["0"] }];
    expectSecondMovesForGpu(request, worker, worker);
  });

  test("goes to a worker with something that its own one does not have at all", () => {
    const request: TestRequest = { cpus: 1, amounts: { gpus: 1 }, or: [{ cpus: 4 }] };
    expectSecondMovesForGpu(request, [4], [1, { gpus: ["0"] }]);
  });

  test("and comes back to where it was stays there for a while", () => {
    const cluster = withThreeSent();
    const row = cluster.row(0, 3);
    cluster.record = [];
    cluster.schedule();
    expect(retractedFrom(cluster, 0)).toEqual([3]);
    // Meanwhile the other worker has got enough to do; then it idles again.
    cluster.submit(0, 4, tasks(2, { cpus: 1, priority: 1 }));
    cluster.schedule();
    cluster.giveBack(0, row);
    cluster.schedule();
    const first = workerOf(cluster, 3);
    cluster.nowMs += 20;
    for (const id of idsAt(cluster, 1)) finish(cluster, id);
    passes(cluster, 10);
    expect(cluster.record.filter((line) => line.startsWith(`retract ${row} `))).toHaveLength(1);
    cluster.runAll();
    expect([first, cluster.finished.size]).toEqual([first, 6]);
  });

  test("is not taken twice as fast as it is wanted", () => {
    const cluster = clusterOf([4]);
    cluster.submit(0, 0, tasks(8, { cpus: 1 }));
    cluster.schedule();
    for (const id of [0, 1, 2, 3]) cluster.start(0, cluster.row(0, id));
    cluster.join(2);
    cluster.schedule();
    expect(retractedFrom(cluster, 0)).toHaveLength(2);
  });
});

/**
 * Workers 0 and 1 with one core each; task 0 of worker 0 has made an object of 50 MB. One user of it runs there, the
 * other one was sent to worker 1 and waits for the object, which should take 50 ms.
 */
function withTransfer(more: Partial<TestTask> = {}): FakeCluster {
  const cluster = clusterOf([1, 1], LARGE);
  cluster.durationUs = 200_000;
  cluster.submit(0, 0, tasks(1, { cpus: 1 }));
  cluster.runAll();
  cluster.submit(0, 1, [user(0), user(0, more)]);
  cluster.schedule();
  expect([workerOf(cluster, 1), workerOf(cluster, 2)]).toEqual([0, 1]);
  cluster.start(0, cluster.row(0, 1));
  return cluster;
}

describe("what waits at a worker for data", () => {
  test("stays while nobody else could start it", () => {
    const cluster = withTransfer();
    for (let i = 0; i < 20; i++) {
      cluster.nowMs += 1000;
      passes(cluster, 1);
    }
    expect(workerOf(cluster, 2)).toBe(1);
  });

  test("goes to the worker that has it when that one idles", () => {
    const cluster = withTransfer();
    finish(cluster, 1);
    passes(cluster, 2);
    expect(counts(cluster)).toEqual([1, 0]);
    expect(schedulerOf(cluster).alive.map((load) => load.cpusRetracting)).toEqual([0, 0]);
    expect(schedulerOf(cluster).alive.map((load) => load.incomingBytes)).toEqual([0, 0]);
  });

  test("stays if the data should be there in a moment, and goes if it is late", () => {
    const cluster = withTransfer();
    cluster.nowMs += 44;
    finish(cluster, 1);
    passes(cluster, 10);
    expect(workerOf(cluster, 2)).toBe(1);
    cluster.nowMs += 40;
    passes(cluster, 2);
    expect(workerOf(cluster, 2)).toBe(0);
  });

  test("stays if it has started", () => {
    const cluster = withTransfer();
    cluster.start(1, cluster.row(0, 2));
    finish(cluster, 1);
    cluster.nowMs += 1000;
    passes(cluster, 3);
    expect(workerOf(cluster, 2)).toBe(1);
  });

  test("is not sent back where it has waited, though the worker that took it over has enough to do now", () => {
    const cluster = withTransfer();
    cluster.nowMs += 10_000;
    finish(cluster, 1);
    cluster.schedule();
    expect(retractedFrom(cluster, 1)).toEqual([2]);
    // Before it is given back the other worker has got something more urgent.
    cluster.submit(0, 3, [user(0, { priority: 1 })]);
    cluster.schedule();
    expect(workerOf(cluster, 3)).toBe(0);
    passes(cluster, 5);
    // The object needs longer than 10 s, and in 200 ms there is a core where it is.
    expect(counts(cluster)[1]).toBe(0);
    cluster.runAll();
    expect(workerOf(cluster, 2)).toBe(0);
  });

  test("is taken back as fast as it can be started", () => {
    const cluster = clusterOf([2, 4], LARGE);
    cluster.durationUs = 200_000;
    cluster.submit(0, 0, tasks(1, { cpus: 1 }));
    cluster.runAll();
    const at = workerOf(cluster, 0);
    cluster.submit(
      0,
      1,
      Array.from({ length: 6 }, () => user(0)),
    );
    cluster.schedule();
    const there = idsAt(cluster, at);
    const other = 1 - at;
    const waiting = counts(cluster)[other];
    const cores = [2, 4][at];
    expect([there.length, waiting]).toEqual([cores, 6 - cores]);
    finish(cluster, ...there);
    for (let i = 0; i < 5; i++) cluster.schedule();
    expect(retractedFrom(cluster, other)).toHaveLength(Math.min(cores, waiting));
  });

  test("goes to one that has most of it, not to one that would have to fetch as much", () => {
    const at = (lastBytes: number): number => {
      const cluster = new FakeCluster(5, (row) => (row === 1 ? lastBytes : LARGE));
      cluster.client(0);
      for (let i = 0; i < 2; i++) cluster.join(1);
      cluster.durationUs = 200_000;
      cluster.submit(0, 0, tasks(2, { cpus: 1 }));
      cluster.runAll();
      expect([workerOf(cluster, 0), workerOf(cluster, 1)]).toEqual([0, 1]);
      // Both workers have something to do; what needs both objects goes to the third, and has to fetch them.
      cluster.submit(0, 2, [user(0), user(1)]);
      cluster.schedule();
      cluster.join(1);
      cluster.submit(0, 4, [{ ...user(0), inputs: [0, 1] }]);
      cluster.schedule();
      expect(workerOf(cluster, 4)).toBe(2);
      finish(cluster, 2);
      passes(cluster, 3);
      return workerOf(cluster, 4);
    };
    expect(at(2 * LARGE)).toBe(2);
    expect(at(LARGE / 5)).toBe(0);
  });
});

describe("a worker that has become slow", () => {
  test("loses its queue, though moving the data takes a while", () => {
    // 2.5 s to fetch, for tasks of 50 ms.
    const cluster = withQueue(20_000, 6);
    expect(counts(cluster)).toEqual([2, 0]);
    cluster.start(0, cluster.row(0, 1));
    passes(cluster, 100);
    expect(counts(cluster)).toEqual([2, 0]);
    // Nothing has ended there for long.
    cluster.nowMs += 10_000;
    passes(cluster, 5);
    expect(counts(cluster)[1]).toBeGreaterThan(0);
    expect(workerOf(cluster, 1)).toBe(0);
  });

  test("is known by what its tasks take: others are sent less to it", () => {
    const cluster = clusterOf([1, 1]);
    cluster.durationUs = 20_000;
    cluster.submit(0, 0, tasks(20, { cpus: 1 }));
    cluster.runAll();
    cluster.submit(0, 20, tasks(60, { cpus: 1 }));
    for (let i = 0; i < 15; i++) {
      cluster.schedule();
      for (const worker of [0, 1]) {
        const row = cluster.runnable(worker)[0];
        if (row === undefined) continue;
        cluster.durationUs = worker === 0 ? 200_000 : 20_000;
        cluster.finish(worker, row);
      }
    }
    const [slow, usual] = schedulerOf(cluster).alive.map((load) => load.slowness);
    expect(slow).toBeGreaterThan(2 * usual);
    cluster.submit(0, 80, tasks(4, { cpus: 1, priority: 1 }));
  });
});
