/**
 * How fast a workload could be at best on a cluster: no schedule is faster. Transfers and all
 * costs are left out. Called by the simulation's report.
 */
import type { WorkerSpec } from "./worker-spec.js";
import type { Workload } from "./workload.js";

export interface LowerBounds {
  /** The largest of those below. */
  readonly ms: number;
  /** The longest chain of tasks, on the fastest worker. */
  readonly criticalPathMs: number;
  /** By resource that tasks ask for: all they hold of it, divided by all there is. */
  readonly perResourceMs: Readonly<Record<string, number>>;
  /** Light tasks, executed by each worker one after the other. */
  readonly lightMs: number;
}

/** @param workers all that are there at some time */
export function lowerBounds(workload: Workload, workers: readonly WorkerSpec[]): LowerBounds {
  const { taskCount, durationMs, kinds, kind, inputStart, inputs } = workload;
  const speed = workers.reduce((most, worker) => Math.max(most, worker.speed), 0);
  const ends = new Float64Array(taskCount);
  const kindMs = new Float64Array(kinds.length);
  let longest = 0;
  for (let task = 0; task < taskCount; task++) {
    let start = 0;
    for (let k = inputStart[task]; k < inputStart[task + 1]; k++) {
      if (ends[inputs[k]] > start) start = ends[inputs[k]];
    }
    ends[task] = start + durationMs[task];
    kindMs[kind[task]] += durationMs[task];
    if (ends[task] > longest) longest = ends[task];
  }
  const held = new Map<string, number>();
  let lightWork = 0;
  kinds.forEach(({ request: { cpus, amounts } }, k) => {
    if (cpus === 0 && amounts.length === 0) lightWork += kindMs[k];
    for (const { name, amount } of [{ name: "cpus", amount: cpus }, ...amounts]) {
      if (amount > 0) held.set(name, (held.get(name) ?? 0) + amount * kindMs[k]);
    }
  });
  const perResourceMs: Record<string, number> = {};
  for (const [name, amountMs] of held) {
    const there = workers.reduce((sum, worker) => sum + worker.speed * amountAt(worker, name), 0);
    perResourceMs[name] = there === 0 ? Number.POSITIVE_INFINITY : amountMs / there;
  }
  const criticalPathMs = speed === 0 ? Number.POSITIVE_INFINITY : longest / speed;
  const lightMs = lightWork / workers.reduce((sum, worker) => sum + worker.speed, 0);
  const bounds = [criticalPathMs, lightWork === 0 ? 0 : lightMs, ...Object.values(perResourceMs)];
  return {
    ms: Math.max(...bounds),
    criticalPathMs,
    perResourceMs,
    lightMs: lightWork === 0 ? 0 : lightMs,
  };
}

function amountAt(worker: WorkerSpec, name: string): number {
  if (name === "cpus") return worker.cpus;
  return worker.resources.find((resource) => resource.name === name)?.amount ?? 0;
}
