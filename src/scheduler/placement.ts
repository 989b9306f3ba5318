/**
 * Where a task should go. Pure functions of the tasks' columns and the workers' loads.
 */
import type { Scheduler } from "./scheduler.js";
import type { TaskClass } from "./task-class.js";
import { TaskState } from "./task-state.js";
import type { TaskView } from "./task-view.js";
import type { WorkerLoad } from "./worker-load.js";

/** Only the first inputs are looked at: a task with 100,000 inputs costs no more than others. */
const INPUTS_CONSIDERED = 16;
/** Assumed until bandwidth is measured: 1 GB/s. */
const BYTES_PER_MS = 1e6;

/** The worker that holds most bytes of the first inputs of a ready task; -1: none does. */
export function preferredWorker(tasks: TaskView, row: number): number {
  const start = tasks.inputStart[row];
  const count = Math.min(tasks.inputCount[row], INPUTS_CONSIDERED);
  const { edgeInput, worker, size } = tasks;
  const first = count === 0 ? -1 : worker[edgeInput[start]];
  if (count === 1) return first;
  let best = first;
  let bestBytes = -1;
  for (let i = 0; i < count; i++) {
    const candidate = worker[edgeInput[start + i]];
    if (candidate < 0 || (candidate === best && bestBytes >= 0)) continue;
    let bytes = 0;
    for (let k = i; k < count; k++) {
      const input = edgeInput[start + k];
      if (worker[input] === candidate) bytes += size[input];
    }
    if (bytes > bestBytes) {
      best = candidate;
      bestBytes = bytes;
    }
  }
  return best;
}

/** The one worker at which all unfinished inputs are assigned; -1: there are several, or none. */
export function unfinishedAllAt(tasks: TaskView, row: number): number {
  const start = tasks.inputStart[row];
  const end = start + tasks.inputCount[row];
  const { edgeInput, worker, state } = tasks;
  let at = -1;
  for (let edge = start; edge < end; edge++) {
    const input = edgeInput[edge];
    if (state[input] !== TaskState.assigned) continue;
    if (at === -1) at = worker[input];
    else if (worker[input] !== at) return -1;
  }
  return at;
}

/** Bytes of the first inputs that the worker would have to fetch. */
export function missingBytes(tasks: TaskView, row: number, worker: number): number {
  const start = tasks.inputStart[row];
  const count = Math.min(tasks.inputCount[row], INPUTS_CONSIDERED);
  let bytes = 0;
  for (let i = 0; i < count; i++) {
    const input = tasks.edgeInput[start + i];
    if (!tasks.holds(worker, input)) bytes += tasks.size[input];
  }
  return bytes;
}

/**
 * The worker for a ready task with cpus: one with free cores that misses the fewest bytes; else
 * the least loaded one that may queue more. `fits` is false when waiting in the queue of the
 * worker that has the data is better than moving the data to a free one. Undefined: nobody has room.
 */
export function heavyWorkerFor(
  scheduler: Scheduler,
  row: number,
  taskClass: TaskClass,
): { load: WorkerLoad; fits: boolean } | undefined {
  const { tasks } = scheduler;
  const { cpus, taskType } = taskClass;
  const holder = scheduler.workers[preferredWorker(tasks, row)];
  let free: WorkerLoad | undefined;
  let queue: WorkerLoad | undefined;
  for (const load of scheduler.alive) {
    if (load.cpus < cpus || !load.offers(taskType)) continue;
    if (load.freeCpus >= cpus) {
      if (free === undefined || load.freeCpus > free.freeCpus) free = load;
    } else if (load.cpusAssigned + cpus <= scheduler.cpuLimit(load, taskClass)) {
      if (queue === undefined || relative(load) < relative(queue)) queue = load;
    }
  }
  const holderAble = holder !== undefined && holder.cpus >= cpus && holder.offers(taskType);
  if (free === undefined) {
    if (holderAble && holder.cpusAssigned + cpus <= scheduler.cpuLimit(holder, taskClass)) {
      const transferMs = missingBytes(tasks, row, queue?.index ?? -1) / BYTES_PER_MS;
      const extraMs = (relative(holder) - relative(queue ?? holder)) * taskClass.durationMs;
      if (transferMs >= extraMs) return { load: holder, fits: true };
    }
    return queue === undefined ? undefined : { load: queue, fits: true };
  }
  if (!holderAble || holder === free) return { load: free, fits: true };
  if (holder.freeCpus >= cpus) return { load: holder, fits: true };
  const transferMs = missingBytes(tasks, row, free.index) / BYTES_PER_MS;
  return transferMs <= scheduler.waitMs(holder, taskClass)
    ? { load: free, fits: true }
    : { load: holder, fits: false };
}

function relative(load: WorkerLoad): number {
  return load.cpusAssigned / load.cpus;
}
