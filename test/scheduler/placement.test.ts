/** Where tasks go: data, siblings, transfers under way, bandwidth; and what a decision looks at. */
import { afterEach, describe, expect, test, vi } from "vitest";
import { WorkerLoad } from "../../src/scheduler/index.js";
import { FakeCluster, type TestTask } from "../server-core/fake-cluster.js";
import {
  clusterOf,
  counts,
  finish,
  idsAt,
  LARGE,
  schedulerOf,
  tasks,
  workerOf,
} from "./scheduling.js";

const user = (...inputs: number[]): TestTask => ({ inputs, result: true, cpus: 1 });

/** Three workers; task 0 has finished at worker 0, which has its object of so many bytes. */
function withObject(sizeBytes: number, cpus = [4, 4, 4]): FakeCluster {
  const cluster = clusterOf(cpus, sizeBytes);
  cluster.durationUs = 200_000;
  cluster.submit(0, 0, tasks(1, { cpus: 1 }));
  cluster.runAll();
  expect(workerOf(cluster, 0)).toBe(0);
  return cluster;
}

describe("inputs", () => {
  test("that are large attract: their worker gets the tasks though it has more to do", () => {
    const cluster = withObject(LARGE);
    cluster.submit(0, 1, [user(0), user(0), user(0)]);
    cluster.schedule();
    expect([1, 2, 3].map((id) => workerOf(cluster, id))).toEqual([0, 0, 0]);
  });

  test("that are small do not", () => {
    const cluster = withObject(8);
    cluster.submit(0, 1, [user(0), user(0), user(0)]);
    cluster.schedule();
    expect([1, 2, 3].map((id) => workerOf(cluster, id))).toEqual([0, 1, 2]);
  });

  test("of some thousand bytes are no reason to wait for a core", () => {
    const cluster = withObject(10_000, [1, 1]);
    cluster.submit(0, 1, [user(0), user(0)]);
    cluster.schedule();
    expect([1, 2].map((id) => workerOf(cluster, id))).toEqual([0, 1]);
  });

  test("several: the worker that would have to fetch least", () => {
    const cluster = new FakeCluster(5, (row) => (row === 1 ? 3 * LARGE : LARGE));
    cluster.client(0);
    for (let i = 0; i < 3; i++) cluster.join(1);
    cluster.submit(0, 0, tasks(3, { cpus: 1 }));
    cluster.runAll();
    cluster.submit(0, 3, [user(0, 1, 2)]);
    cluster.schedule();
    expect(workerOf(cluster, 3)).toBe(workerOf(cluster, 1));
  });

  test("on their way to a worker have to be waited for: where they are late it is no place to start", () => {
    const cluster = clusterOf([], LARGE);
    cluster.join(1, { gpus: ["0"] });
    cluster.join(2);
    cluster.durationUs = 200_000;
    cluster.submit(0, 0, tasks(1, { request: { cpus: 1, amounts: { gpus: 1 } } }));
    cluster.runAll();
    cluster.submit(0, 1, [user(0)]);
    cluster.schedule();
    cluster.nowMs += 100;
    // The other worker has two cores: the next user waits there for the object, for 50 ms as it seems.
    cluster.submit(0, 2, [user(0)]);
    cluster.schedule();
    expect([1, 2].map((id) => workerOf(cluster, id))).toEqual([0, 1]);
    // Where the object is there is always something to do.
    cluster.submit(0, 3, tasks(1, { request: { cpus: 1, amounts: { gpus: 1 } } }));
    cluster.nowMs += 10_000;
    finish(cluster, 1);
    cluster.schedule();
    expect(workerOf(cluster, 3)).toBe(0);
    cluster.submit(0, 4, [user(0)]);
    cluster.schedule();
    expect(idsAt(cluster, 1)).toEqual([2]);
    expect(schedulerOf(cluster).workers[1]!.freeCpus).toBe(1);
  });

  test("on their way to a worker attract as if they were there", () => {
    const cluster = withObject(LARGE, [4]);
    cluster.submit(0, 1, [user(0), user(0), user(0), user(0)]);
    cluster.schedule();
    expect(counts(cluster)).toEqual([4]);
    // The object has to go to one of the others, and once is enough.
    for (let i = 0; i < 3; i++) cluster.join(4);
    cluster.submit(0, 5, [user(0), user(0), user(0)]);
    cluster.schedule();
    expect(counts(cluster)).toEqual([4, 3, 0, 0]);
  });

  test("whose way has ended without them do not attract", () => {
    const cluster = withObject(LARGE, [1, 1, 1]);
    const { transfers } = schedulerOf(cluster);
    const row = cluster.row(0, 0);
    cluster.submit(0, 1, [user(0), user(0), user(0)]);
    cluster.schedule();
    const away = [1, 2, 3].filter((id) => workerOf(cluster, id) > 0);
    const to = away.map((id) => workerOf(cluster, id));
    expect([...transfers.destinations(row)].sort()).toEqual([...new Set(to)].sort());
    // One is given back, one fails, each before its input has come.
    for (const id of away) cluster.giveBack(workerOf(cluster, id), cluster.row(0, id));
    expect([...transfers.destinations(row)]).toEqual([]);
    for (const load of schedulerOf(cluster).alive) expect(load.incomingBytes).toBe(0);
    cluster.runAll();
    for (const load of schedulerOf(cluster).alive) expect(load.incomingBytes).toBe(0);
  });

  test.each([
    ["fast, they move", 50, 1],
    ["slow, the task waits where they are", 5000, -1],
  ])("are moved or not by the measured bandwidth: %s", (_name, transferMs, place) => {
    const cluster = withObject(LARGE, [1, 1]);
    cluster.submit(0, 1, [user(0), user()]);
    cluster.schedule();
    expect(workerOf(cluster, 2)).toBe(1);
    finish(cluster, 1, 2);
    const other = cluster.row(0, 2);
    for (let i = 0; i < 50; i++) cluster.core.objectFetched(1, other, transferMs);
    // Worker 0 has work for 200 ms.
    cluster.submit(0, 3, [user(0)]);
    cluster.schedule();
    expect(workerOf(cluster, 3)).toBe(0);
    cluster.start(0, cluster.row(0, 3));
    cluster.submit(0, 4, [user(0)]);
    cluster.schedule();
    expect(workerOf(cluster, 4)).toBe(place);
    finish(cluster, 3);
    cluster.schedule();
    expect(workerOf(cluster, 4)).toBe(Math.max(0, place));
  });
});

describe("siblings", () => {
  test("go where a task with the same user went, if that worker has no more to do", () => {
    const cluster = clusterOf([1, 1, 1]);
    cluster.durationUs = 200_000;
    cluster.submit(0, 0, tasks(1, { cpus: 1 }));
    cluster.runAll();
    const root = (priority: number) => ({ ...user(), priority });
    cluster.submit(0, 1, [root(3), root(2), root(1), user(), user(2, 4)]);
    cluster.schedule();
    cluster.nowMs += 300;
    expect([1, 2, 3].map((id) => workerOf(cluster, id))).toEqual([0, 1, 2]);
    finish(cluster, 1, 3, 2);
    cluster.schedule();
    // Nobody has anything to do: the result of task 2, which that of task 4 will meet, is at worker 1.
    expect(workerOf(cluster, 4)).toBe(1);
  });
});

describe("a decision", () => {
  afterEach(() => vi.restoreAllMocks());

  test.each([
    ["alike", () => ({})],
    ["with a little more or less memory", (i: number) => ({ mem: 64e9 + i })],
    ["with gpus", () => ({ gpus: ["0", "1"] })],
  ])("looks at few of 2,000 workers %s", (_name, resources) => {
    const cluster = new FakeCluster(5, () => LARGE);
    cluster.checked = false;
    cluster.client(0);
    for (let i = 0; i < 2000; i++) cluster.join(4, resources(i));
    const request =
      "gpus" in resources(0) ? { request: { cpus: 1, amounts: { gpus: 1 } } } : { cpus: 1 };
    cluster.submit(0, 0, tasks(1000, request));
    cluster.runAll();
    const fits = vi.spyOn(WorkerLoad.prototype, "fits");
    const couldServe = vi.spyOn(WorkerLoad.prototype, "couldServe");
    const decisions = 500;
    const users = Array.from({ length: decisions }, (_, i) => ({
      inputs: [i, (i * 7) % 1000, (i * 13) % 1000],
      result: true,
      ...request,
    }));
    cluster.submit(0, 1000, users);
    cluster.schedule();
    expect(counts(cluster).reduce((sum, n) => sum + n)).toBe(decisions);
    // Heaps ask the workers on their way down and up, too.
    expect(couldServe.mock.calls.length).toBeLessThan(20 * decisions);
    expect(fits.mock.calls.length).toBeLessThan(40 * decisions);
    finish(cluster, 1000);
  });
});
