/** Random plans, workers and misfortunes: every result that can be told is told once. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { FakeCluster, type TestTask } from "./fake-cluster.js";

const RUNS = Number(process.env.LOOM_TEST_RUNS ?? 1000);

/** A plan whose tasks use earlier ones; `seeds` are turned into inputs, results and cpus. */
function planOf(seeds: number[][], idBase: number, foreign: number[]): TestTask[] {
  return seeds.map((seed, i) => {
    const candidates = [...foreign, ...Array.from({ length: i }, (_, k) => idBase + k)];
    const inputs =
      candidates.length === 0 ? [] : seed.slice(2).map((s) => candidates[s % candidates.length]);
    return { inputs, result: seed[0] % 3 === 0 || i === seeds.length - 1, cpus: seed[1] % 3 };
  });
}

const seedsArbitrary = fc.array(fc.array(fc.nat(1000), { minLength: 2, maxLength: 6 }), {
  minLength: 1,
  maxLength: 25,
});
const eventArbitrary = fc.record({
  kind: fc.constantFrom(
    "finish",
    "finish",
    "finish",
    "finish",
    "start",
    "giveBack",
    "join",
    "kill",
    "kill",
    "release",
    "fail",
    "schedule",
    "schedule",
  ),
  choice: fc.nat(10_000),
});

function pick<T>(items: readonly T[], choice: number): T | undefined {
  return items[choice % Math.max(1, items.length)];
}

describe("random events", () => {
  test.each([
    ["small results", () => 1],
    ["large results", () => 1_000_000],
    ["some of each", (row: number) => (row % 2 === 0 ? 1 : 5_000_000)],
  ])(
    "%s: each result is told exactly once or has failed, nothing is left over",
    (_name, sizeOf) => {
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
            const plan = planOf(first, 0, []);
            expect(cluster.submit(0, 0, plan)).toBeUndefined();
            const released = new Set<number>();
            const failedTasks = new Set<number>();
            let secondPlan: TestTask[] = [];
            events.forEach((event, i) => {
              step(cluster, event, released, failedTasks, plan);
              if (i === 40) {
                const held = plan.flatMap((t, id) => (t.result && !released.has(id) ? [id] : []));
                secondPlan = planOf(second, plan.length, held);
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

function dependsOn(tasks: TestTask[], id: number, failed: ReadonlySet<number>): boolean {
  return failed.has(id) || tasks[id].inputs.some((input) => dependsOn(tasks, input, failed));
}

function step(
  cluster: FakeCluster,
  event: { kind: string; choice: number },
  released: Set<number>,
  failedTasks: Set<number>,
  plan: TestTask[],
): void {
  const worker = pick([...cluster.workers.keys()], event.choice);
  const rows = worker === undefined ? [] : cluster.runnable(worker);
  const row = pick(rows, event.choice >> 3);
  switch (event.kind) {
    case "finish":
      if (worker !== undefined && row !== undefined) cluster.finish(worker, row);
      break;
    case "start":
      if (worker !== undefined && row !== undefined) cluster.start(worker, row);
      break;
    case "fail":
      if (worker !== undefined && row !== undefined && event.choice % 4 === 0) {
        failedTasks.add(taskIdOf(cluster, row));
        cluster.fail(worker, row);
      }
      break;
    case "giveBack":
      for (const at of cluster.workers.values()) {
        const retracted = pick([...at.retracting], event.choice);
        if (retracted !== undefined) cluster.giveBack(at.index, retracted);
      }
      break;
    case "join":
      if (cluster.workers.size < 5) cluster.join(1 + (event.choice % 4));
      break;
    case "kill":
      // Some plans ask for two cpus: keep a worker that has them.
      if (worker !== undefined && cluster.workers.size > 1 && event.choice % 4 !== 0) {
        cluster.kill(worker);
        if ([...cluster.workers.values()].every((w) => w.cpus < 2)) cluster.join(2);
      }
      break;
    case "release": {
      const held = plan.flatMap((t, id) => (t.result && !released.has(id) ? [id] : []));
      const id = pick(held, event.choice);
      if (id !== undefined && event.choice % 2 === 0) {
        released.add(id);
        cluster.release(0, id);
      }
      break;
    }
    default:
      cluster.schedule();
  }
}

function taskIdOf(cluster: FakeCluster, row: number): number {
  return cluster.core.taskIdOf(row);
}
