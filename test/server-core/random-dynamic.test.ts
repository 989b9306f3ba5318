/** Random plans with dslices and dgets, with workers that come and go: they give what the model says. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { ARRAY, DGET, DSLICE, evaluatePlan } from "./dynamic-model.js";
import { FakeCluster, type TestTask } from "./fake-cluster.js";
import { dependsOn, eventArbitrary, seedsArbitrary, step } from "./random-steps.js";

const RUNS = Number(process.env.LOOM_TEST_RUNS ?? 600);
/** Of one task: the number of copies grows with a power of it. */
const MAX_SOURCES = 3;

/** A plan of tasks with 0 to 3 elements each; `seeds` are turned into types, inputs, results and cpus. */
function dynamicPlan(
  seeds: number[][],
  idBase: number,
  foreign: number[],
  expectedMs?: number,
): TestTask[] {
  const sources = new Map<number, Set<number>>();
  return seeds.map(([kind, more, ...picks], i) => {
    const id = idBase + i;
    const candidates = [...foreign, ...seeds.slice(0, i).map((_, k) => idBase + k)];
    const isLast = i === seeds.length - 1;
    // Half of the time one of the last: plans get deep as well as wide.
    const pickOf = (pick: number) => {
      const few = pick & 1 ? candidates.slice(-3) : candidates;
      return few[(pick >> 1) % few.length];
    };
    let inputs = candidates.length === 0 ? [] : (picks.length > 0 ? picks : [kind]).map(pickOf);
    let type = kind % 8 < 2 ? DGET : kind % 8 < 4 ? DSLICE : kind % 8 === 4 ? ARRAY : undefined;
    if (type === DGET || type === DSLICE) {
      inputs = inputs.slice(0, 1);
      if (inputs.length === 0) type = undefined;
    }
    const own = new Set(inputs.flatMap((input) => [...(sources.get(input) ?? [])]));
    const isSource = type === DGET || type === DSLICE;
    if (isLast || own.size + (isSource ? 1 : 0) > MAX_SOURCES) type = ARRAY;
    const isStatic = own.size === 0 && (type === undefined || type === ARRAY);
    if (type === DGET || type === DSLICE) own.add(id);
    if (type !== ARRAY) sources.set(id, own);
    const result = isLast || ((isStatic || type === ARRAY) && more % 4 === 0);
    return { inputs, type, result, cpus: kind % 5 === 0 ? more % 3 : 0, expectedMs };
  });
}

function clusterOf(sizeOf: (row: number) => number): FakeCluster {
  const cluster = new FakeCluster(1000, sizeOf);
  cluster.client(0);
  cluster.join(2);
  cluster.join(3);
  return cluster;
}

function expectNothing(cluster: FakeCluster): void {
  cluster.schedule();
  expect(cluster.core.objectCount).toBe(0);
  expect(cluster.core.taskCount).toBe(0);
  expect(cluster.core.hasOpenTasks).toBe(false);
  for (const worker of cluster.workers.values()) {
    expect([...worker.tasks.keys()]).toEqual([]);
    expect([...worker.objects.keys()]).toEqual([]);
  }
}

describe("random dynamic plans", () => {
  test.each([
    ["small results", () => 1, undefined],
    ["large results", () => 1_000_000, undefined],
    ["some of each", (row: number) => (row % 2 === 0 ? 1 : 5_000_000), undefined],
    ["planned ahead", (row: number) => (row % 2 === 0 ? 1 : 5_000_000), 2000],
  ])(
    "%s: each result is what the model says or has failed, nothing is left over",
    (_name, sizeOf, expectedMs) => {
      fc.assert(
        fc.property(
          seedsArbitrary,
          seedsArbitrary,
          fc.array(eventArbitrary, { maxLength: 120 }),
          (first, second, events) => {
            const cluster = clusterOf(sizeOf);
            cluster.durationUs = 1000 * (expectedMs ?? 1);
            const plan = dynamicPlan(first, 0, [], expectedMs);
            expect(cluster.submit(0, 0, plan)).toBeUndefined();
            const released = new Set<number>();
            const failedTasks = new Set<number>();
            let secondPlan: TestTask[] = [];
            events.forEach((event, i) => {
              step(cluster, event, released, failedTasks, plan);
              if (i === 40) {
                const held = plan.flatMap((t, id) => (t.result && !released.has(id) ? [id] : []));
                secondPlan = dynamicPlan(second, plan.length, held, expectedMs);
                expect(cluster.submit(0, plan.length, secondPlan)).toBeUndefined();
              }
            });
            if (cluster.workers.size === 0) cluster.join(3);
            cluster.runAll();
            const all = [...plan, ...secondPlan];
            const values = evaluatePlan(all, {
              lengthOf: cluster.lengthOf,
              // Undefined if it was never executed: then its users can't be right either.
              slicesOf: (id, value) => cluster.slices.get(`${id} ${value}`) ?? 0,
            });
            for (const id of cluster.emptyGets) failedTasks.add(id);
            all.forEach((task, id) => {
              if (!task.result || released.has(id)) return;
              if (cluster.failed.has(`0/${id}`)) {
                expect(dependsOn(all, id, failedTasks), `${id} must not fail`).toBe(true);
              } else {
                expect(cluster.finished.has(`0/${id}`), `${id} is not finished`).toBe(true);
                expect(cluster.value(0, id)).toBe(values[id]?.[0].value);
              }
            });
            all.forEach((task, id) => {
              if (task.result && !released.has(id)) cluster.release(0, id);
            });
            expectNothing(cluster);
          },
        ),
        { numRuns: RUNS },
      );
    },
  );

  test("a client that leaves at any moment leaves nothing behind", () => {
    fc.assert(
      fc.property(seedsArbitrary, fc.array(eventArbitrary, { maxLength: 80 }), (seeds, events) => {
        const cluster = clusterOf((row) => row * 40);
        const plan = dynamicPlan(seeds, 0, []);
        cluster.submit(0, 0, plan);
        for (const event of events) step(cluster, event, new Set(), new Set(), plan);
        cluster.disconnect(0);
        expectNothing(cluster);
      }),
      { numRuns: RUNS },
    );
  });
});
