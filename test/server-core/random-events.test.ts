/** Random plans, workers and misfortunes: every result that can be told is told once. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { FakeCluster, type TestTask } from "./fake-cluster.js";
import { dependsOn, eventArbitrary, seedsArbitrary, step } from "./random-steps.js";

const RUNS = Number(process.env.LOOM_TEST_RUNS ?? 1000);

/** A plan whose tasks use earlier ones; `seeds` are turned into inputs, results and cpus. */
function planOf(
  seeds: number[][],
  idBase: number,
  foreign: number[],
  expectedMs?: number,
): TestTask[] {
  return seeds.map((seed, i) => {
    const candidates = [...foreign, ...Array.from({ length: i }, (_, k) => idBase + k)];
    const inputs =
      candidates.length === 0 ? [] : seed.slice(2).map((s) => candidates[s % candidates.length]);
    const result = seed[0] % 3 === 0 || i === seeds.length - 1;
    return { inputs, result, cpus: seed[1] % 3, expectedMs };
  });
}

describe("random events", () => {
  test.each([
    ["small results", () => 1, undefined],
    ["large results", () => 1_000_000, undefined],
    ["some of each", (row: number) => (row % 2 === 0 ? 1 : 5_000_000), undefined],
    ["planned ahead", (row: number) => (row % 2 === 0 ? 1 : 5_000_000), 2000],
  ])(
    "%s: each result is told exactly once or has failed, nothing is left over",
    (_name, sizeOf, expectedMs) => {
      fc.assert(
        fc.property(
          seedsArbitrary,
          seedsArbitrary,
          fc.array(eventArbitrary, { maxLength: 120 }),
          (first, second, events) => {
            const cluster = new FakeCluster(1000, sizeOf);
            cluster.client(0);
            cluster.join(2);
            cluster.join(3);
            cluster.durationUs = 1000 * (expectedMs ?? 1);
            const plan = planOf(first, 0, [], expectedMs);
            expect(cluster.submit(0, 0, plan)).toBeUndefined();
            const released = new Set<number>();
            const failedTasks = new Set<number>();
            let secondPlan: TestTask[] = [];
            events.forEach((event, i) => {
              step(cluster, event, released, failedTasks, plan);
              if (i === 40) {
                const held = plan.flatMap((t, id) => (t.result && !released.has(id) ? [id] : []));
                secondPlan = planOf(second, plan.length, held, expectedMs);
                expect(cluster.submit(0, plan.length, secondPlan)).toBeUndefined();
              }
            });
            if (cluster.workers.size === 0) cluster.join(3);
            cluster.runAll();
            const all = [...plan, ...secondPlan];
            all.forEach((task, id) => {
              if (!task.result || released.has(id)) return;
              const told = cluster.finished.has(`0/${id}`);
              const failed = cluster.failed.has(`0/${id}`);
              expect(told || failed, `result ${id} is neither finished nor failed`).toBe(true);
              if (failed) expect(dependsOn(all, id, failedTasks)).toBe(true);
              if (!failed) expect(cluster.core.locate(0, id).kind).toBe("finished");
            });
            all.forEach((task, id) => {
              if (task.result && !released.has(id)) cluster.release(0, id);
            });
            cluster.schedule();
            expect(cluster.core.objectCount).toBe(0);
            expect(cluster.core.taskCount).toBe(0);
            for (const worker of cluster.workers.values()) {
              expect([...worker.tasks.keys()]).toEqual([]);
              expect([...worker.objects.keys()]).toEqual([]);
            }
          },
        ),
        { numRuns: RUNS },
      );
    },
  );

  test("a client that leaves at any moment leaves nothing behind", () => {
    fc.assert(
      fc.property(seedsArbitrary, fc.array(eventArbitrary, { maxLength: 60 }), (seeds, events) => {
        const cluster = new FakeCluster(1000, (row) => row * 40);
        cluster.client(0);
        cluster.join(2);
        cluster.join(2);
        const plan = planOf(seeds, 0, []);
        cluster.submit(0, 0, plan);
        for (const event of events) step(cluster, event, new Set(), new Set(), plan);
        cluster.disconnect(0);
        cluster.schedule();
        expect(cluster.core.taskCount).toBe(0);
        for (const worker of cluster.workers.values()) {
          expect(worker.tasks.size + worker.objects.size).toBe(0);
        }
      }),
      { numRuns: RUNS },
    );
  });
});
