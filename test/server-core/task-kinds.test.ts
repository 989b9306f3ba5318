/**
 * Classes of tasks are found, kept and given back: what a row's class says is what its task asked for,
 * however many kinds of tasks there have been.
 */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Scheduler, TaskState } from "../../src/scheduler/index.js";
import { schedulerOf } from "../scheduler/scheduling.js";
import { FakeCluster, type TestTask } from "./fake-cluster.js";

const LIMIT = 32;
/** Beyond this many there are only coarser classes. */
const FINE = 24;

function limitedCluster(maxClasses = LIMIT): FakeCluster {
  const cluster = new FakeCluster(5, undefined, undefined, maxClasses);
  cluster.client(0);
  cluster.join(4, { mem: 1000 });
  return cluster;
}

/** Executes one plan of these tasks and lets it go. */
function executed(cluster: FakeCluster, first: number, tasks: TestTask[]): void {
  const refusal = cluster.submit(0, first, tasks);
  expect(refusal).toBeUndefined();
  cluster.runAll();
  tasks.forEach((_, i) => {
    cluster.release(0, first + i);
  });
  cluster.schedule();
  cluster.schedule();
}

const aTask = (more: Partial<TestTask>): TestTask => ({ inputs: [], result: true, ...more });
const asking = (mem: number): TestTask => aTask({ request: { cpus: 1, amounts: { mem } } });

/** How the class of the client's task differs from what it asked for: not at all, or "coarser". */
function differenceOf(cluster: FakeCluster, row: number, task: TestTask): "none" | "coarser" {
  const { core } = cluster;
  const { label, priority, variants } = core.getTaskClass(core.table.taskClass[row]);
  const asked = task.request === undefined ? [] : [task.request, ...(task.request.or ?? [])];
  expect(variants.map(({ cpus, amounts }) => [cpus, amounts[0]?.amount])).toEqual(
    asked.map(({ cpus = 0, amounts = {} }) => [cpus, amounts.mem]),
  );
  const isSame = label === (task.label ?? "") && priority === (task.priority ?? 0);
  if (!isSame) expect(label).toBe("");
  return isSame ? "none" : "coarser";
}

const mem = fc.integer({ min: 1, max: 40 });
const anyTask: fc.Arbitrary<TestTask> = fc.record({
  inputs: fc.constant<number[]>([]),
  result: fc.constant(true),
  label: fc.oneof(
    fc.constant(undefined),
    fc.nat(30).map((i) => `l${i}`),
  ),
  priority: fc.oneof({ weight: 3, arbitrary: fc.constant(0) }, fc.integer({ min: -5, max: 5 })),
  type: fc.constantFrom(5, 5, 6, 7),
  request: fc.oneof(
    { weight: 2, arbitrary: fc.constant(undefined) },
    mem.map((amount) => ({ cpus: 1, amounts: { mem: amount } })),
    fc.tuple(mem, mem).map(([a, b]) => ({
      cpus: 1,
      amounts: { mem: a },
      or: [{ cpus: 2, amounts: { mem: b } }],
    })),
  ),
});

const steps = fc.array(
  fc.record({
    op: fc.nat(9),
    a: fc.nat(1000),
    tasks: fc.array(anyTask, { minLength: 1, maxLength: 12 }),
  }),
  { minLength: 5, maxLength: 60 },
);

it("each task has the class that it asked for, or a coarser one while there are too many", () => {
  let coarser = 0;
  let refused = 0;
  fc.assert(
    fc.property(steps, (sequence) => {
      const cluster = limitedCluster();
      const { classes } = schedulerOf(cluster);
      const asked = new Map<string, TestTask>();
      const clients = new Map([[0, 0]]);
      let nextClient = 1;
      for (const { op, a, tasks } of sequence) {
        const handles = [...clients.keys()];
        const handle = handles[a % handles.length];
        if (op < 4 && handle !== undefined) {
          const first = clients.get(handle)!;
          if (cluster.submit(handle, first, tasks) === undefined) {
            clients.set(handle, first + tasks.length);
            tasks.forEach((task, i) => {
              asked.set(`${handle}/${first + i}`, task);
            });
            // With room for all of them each has its own.
            const rows = tasks.map((_, i) => cluster.row(handle, first + i));
            const some = rows.filter((row, i) => differenceOf(cluster, row, tasks[i]) !== "none");
            if (some.length > 0) expect(classes.count).toBeGreaterThanOrEqual(FINE);
            coarser += some.length;
          } else {
            expect(tasks.some(({ request }) => request !== undefined)).toBe(true);
            expect(classes.count).toBeGreaterThanOrEqual(FINE);
            refused++;
          }
        } else if (op < 6) {
          for (const key of [...asked.keys()].slice(0, 1 + (a % 20))) {
            const [of, id] = key.split("/").map(Number);
            asked.delete(key);
            if (clients.has(of)) cluster.release(of, id);
          }
        } else if (op === 6 && handle !== undefined) {
          clients.delete(handle);
          cluster.disconnect(handle);
        } else if (op === 7) {
          cluster.client(nextClient);
          clients.set(nextClient++, 0);
        } else {
          cluster.schedule();
          for (const worker of cluster.workers.keys()) {
            for (const row of cluster.runnable(worker).slice(0, 1 + (a % 8))) {
              cluster.finish(worker, row);
            }
          }
        }
        expect(classes.count).toBeLessThanOrEqual(LIMIT);
        expect(classes.list.length).toBeLessThanOrEqual(LIMIT);
        for (const [key, task] of asked) {
          const [of, id] = key.split("/").map(Number);
          const place = clients.has(of) ? cluster.core.locate(of, id) : undefined;
          if (place?.kind === "open") differenceOf(cluster, place.row, task);
        }
      }
    }),
    { numRuns: 150 },
  );
  // Both were tried.
  expect(coarser).toBeGreaterThan(0);
  expect(refused).toBeGreaterThan(0);
});

describe("over the lifetime of a server", () => {
  it("any number of requests may come, one after the other", () => {
    const cluster = limitedCluster();
    for (let i = 0; i < 200; i++) {
      executed(cluster, 3 * i, [asking(1 + i), asking(300 + i), aTask({})]);
    }
    const { classes, kinds } = schedulerOf(cluster);
    expect(classes.count).toBeLessThanOrEqual(1 + LIMIT / 4);
    expect(kinds.list.length).toBeLessThanOrEqual(LIMIT);
  });

  it("any number of labels, each of which is known while it is in use", () => {
    const cluster = limitedCluster(65_536);
    cluster.checked = false;
    // More than can be told apart at once, and more than are kept.
    for (let i = 0; i < 5; i++) {
      const tasks = Array.from({ length: 3000 }, (_, k) => aTask({ label: `l${i}.${k}:x` }));
      executed(cluster, 3000 * i, tasks);
    }
    const last = [aTask({ label: "new:1" }), aTask({ label: "l4.2999" })];
    cluster.submit(0, 15_000, last);
    last.forEach((task, i) => {
      const row = cluster.row(0, 15_000 + i);
      const { label } = cluster.core.getTaskClass(cluster.core.table.taskClass[row]);
      expect(label).toBe(task.label!.split(":")[0]);
    });
    cluster.core.checkInvariants();
  });

  it("what was learned of a class is kept while others come, for a while", () => {
    const cluster = limitedCluster();
    cluster.durationUs = 700_000;
    executed(cluster, 0, [asking(500)]);
    const { classes } = schedulerOf(cluster);
    const known = () => classes.list.find(({ known, isGone }) => known && !isGone);
    const first = known();
    expect(first?.durationMs).toBe(700);
    executed(cluster, 1, [asking(1), asking(2), asking(3)]);
    cluster.submit(0, 4, [asking(500)]);
    const row = cluster.row(0, 4);
    expect(classes.list[cluster.core.table.taskClass[row]]).toBe(first);
  });

  it("labels are counted by their names, though numbers of classes are used again", () => {
    const cluster = limitedCluster();
    for (let i = 0; i < 60; i++) executed(cluster, i, [aTask({ label: `l${i}` })]);
    const counts = cluster.core.labelCounts(0).map(({ label, finished }) => [label, finished]);
    expect(counts).toEqual(Array.from({ length: 60 }, (_, i) => [`l${i}`, 1]));
    expect(schedulerOf(cluster).classes.list.length).toBeLessThan(20);
  });
});

describe("with more kinds in use than there is room for", () => {
  function fullCluster(): { cluster: FakeCluster; next: number } {
    const cluster = limitedCluster();
    const many = Array.from({ length: LIMIT }, (_, i) => asking(1 + i));
    // As many as fit; one more is refused.
    let fits = 0;
    while (fits < LIMIT && cluster.submit(0, fits, [many[fits]]) === undefined) fits++;
    expect(fits).toBe(LIMIT - LIMIT / 8);
    return { cluster, next: fits };
  }

  it("a plan without requests is accepted still, with coarser classes", () => {
    const { cluster, next } = fullCluster();
    const light = [5, 6, 7].flatMap((type) =>
      [0, 3, 3, -2].map((priority, i) => aTask({ type, priority, label: `l${i}` })),
    );
    expect(cluster.submit(0, next, light)).toBeUndefined();
    cluster.runAll();
    light.forEach((_, i) => {
      expect(cluster.finished.has(`0/${next + i}`)).toBe(true);
    });
  });

  it("a request that is in use is accepted, a new one is refused until some are done", () => {
    const { cluster, next } = fullCluster();
    const labelled = { ...asking(7), label: "l", priority: 4 };
    expect(cluster.submit(0, next, [labelled])).toBeUndefined();
    expect(differenceOf(cluster, cluster.row(0, next), labelled)).toBe("coarser");
    const refusal = cluster.submit(0, next + 1, [asking(999)]);
    expect(refusal?.message).toContain("round the amounts");
    cluster.runAll();
    for (let id = 0; id <= next; id++) cluster.release(0, id);
    cluster.schedule();
    expect(cluster.submit(0, next + 1, [asking(999), aTask({ label: "m" })])).toBeUndefined();
    for (const i of [0, 1]) {
      const task = [asking(999), aTask({ label: "m" })][i];
      expect(differenceOf(cluster, cluster.row(0, next + 1 + i), task)).toBe("none");
    }
  });

  it("a refused plan leaves nothing behind", () => {
    const { cluster, next } = fullCluster();
    const { classes, kinds } = schedulerOf(cluster);
    const before = [classes.count, kinds.variantCount];
    for (let i = 0; i < 5; i++) {
      const tasks = [asking(500 + i), aTask({ label: `x${i}`, type: 9999 })];
      expect(cluster.submit(0, next, tasks)).toBeDefined();
      expect([classes.count, kinds.variantCount]).toEqual(before);
      expect(classes.findLabel(`x${i}`)).toBeUndefined();
    }
  });
});

it("rows of queues that are left behind by plans that are gone disturb nobody", () => {
  const cluster = limitedCluster();
  for (let i = 0; i < 100; i++) {
    // They queue, as the worker is busy, and are cancelled.
    const tasks = Array.from({ length: 10 }, (_, k) => asking(900 - 10 * (i % 50) - k));
    expect(cluster.submit(0, 10 * i, tasks)).toBeUndefined();
    cluster.schedule();
    tasks.forEach((_, k) => {
      cluster.release(0, 10 * i + k);
    });
    cluster.schedule();
  }
  cluster.submit(0, 1000, [asking(1000)]);
  cluster.runAll();
  expect(cluster.finished.has("0/1000")).toBe(true);
  expect(cluster.core.table.state.includes(TaskState.ready)).toBe(false);
  expect(schedulerOf(cluster)).toBeInstanceOf(Scheduler);
});
