/** Clusters and tasks for tests of plans made ahead, and what of such a plan can be looked at. */
import type { Guide } from "../../src/scheduler/guide.js";
import type { FakeCluster, TestTask } from "../server-core/fake-cluster.js";
import { clusterOf, schedulerOf } from "./scheduling.js";

/** A task of a declared time, of a second and a core if nothing else is said. */
export const second = (inputs: number[] = [], more: Partial<TestTask> = {}): TestTask => ({
  inputs,
  cpus: 1,
  expectedMs: 1000,
  result: true,
  ...more,
});

export const guideOf = (cluster: FakeCluster): Guide => schedulerOf(cluster).guide;

/** The worker that the plan has for client 0's task. */
export const plannedFor = (cluster: FakeCluster, id: number): number | undefined =>
  guideOf(cluster).workerFor(cluster.row(0, id))?.index;

/** A plan of which a search does not find at once that nothing is better. */
export const hardPlan = (n: number, idBase = 0): TestTask[] =>
  Array.from({ length: n }, (_, i) => {
    const inputs = i < 40 ? [] : [idBase + ((i * 7) % (i - 20)), idBase + ((i * 13) % (i - 10))];
    return second(inputs, { expectedMs: 1000 + ((i * 7919) % 20_000) });
  });

/** Passes until no plan is searched; fails if that takes long. Returns how many passes held tasks back. */
export function search(cluster: FakeCluster): number {
  for (let pass = 0; pass < 200; pass++) {
    cluster.schedule();
    if (!guideOf(cluster).holdsBack) {
      cluster.schedule();
      return pass;
    }
  }
  throw new Error("held back for 200 passes");
}

/** A cluster with so many tasks of a second, planned and sent. */
export function clusterWithPlan(cpus: readonly number[], count: number): FakeCluster {
  const cluster = clusterOf(cpus);
  cluster.submit(
    0,
    0,
    Array.from({ length: count }, () => second()),
  );
  search(cluster);
  return cluster;
}
