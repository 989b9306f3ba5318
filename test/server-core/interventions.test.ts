/** Tasks are cancelled and retried by somebody other than their client. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { builtinSymbol } from "../../src/protocol/index.js";
import { TaskState } from "../../src/scheduler/index.js";
import { FakeCluster, type TestTask } from "./fake-cluster.js";
import { eventArbitrary, seedsArbitrary, step } from "./random-steps.js";
import { shortened } from "./symbolic-values.js";

const RUNS = Number(process.env.LOOM_TEST_RUNS ?? 1000);
const DSLICE = builtinSymbol("loom/scheduler/dslice");
const ARRAY = builtinSymbol("loom/array/make");

function cluster(plan: TestTask[], classic = false): FakeCluster {
  const made = new FakeCluster();
  made.client(0, classic);
  made.join(2);
  expect(made.submit(0, 0, plan)).toBeUndefined();
  return made;
}

/** Finishes what can be, but fails this task. */
function runAndFail(made: FakeCluster, id: number): void {
  for (;;) {
    made.schedule();
    for (const worker of made.workers.keys()) {
      for (const row of made.runnable(worker)) {
        if (made.core.taskIdOf(row) === id) {
          made.fail(worker, row);
          return;
        }
        made.finish(worker, row);
      }
    }
  }
}

describe("cancelling", () => {
  test("fails the task and what depends on it, and lets go what only they needed", () => {
    const made = cluster([
      { inputs: [] }, // needed by 1 only
      { inputs: [0] },
      { inputs: [1], result: true },
      { inputs: [], result: true },
    ]);
    expect(made.cancel(0, 1, "not wanted")).toBe(2);
    expect(made.toldFailures).toEqual([{ client: 0, taskId: 1, lost: [2] }]);
    expect(made.failed.get("0/2")?.message).toBe("not wanted");
    made.runAll();
    expect(made.finished.has("0/3")).toBe(true);
    const [worker] = made.workers.values();
    expect(worker.objects.size).toBe(1);
  });

  test("takes a task from its worker", () => {
    const made = cluster([{ inputs: [], result: true, cpus: 1 }]);
    made.schedule();
    const [worker] = made.workers.values();
    made.start(worker.index, [...worker.tasks.keys()][0]);
    expect(made.cancel(0, 0)).toBe(1);
    expect(worker.tasks.size).toBe(0);
  });

  test("does nothing to tasks that are done", () => {
    const made = cluster([{ inputs: [], result: true }]);
    made.runAll();
    expect(made.cancel(0, 0)).toBe(0);
    expect(made.cancel(0, 77)).toBe(0);
    expect(made.toldFailures).toEqual([]);
  });

  test("of a plan tells its client of each result, and leaves other plans alone", () => {
    const made = cluster([
      { inputs: [], result: true },
      { inputs: [], result: true },
      { inputs: [] },
    ]);
    made.submit(0, 3, [{ inputs: [], result: true }]);
    const [plan] = made.core.clients.get(0)!.plans;
    expect(made.core.interventions.cancelPlan(plan, "enough")).toBe(3);
    expect(made.toldFailures).toEqual([
      { client: 0, taskId: 1, lost: [1] },
      { client: 0, taskId: 0, lost: [0] },
    ]);
    made.runAll();
    expect([...made.finished.keys()]).toEqual(["0/3"]);
  });

  test("of a plan names a result by itself, not by an input that fails with it", () => {
    const made = cluster([
      { inputs: [], result: true },
      { inputs: [0], result: true },
      { inputs: [] },
    ]);
    const [plan] = made.core.clients.get(0)!.plans;
    expect(made.core.interventions.cancelPlan(plan, "enough")).toBe(3);
    expect(made.toldFailures).toEqual([
      { client: 0, taskId: 1, lost: [1] },
      { client: 0, taskId: 0, lost: [0] },
    ]);
  });

  test("of a plan without results tells of one task, of a large one of its first", () => {
    const without = cluster([{ inputs: [] }, { inputs: [] }]);
    without.core.interventions.cancelPlan(without.core.clients.get(0)!.plans[0], "enough");
    expect(without.toldFailures).toEqual([{ client: 0, taskId: 0, lost: [] }]);
    const large = cluster(Array.from({ length: 300 }, () => ({ inputs: [], result: true })));
    large.core.interventions.cancelPlan(large.core.clients.get(0)!.plans[0], "enough");
    const lost = Array.from({ length: 300 }, (_, i) => i);
    expect(large.toldFailures).toEqual([{ client: 0, taskId: 0, lost }]);
  });

  test("of a task downstream of a dslice cancels its copies, too", () => {
    const made = cluster([
      { inputs: [] },
      { inputs: [0], type: DSLICE },
      { inputs: [1] },
      { inputs: [2], type: ARRAY, result: true },
    ]);
    for (let i = 0; i < 2; i++) {
      made.schedule();
      const [row] = made.runnable(0);
      made.finish(0, row);
    }
    made.schedule();
    expect(made.cancel(0, 2)).toBeGreaterThan(1);
    made.runAll();
    expect(made.failed.has("0/3")).toBe(true);
    made.release(0, 3);
    made.schedule();
    expect(made.core.taskCount).toBe(0);
  });
});

describe("retrying", () => {
  test("executes the task, its inputs that are gone, and what failed because of it", () => {
    const plan: TestTask[] = [
      { inputs: [] },
      { inputs: [0] },
      { inputs: [1], result: true },
      { inputs: [2], result: true },
    ];
    const made = cluster(plan);
    runAndFail(made, 1);
    expect([...made.failed.keys()].sort()).toEqual(["0/2", "0/3"]);
    expect(made.core.objectCount).toBe(0);
    // Any of them: what it needs is retried with it.
    expect(made.retry(0, 3)).toBe(3);
    made.runAll();
    expect(made.value(0, 3)).toBe("3(2(1(0())))");
    expect(made.core.clients.get(0)!.failedTasks).toBe(0);
  });

  test("may fail again, and be retried again", () => {
    const made = cluster([{ inputs: [], result: true }]);
    for (let i = 0; i < 3; i++) {
      runAndFail(made, 0);
      expect(made.retry(0, 0)).toBe(1);
    }
    made.runAll();
    expect(made.finished.has("0/0")).toBe(true);
  });

  test("leaves alone what failed for another cause as well", () => {
    const made = cluster([
      { inputs: [], result: true },
      { inputs: [], result: true },
      { inputs: [0, 1], result: true },
    ]);
    made.cancel(0, 0);
    made.cancel(0, 1);
    expect(made.retry(0, 0)).toBe(1);
    made.runAll();
    expect([...made.failed.keys()].sort()).toEqual(["0/1", "0/2"]);
    expect(made.retry(0, 2)).toBe(2);
    made.runAll();
    expect(made.value(0, 2)).toBe("2(0(),1())");
  });

  test("runs a task without users again for what it does", () => {
    const made = cluster([{ inputs: [] }, { inputs: [], result: true }]);
    runAndFail(made, 0);
    expect(made.retry(0, 0)).toBe(1);
    made.runAll();
    expect(made.core.clients.get(0)).toMatchObject({ failedTasks: 0, finishedTasks: 2 });
  });

  test("is refused where it means nothing, or must not be", () => {
    const made = cluster([
      { inputs: [] },
      { inputs: [0], result: true },
      { inputs: [], result: true },
    ]);
    expect(made.retry(0, 1)).toBe("it has not failed");
    made.cancel(0, 0);
    made.release(0, 1);
    expect(made.retry(0, 0)).toMatch(/nobody holds/);
    const once = cluster([{ inputs: [], result: true, once: true }]);
    once.cancel(0, 0);
    expect(once.retry(0, 0)).toBe('task 0 must not run twice (policy "once")');
    const classic = cluster([{ inputs: [], result: true }], true);
    classic.cancel(0, 0);
    expect(classic.retry(0, 0)).toMatch(/old protocol/);
    const dynamic = cluster([
      { inputs: [] },
      { inputs: [0], type: DSLICE },
      { inputs: [1], type: ARRAY, result: true },
    ]);
    dynamic.cancel(0, 0);
    expect(dynamic.retry(0, 0)).toMatch(/dslice or dget/);
  });

  test("executes what failed behind a task that was let go", () => {
    const made = cluster([
      { inputs: [], result: true },
      { inputs: [0] },
      { inputs: [], result: true },
      { inputs: [1, 2], result: true },
    ]);
    // Only the last needs the second, which is let go with it; then the first fails for itself.
    made.cancel(0, 2);
    made.cancel(0, 0);
    made.release(0, 0);
    expect(made.retry(0, 3)).toBe(3);
    made.runAll();
    expect(made.value(0, 3)).toBe("3(1(0()),2())");
  });

  test("later plans with the failed result as an input go on as well", () => {
    const made = cluster([{ inputs: [], result: true }]);
    runAndFail(made, 0);
    made.submit(0, 1, [{ inputs: [0], result: true }]);
    expect(made.failed.has("0/1")).toBe(true);
    expect(made.retry(0, 1)).toBe(2);
    made.runAll();
    expect(made.value(0, 1)).toBe("1(0())");
  });
});

function hasFailed(made: FakeCluster, id: number): boolean {
  const row = made.core.interventions.findTask(0, id);
  return row !== undefined && made.core.table.state[row] === TaskState.failed;
}

/** Without misfortune. */
function expectedValue(plan: TestTask[], id: number): string {
  return shortened(
    `${id}(${plan[id].inputs.map((input) => expectedValue(plan, input)).join(",")})`,
  );
}

test("whatever is cancelled, fails, is lost and retried: in the end every held result is right", () => {
  const events = fc.array(
    fc.oneof(
      { weight: 3, arbitrary: eventArbitrary },
      {
        weight: 1,
        arbitrary: fc.record({
          kind: fc.constantFrom("cancel", "retry", "retry", "cancelPlan"),
          choice: fc.nat(10_000),
        }),
      },
    ),
    { maxLength: 100, size: "max" },
  );
  let retried = 0;
  fc.assert(
    fc.property(seedsArbitrary, events, fc.boolean(), (seeds, happened, small) => {
      const made = new FakeCluster(1000, (row) => (small ? 1 : row * 1_000_000 + 100));
      made.client(0);
      made.join(2);
      made.join(3);
      const plan = seeds.map((seed, i): TestTask => {
        // Short values: at most two inputs, of the last few.
        const inputs = i === 0 ? [] : seed.slice(2, 4).map((s) => Math.max(0, i - 1 - (s % 4)));
        return { inputs, result: seed[0] % 3 === 0 || i === seeds.length - 1, cpus: seed[1] % 3 };
      });
      expect(made.submit(0, 0, plan)).toBeUndefined();
      const released = new Set<number>();
      for (const { kind, choice } of happened) {
        const id = choice % plan.length;
        if (kind === "cancel") made.cancel(0, id);
        else if (kind === "retry") {
          const failed = plan.flatMap((_, one) => (hasFailed(made, one) ? [one] : []));
          const one = failed[choice % Math.max(1, failed.length)];
          if (one !== undefined && typeof made.retry(0, one) === "number") retried++;
        } else if (kind === "cancelPlan") {
          const [first] = made.core.clients.get(0)!.plans;
          if (choice % 8 === 0 && first !== undefined) {
            made.core.interventions.cancelPlan(first, "enough");
            made.core.checkInvariants();
          }
        } else step(made, { kind, choice }, released, new Set(), plan);
      }
      const held = plan.flatMap((task, id) => (task.result && !released.has(id) ? [id] : []));
      for (const id of held) {
        if (made.core.locate(0, id).kind === "failed")
          expect(made.retry(0, id)).toBeTypeOf("number");
      }
      made.runAll();
      for (const id of held) {
        expect(made.core.locate(0, id).kind, `result ${id}`).toBe("finished");
        expect(made.finished.has(`0/${id}`)).toBe(true);
        if (plan.length <= 10) expect(made.value(0, id)).toBe(expectedValue(plan, id));
        made.release(0, id);
      }
      made.runAll();
      expect(made.core.objectCount).toBe(0);
      expect(made.core.taskCount).toBe(0);
    }),
    { numRuns: RUNS },
  );
  expect(retried).toBeGreaterThan(RUNS);
});
