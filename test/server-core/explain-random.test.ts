/**
 * Explanations of random tasks at random moments: they agree with a model that looks at everything,
 * and they change nothing.
 */
import fc from "fast-check";
import { expect, test } from "vitest";
import type { WorkersForTask } from "../../src/protocol/index.js";
import { Unsatisfiable } from "../../src/protocol/index.js";
import { FakeCluster, type TestRequest, type TestTask } from "./fake-cluster.js";

const TYPES = [4, 5, 6];
const LABELS = [undefined, "a", "a:1", "b"];

const variant: fc.Arbitrary<TestRequest> = fc.oneof(
  fc.record({ cpus: fc.integer({ min: 1, max: 4 }) }),
  fc.record({ amounts: fc.record({ gpus: fc.constantFrom(0.5, 1, 3) }) }),
  fc.record({
    cpus: fc.integer({ min: 0, max: 2 }),
    amounts: fc.record({ gpus: fc.constantFrom(["0"], ["1", "2"]) }),
  }),
);
const request = fc.option(
  fc.tuple(variant, fc.array(variant, { maxLength: 1 })).map(([one, or]) => ({ ...one, or })),
  { nil: undefined },
);
const plan = fc.array(
  fc.record({
    request,
    type: fc.constantFrom(...TYPES),
    label: fc.constantFrom(...LABELS),
    inputs: fc.array(fc.nat(), { maxLength: 2 }),
    result: fc.boolean(),
  }),
  { minLength: 1, maxLength: 8 },
);
const worker = fc.record({
  cpus: fc.integer({ min: 1, max: 3 }),
  gpus: fc.integer({ min: 0, max: 3 }),
  types: fc.subarray(TYPES, { minLength: 1 }),
});
type Step =
  | { kind: "submit"; plan: TestTask[] }
  | { kind: "join"; worker: Offered }
  | { kind: "finish" | "fail" | "kill" | "schedule" | "release"; pick: number };
const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ kind: fc.constant("submit" as const), plan }),
  fc.record({ kind: fc.constant("join" as const), worker }),
  fc.record({
    kind: fc.constantFrom<"finish" | "fail" | "kill" | "schedule" | "release">(
      "finish",
      "fail",
      "kill",
      "schedule",
      "release",
    ),
    pick: fc.nat(),
  }),
);

interface Offered {
  cpus: number;
  gpus: number;
  types: readonly number[];
}

/** Whether the worker could execute the task, by the words of the documentation. */
function couldExecute({ cpus, gpus, types }: Offered, { type, request }: TestTask): boolean {
  if (!types.includes(type!)) return false;
  if (request === undefined) return true;
  return [request, ...(request.or ?? [])].some((one) => {
    const wanted = one.amounts?.gpus ?? 0;
    const enough =
      typeof wanted === "number" ? wanted <= gpus : wanted.every((index) => Number(index) < gpus);
    return (one.cpus ?? 0) <= cpus && enough;
  });
}

test("they agree with a model and change nothing", () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 25 }), (steps) => {
      const cluster = new FakeCluster();
      cluster.client(0);
      const tasks: TestTask[] = [];
      const offered = new Map<number, Offered>();
      for (const one of steps) {
        apply(cluster, one, tasks, offered);
        check(cluster, tasks, offered);
      }
    }),
    { numRuns: 150 },
  );
});

function apply(
  cluster: FakeCluster,
  one: Step,
  tasks: TestTask[],
  offered: Map<number, Offered>,
): void {
  if ("plan" in one) {
    const idBase = tasks.length;
    const added = one.plan.map((each, i) => ({
      ...each,
      // Of this plan only: others may be gone.
      inputs: i === 0 ? [] : each.inputs.map((input) => idBase + (input % i)),
    }));
    const refused = cluster.submit(0, idBase, added, new Map(), Unsatisfiable.wait);
    expect(refused).toBeUndefined();
    tasks.push(...added);
  } else if ("worker" in one) {
    const { cpus, gpus, types } = one.worker;
    const indices = Array.from({ length: gpus }, (_, i) => String(i));
    offered.set(cluster.join(cpus, gpus === 0 ? {} : { gpus: indices }, types), one.worker);
  } else if (one.kind === "schedule") {
    cluster.schedule();
  } else if (one.kind === "release") {
    cluster.release(0, one.pick % (tasks.length + 1));
  } else {
    const workers = [...cluster.workers.keys()];
    if (workers.length === 0) return;
    const at = workers[one.pick % workers.length];
    if (one.kind === "kill") {
      cluster.kill(at);
      offered.delete(at);
      return;
    }
    const [row] = cluster.runnable(at);
    if (row === undefined) return;
    if (one.kind === "finish") cluster.finish(at, row);
    else cluster.fail(at, row);
  }
}

function check(cluster: FakeCluster, tasks: TestTask[], offered: Map<number, Offered>): void {
  const { core } = cluster;
  const stateBefore = [...core.table.state];
  let unable = 0;
  let existing = 0;
  const byLabel = new Map<string, number>();
  for (const [id, task] of tasks.entries()) {
    const answer = core.explainOwn(0, id);
    if (typeof answer === "string") continue;
    existing++;
    const [found] = answer.tasks;
    const able = [...offered.values()].filter((one) => couldExecute(one, task)).length;
    expect(found).toMatchObject({ id, client: 0 });
    expect(found.label).toBe(task.label);
    if (task.label !== undefined) byLabel.set(task.label, (byLabel.get(task.label) ?? 0) + 1);
    const workers: WorkersForTask | undefined = "workers" in found ? found.workers : undefined;
    if (workers !== undefined) {
      expect(workers).toMatchObject({ connected: offered.size, able });
      expect(workers.problem === undefined).toBe(able > 0);
      const counts = { able: 0, cannot: 0 };
      for (const group of workers.groups) {
        counts[group.verdict === "cannot" ? "cannot" : "able"] += group.workers;
      }
      expect(counts.able + counts.cannot + workers.others).toBe(offered.size);
      expect(counts.able).toBe(able);
    }
    if (found.state === "ready") {
      if (able === 0) unable++;
    } else if (found.state === "waiting") {
      expect(found.workers === undefined).toBe(able > 0);
      expect(found.unfinishedInputs).toBeGreaterThan(0);
      const { causes } = found;
      expect(causes.unable + causes.ready + causes.assigned).toBeGreaterThan(0);
    }
  }
  const told = core.unableTasks().reduce((sum, one) => sum + one.tasks, 0);
  expect(told).toBe(unable);
  for (const [label, count] of byLabel) {
    const answer = core.explain(label);
    if (typeof answer === "string") throw new Error(answer);
    expect(answer.tasks.length + answer.more).toBe(count);
  }
  expect(existing).toBeLessThanOrEqual(core.taskCount);
  expect([...core.table.state]).toEqual(stateBefore);
  core.checkInvariants();
}
