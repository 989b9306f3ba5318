/** Cores that are there and cores that tasks hold, over time, of each worker and of all. */
import { ExecutionEnd } from "../../trace/index.js";
import type { ViewData } from "../page/view-data.js";
import type { Mask } from "./sorted-order.js";
import { combined, StepBuilder, type StepFunction } from "./step-function.js";

export interface CoreUse {
  /** Held by tasks, also by attempts that came to nothing. One entry a worker. */
  readonly busy: readonly StepFunction[];
  /** Of the worker while it was there, that no task held. */
  readonly idle: readonly StepFunction[];
  /** The sum over all workers. */
  readonly allBusy: StepFunction;
  readonly allIdle: StepFunction;
}

export function coreUse(data: ViewData): CoreUse {
  const { workers, durationMs } = data;
  const capacity = workers.map(() => new StepBuilder());
  const allCapacity = new StepBuilder();
  workers.forEach(({ cpus, joinedMs, goneMs }, worker) => {
    const endMs = Number.isNaN(goneMs) ? durationMs : goneMs;
    capacity[worker].span(joinedMs, endMs, cpus);
    allCapacity.span(joinedMs, endMs, cpus);
  });
  const { busy, allBusy } = coresInUse(data);
  return {
    busy,
    idle: busy.map((used, worker) => combined(capacity[worker].build(), used, less)),
    allBusy,
    allIdle: combined(allCapacity.build(), allBusy, less),
  };
}

/** Milliseconds of cores that tasks held, and that there were: without regard to when. */
export function heldCores(data: ViewData): { readonly heldMs: number; readonly thereMs: number } {
  let heldMs = 0;
  forEachExecution(data, (_task, _worker, startMs, endMs, cores) => {
    if (endMs > startMs) heldMs += (endMs - startMs) * cores;
  });
  const thereMs = data.workers.reduce((sum, { cpus, joinedMs, goneMs }) => {
    const endMs = Number.isNaN(goneMs) ? data.durationMs : goneMs;
    return sum + cpus * Math.max(0, endMs - joinedMs);
  }, 0);
  return { heldMs, thereMs };
}

function less(there: number, used: number): number {
  return there - used;
}

/** Cores that tasks hold, also attempts that came to nothing: of each worker, and of all. */
export function coresInUse(data: ViewData, mask?: Mask): Pick<CoreUse, "busy" | "allBusy"> {
  const busy = data.workers.map(() => new StepBuilder());
  const allBusy = new StepBuilder(data.tasks.count * 2);
  forEachExecution(data, (task, worker, startMs, endMs, cores) => {
    if (mask !== undefined && mask[task] === 0) return;
    busy[worker].span(startMs, endMs, cores);
    allBusy.span(startMs, endMs, cores);
  });
  return { busy: busy.map((builder) => builder.build()), allBusy: allBusy.build() };
}

/**
 * Calls `visit` for everything that ran on a worker: tasks as they finished or failed (or still run: up to the
 * end), and attempts that came to nothing.
 *
 * @param visit `execution`: number of the attempt; -1: the task's last
 */
export function forEachExecution(
  { tasks, executions, workers, durationMs }: ViewData,
  visit: (
    task: number,
    worker: number,
    startMs: number,
    endMs: number,
    cores: number,
    execution: number,
  ) => void,
): void {
  for (let task = 0; task < tasks.count; task++) {
    const worker = tasks.worker[task];
    const startMs = tasks.startedMs[task];
    if (worker < 0 || worker >= workers.length || Number.isNaN(startMs)) continue;
    const finishedMs = tasks.finishedMs[task];
    const endMs = Number.isNaN(finishedMs) ? durationMs : finishedMs;
    visit(task, worker, startMs, endMs, tasks.cores[task], -1);
  }
  for (let i = 0; i < executions.count; i++) {
    const worker = executions.worker[i];
    const startMs = executions.startedMs[i];
    if (worker < 0 || worker >= workers.length || Number.isNaN(startMs)) continue;
    const task = executions.task[i];
    // The last attempt of a task that failed or still runs is in the task's own columns, too.
    if (isLastAttempt(executions.end[i], tasks.startedMs[task], startMs)) continue;
    visit(task, worker, startMs, executions.endedMs[i], tasks.cores[task], i);
  }
}

function isLastAttempt(end: number, taskStartedMs: number, startedMs: number): boolean {
  return (end === ExecutionEnd.failed || end === ExecutionEnd.open) && taskStartedMs === startedMs;
}
