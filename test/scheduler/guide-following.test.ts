/** A plan made ahead is followed: in its order, with inputs fetched early, by the rows that are in it. */
import { describe, expect, test } from "vitest";
import { Unsatisfiable } from "../../src/protocol/index.js";
import { TaskState } from "../../src/scheduler/index.js";
import { clusterWithPlan, guideOf, plannedFor, search, second } from "./planning-ahead.js";
import { clusterOf, counts, finish, idsAt, LARGE, tasks, workerOf } from "./scheduling.js";

describe("a plan is followed", () => {
  test("in its order, which workers are told", () => {
    const cluster = clusterWithPlan([1, 1], 10);
    const { core } = cluster;
    // By paths all of them would be equal.
    const told = Array.from({ length: 10 }, (_, id) => core.priorityOf(cluster.row(0, id)));
    expect(new Set(told).size).toBe(10);
  });

  test("inputs that exist already are fetched at once, by each worker once", () => {
    const cluster = clusterOf([1, 1], LARGE);
    cluster.submit(0, 0, tasks(1, { cpus: 1 }));
    cluster.runAll();
    cluster.record = [];
    cluster.submit(
      0,
      1,
      Array.from({ length: 12 }, () => second([0])),
    );
    search(cluster);
    const elsewhere = 1 - workerOf(cluster, 0);
    expect(counts(cluster)[elsewhere]).toBeGreaterThan(0);
    expect(cluster.record.filter((effect) => effect.startsWith("prefetch"))).toEqual([
      `prefetch ${cluster.row(0, 0)} at ${elsewhere}`,
    ]);
  });

  test("before inputs exist, from wherever these will come; all is recalled when an input is taken back", () => {
    const cluster = clusterOf([1, 1], LARGE);
    const { table } = cluster.core;
    cluster.submit(0, 0, [second(), second(), second([0, 1]), second([2])]);
    search(cluster);
    expect([0, 1, 2, 3].map((id) => table.state[cluster.row(0, id)])).toEqual(
      Array.from({ length: 4 }, () => TaskState.assigned),
    );
    expect(workerOf(cluster, 0)).not.toBe(workerOf(cluster, 1));
    const [a, b] = [workerOf(cluster, 0), workerOf(cluster, 1)];
    const user = workerOf(cluster, 2);
    const other = user === a ? b : a;
    const input = user === a ? 1 : 0;
    cluster.record = [];
    cluster.giveBack(other, cluster.row(0, input));
    expect(cluster.record).toEqual(
      expect.arrayContaining(
        [2, 3].map((id) => `cancel ${cluster.row(0, id)} at ${workerBefore(id)}`),
      ),
    );
    function workerBefore(id: number): number {
      return id === 2 ? user : user;
    }
    cluster.runAll();
    expect(cluster.finished.size).toBe(4);
  });

  test("inputs are fetched as soon as they exist, once", () => {
    const cluster = clusterOf([1, 1], LARGE);
    const plan = [second(), ...Array.from({ length: 12 }, () => second([0]))];
    cluster.submit(0, 0, plan);
    search(cluster);
    const maker = workerOf(cluster, 0);
    const other = 1 - maker;
    expect(idsAt(cluster, other).length).toBeGreaterThan(2);
    cluster.record = [];
    cluster.start(maker, cluster.row(0, 0));
    finish(cluster, 0);
    const prefetch = `prefetch ${cluster.row(0, 0)} at ${other}`;
    expect(cluster.record).toEqual([prefetch]);
    for (let i = 0; i < 5; i++) cluster.schedule();
    expect(cluster.record.filter((effect) => effect === prefetch)).toHaveLength(1);
    cluster.runAll();
    expect(cluster.finished.size).toBe(13);
  });

  test("rows that are used again by another plan are not in it", () => {
    const cluster = clusterOf([]);
    for (let i = 0; i < 2; i++) cluster.join(1, {}, [5]);
    // Nobody offers the type of task 0: those that need it are planned, but never sent.
    cluster.submit(0, 0, tasks(1, { type: 12 }), undefined, Unsatisfiable.wait);
    cluster.submit(0, 1, [second(), second(), ...Array.from({ length: 8 }, () => second([0]))]);
    search(cluster);
    const rows = Array.from({ length: 10 }, (_, i) => cluster.row(0, 1 + i));
    expect(rows.every((row) => guideOf(cluster).isPlanned(row))).toBe(true);
    expect(counts(cluster)).toEqual([1, 1]);
    for (let id = 1; id <= 10; id++) cluster.release(0, id);
    for (let i = 0; i < 5; i++) cluster.schedule();
    expect(rows.some((row) => guideOf(cluster).isPlanned(row))).toBe(false);
    cluster.submit(0, 11, tasks(10, { cpus: 1, label: "unknown" }));
    expect(rows).toContain(cluster.row(0, 11));
    cluster.schedule();
    expect(counts(cluster)).toEqual([2, 2]);
  });

  test("also if plans are gone while it is searched", () => {
    const cluster = clusterOf([2, 2]);
    cluster.submit(
      0,
      0,
      Array.from({ length: 300 }, (_, i) => second(i < 100 ? [] : [i - 100])),
    );
    cluster.submit(
      0,
      300,
      Array.from({ length: 50 }, () => second()),
    );
    cluster.schedule();
    expect(guideOf(cluster).holdsBack).toBe(true);
    for (let id = 0; id < 300; id++) cluster.release(0, id);
    cluster.schedule();
    cluster.submit(0, 350, tasks(200, { cpus: 1, label: "unknown" }));
    search(cluster);
    for (let id = 350; id < 550; id++) expect(plannedFor(cluster, id)).toBeUndefined();
    cluster.runAll();
    expect(cluster.finished.size).toBe(250);
  });
});
