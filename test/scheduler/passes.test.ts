/** One pass hands out a bounded number of tasks, whatever the plan; what is left is not forgotten. */
import { describe, expect, test, vi } from "vitest";
import { DEFAULT_NETWORK } from "../../src/scheduler/index.js";
import type { FakeCluster } from "../server-core/fake-cluster.js";
import { clusterOf, counts, LARGE, schedulerOf, tasks } from "./scheduling.js";

const BUDGET = 50_000;
const MANY = 300_000;

/** Passes until there is nothing more to hand out; how many tasks each of them handed out. */
function passes(cluster: FakeCluster): number[] {
  const sent: number[] = [];
  let before = counts(cluster).reduce((sum, n) => sum + n, 0);
  for (let more = true; more; ) {
    cluster.nowMs += 1;
    more = cluster.core.schedule(cluster.nowMs);
    const now = counts(cluster).reduce((sum, n) => sum + n, 0);
    sent.push(now - before);
    before = now;
    if (sent.length > 1000) throw new Error("no end of passes");
  }
  return sent;
}

function largeCluster(workers: number, cpus: number, sizeBytes = 1): FakeCluster {
  const cpusOfAll = Array.from({ length: workers }, () => cpus);
  const cluster = clusterOf(cpusOfAll, sizeBytes);
  cluster.checked = false;
  return cluster;
}

/** As if all workers had been found to be as fast as can be. */
function widenWindows(cluster: FakeCluster): void {
  for (const load of schedulerOf(cluster).alive) load.light.size = 8192;
}

describe("one pass of a plan with 300,000 tasks hands out a bounded number of", () => {
  test("tasks with requests", () => {
    const cluster = largeCluster(6, 50_000);
    cluster.submit(0, 0, tasks(MANY, { cpus: 1 }));
    const sent = passes(cluster);
    expect(sent.reduce((sum, n) => sum + n)).toBe(MANY);
    expect(Math.max(...sent)).toBeLessThanOrEqual(BUDGET);
  });

  test("light tasks", () => {
    const cluster = largeCluster(60, 1);
    widenWindows(cluster);
    cluster.submit(0, 0, tasks(MANY));
    const sent = passes(cluster);
    expect(sent.reduce((sum, n) => sum + n)).toBe(MANY);
    // A run of neighbours is not cut short.
    expect(Math.max(...sent)).toBeLessThanOrEqual(BUDGET + 8192);
  });

  test("light tasks that wait where their inputs are", () => {
    const cluster = largeCluster(60, 1);
    const users = Array.from({ length: MANY }, (_, i) => ({ inputs: [i % 600], result: true }));
    cluster.submit(0, 0, tasks(600));
    cluster.runAll();
    cluster.submit(0, 600, users);
    widenWindows(cluster);
    const sent = passes(cluster);
    // Windows that were cut short are filled when half of them is done.
    expect(sent.reduce((sum, n) => sum + n)).toBeGreaterThan(MANY / 2);
    expect(Math.max(...sent)).toBeLessThanOrEqual(BUDGET + 8192);
  });

  test("chains that are sent ahead", () => {
    const cluster = largeCluster(60, 1);
    widenWindows(cluster);
    const length = 2500;
    const chains = Array.from({ length: 120 * length }, (_, i) => ({
      inputs: i % length === 0 ? [] : [i - 1],
    }));
    cluster.submit(0, 0, chains);
    const sent = passes(cluster);
    expect(sent.reduce((sum, n) => sum + n)).toBeGreaterThan(BUDGET);
    expect(Math.max(...sent)).toBeLessThanOrEqual(BUDGET + 8192);
  });

  test("tasks that are to wait for the worker with their data", () => {
    const cluster = clusterOf([1, 1], LARGE);
    cluster.checked = false;
    cluster.core.setNetwork({ ...DEFAULT_NETWORK, bytesPerMs: 1e-3 });
    cluster.submit(0, 0, tasks(1, { cpus: 1 }));
    cluster.runAll();
    const users = Array.from({ length: MANY }, () => ({ inputs: [0], result: true, cpus: 1 }));
    cluster.submit(0, 1, users);
    const queue = schedulerOf(cluster).workers[0]!.localHeavy;
    const lengths = [0];
    for (let more = true; more; ) {
      more = cluster.core.schedule(cluster.nowMs++);
      lengths.push(queue.length);
    }
    const queued = lengths.slice(1).map((length, i) => length - lengths[i]);
    expect(queue.length).toBeGreaterThan(MANY - 100);
    expect(Math.max(...queued)).toBeLessThanOrEqual(BUDGET);
  });
});

describe("what is left", () => {
  test("in the queue of an idle worker is sent in the next passes, though nothing happens there", () => {
    const cluster = largeCluster(2, 60_000);
    cluster.submit(0, 0, [
      ...tasks(1, { cpus: 60_000, priority: 2 }),
      ...tasks(1, { cpus: 60_000, priority: 1 }),
    ]);
    cluster.schedule();
    // What waits for both is ready when both are; 50,000 others are sent first.
    const ahead = Array.from({ length: 100 }, () => ({ inputs: [1], cpus: 1, result: true }));
    cluster.submit(0, 2, ahead);
    cluster.finish(0, cluster.row(0, 0));
    cluster.submit(0, 102, tasks(60_000, { cpus: 1, priority: 9 }));
    passes(cluster);
    cluster.finish(1, cluster.row(0, 1));
    passes(cluster);
    expect(counts(cluster)).toEqual([60_000, 100]);
  });
});

describe("where hundreds idle, and hundreds have tasks that are better left where they are", () => {
  const HOLDERS = 200;

  /** The first half of the workers has objects, and so many tasks queueing for each; the other half idles. */
  function blockedCluster(cpus: number, queued: number): FakeCluster {
    const cluster = largeCluster(2 * HOLDERS, 1, LARGE);
    cluster.durationUs = cpus > 0 ? 50_000 : 1;
    cluster.submit(0, 0, tasks(HOLDERS, { cpus: 1 }));
    cluster.runAll();
    cluster.core.setNetwork({ ...DEFAULT_NETWORK, bytesPerMs: 5 });
    const users = Array.from({ length: HOLDERS * queued }, (_, i) => ({
      inputs: [i % HOLDERS],
      result: true,
      cpus,
    }));
    cluster.submit(0, HOLDERS, users);
    passes(cluster);
    return cluster;
  }

  test.each([
    ["tasks with requests", 1, 70],
    ["light tasks", 0, 2000],
  ])("a pass looks at a bounded number of %s", (_name, cpus, queued) => {
    const cluster = blockedCluster(cpus, queued);
    const looks = vi.spyOn(schedulerOf(cluster).estimates, "transferMs");
    for (let pass = 0; pass < 5; pass++) {
      looks.mockClear();
      cluster.nowMs += 5;
      cluster.core.schedule(cluster.nowMs);
      expect(looks.mock.calls.length).toBeGreaterThan(0);
      expect(looks.mock.calls.length).toBeLessThan(5000);
    }
  });

  test("and those that may move are found all the same", () => {
    const cluster = blockedCluster(1, 70);
    const before = counts(cluster).slice(HOLDERS);
    expect(Math.max(...before)).toBe(0);
    // Nobody has to fetch anything for what this one has.
    const { table } = cluster.core;
    const last = HOLDERS - 1;
    table.inlineCell[cluster.row(0, last)] = table.inline.put(new Uint8Array(8), 0, 8);
    for (let pass = 0; pass < 60; pass++) passes(cluster);
    expect(
      counts(cluster)
        .slice(HOLDERS)
        .filter((n) => n > 0).length,
    ).toBeGreaterThan(15);
  });
});
