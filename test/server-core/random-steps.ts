/** Events of random tests: what they are, and how a test cluster takes them. */
import fc from "fast-check";
import type { FakeCluster, TestTask } from "./fake-cluster.js";

/** Of each task: some numbers, from which its inputs and more are made. */
export const seedsArbitrary = fc.array(fc.array(fc.nat(1000), { minLength: 2, maxLength: 6 }), {
  minLength: 1,
  maxLength: 25,
});
export const eventArbitrary = fc.record({
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

/** Whether the task, or one that it needs, has failed. */
export function dependsOn(tasks: TestTask[], id: number, failed: ReadonlySet<number>): boolean {
  return failed.has(id) || tasks[id].inputs.some((input) => dependsOn(tasks, input, failed));
}

/** Lets the event happen, if it can. */
export function step(
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
