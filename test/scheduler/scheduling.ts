/** What tests of scheduling share: clusters, plans, and what went where. */
import type { Scheduler } from "../../src/scheduler/index.js";
import { FakeCluster, type TestTask } from "../server-core/fake-cluster.js";

export const LARGE = 50_000_000;

/** Tasks without inputs. */
export const tasks = (n: number, more: Partial<TestTask> = {}): TestTask[] =>
  Array.from({ length: n }, () => ({ inputs: [], result: true, ...more }));

/** Client 0 and workers with so many cores; results have `sizeBytes`. */
export function clusterOf(cpus: readonly number[], sizeBytes = 1): FakeCluster {
  const cluster = new FakeCluster(5, () => sizeBytes);
  cluster.client(0);
  for (const count of cpus) cluster.join(count);
  return cluster;
}

/** Tasks sent to each worker and not finished. */
export const counts = (cluster: FakeCluster): number[] =>
  [...cluster.workers.values()].map((worker) => worker.tasks.size);

/** The scheduler behind the core, for what can't be seen from outside. */
export function schedulerOf(cluster: FakeCluster): Scheduler {
  return (cluster.core as unknown as { state: { scheduler: Scheduler } }).state.scheduler;
}

/** Ids of the tasks that the worker has, in the order in which it got them. */
export function idsAt(cluster: FakeCluster, worker: number): number[] {
  return [...cluster.workers.get(worker)!.tasks.keys()].map((row) => cluster.core.taskIdOf(row));
}

/** Where the client's task was sent, or its result is; -1: nowhere. */
export function workerOf(cluster: FakeCluster, id: number): number {
  return cluster.core.table.worker[cluster.row(0, id)];
}

/** The variant of its request that an assigned task got, e.g. "2 cpus, 1 gpus". */
export function requestOf(cluster: FakeCluster, id: number): string | undefined {
  const request = cluster.core.requestOf(cluster.row(0, id));
  if (request === undefined) return undefined;
  const parts = request.amounts.map(({ name, amount }) => `${amount} ${name}`);
  if (request.cpus > 0) parts.unshift(`${request.cpus} cpus`);
  return parts.join(", ");
}

/** Finishes the task wherever it is. */
export function finish(cluster: FakeCluster, ...ids: number[]): void {
  for (const id of ids) cluster.finish(workerOf(cluster, id), cluster.row(0, id));
}

/**
 * Passes and finishes, one task at a time, the oldest at each worker; returns the ids in the order in
 * which they were sent.
 */
export function orderOfAssignment(cluster: FakeCluster, passes = 10_000): number[] {
  const seen = new Set<number>();
  for (let i = 0; i < passes; i++) {
    cluster.schedule();
    let open = false;
    for (const worker of cluster.workers.keys()) {
      for (const id of idsAt(cluster, worker)) seen.add(id);
      const row = cluster.runnable(worker)[0];
      if (row === undefined) continue;
      cluster.finish(worker, row);
      open = true;
    }
    if (!open) break;
  }
  return [...seen];
}
