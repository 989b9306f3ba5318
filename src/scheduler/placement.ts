/**
 * Where a task with a request should go: the worker at which it is estimated to start first. Looked at
 * are only the holders of its inputs, the worker where a sibling went (a task with a common
 * user: their results will be needed together), and the least loaded workers; so a
 * decision costs the same however many workers there are. Also: where light tasks go.
 */
import type { RequestVariant } from "./request-kind.js";
import type { Scheduler } from "./scheduler.js";
import type { TaskClass } from "./task-class.js";
import { TaskState } from "./task-state.js";
import type { TaskView } from "./task-view.js";
import { LARGE_BYTES } from "./transfers.js";
import type { WorkerLoad } from "./worker-load.js";

/** Only the first inputs are looked at: a task with 100,000 inputs costs no more than others. */
const INPUTS_CONSIDERED = 16;
const MAX_CANDIDATES = 8;

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
export function missingBytes(scheduler: Scheduler, row: number, worker: number): number {
  const { tasks, transfers } = scheduler;
  const start = tasks.inputStart[row];
  const count = Math.min(tasks.inputCount[row], INPUTS_CONSIDERED);
  let bytes = 0;
  for (let i = 0; i < count; i++) {
    const input = tasks.edgeInput[start + i];
    if (tasks.inlineCell[input] >= 0 || tasks.holds(worker, input)) continue;
    const size = tasks.size[input];
    if (size >= LARGE_BYTES && transfers.isOnWay(input, worker)) continue;
    bytes += size;
  }
  return bytes;
}

/**
 * How long the task would wait there for its inputs: for those that are on their way, and for the `missing` bytes
 * behind them.
 */
export function dataMs(
  scheduler: Scheduler,
  row: number,
  load: WorkerLoad,
  missing: number,
): number {
  const { estimates } = scheduler;
  const transferMs = estimates.transferMs(load, missing);
  if (!waitsFor(scheduler, row, load)) return transferMs;
  return Math.max(transferMs, estimates.arrivalMs(load));
}

/** Whether some input is on its way to the worker. */
function waitsFor({ tasks, transfers }: Scheduler, row: number, load: WorkerLoad): boolean {
  if (load.incomingBytes === 0) return false;
  const start = tasks.inputStart[row];
  const count = Math.min(tasks.inputCount[row], INPUTS_CONSIDERED);
  for (let i = 0; i < count; i++) {
    if (transfers.isOnWay(tasks.edgeInput[start + i], load.index)) return true;
  }
  return false;
}

/** Bytes of the first inputs that the worker does not have, those on their way to it too. */
export function lackedBytes({ tasks }: Scheduler, row: number, worker: number): number {
  const start = tasks.inputStart[row];
  const count = Math.min(tasks.inputCount[row], INPUTS_CONSIDERED);
  let bytes = 0;
  for (let i = 0; i < count; i++) {
    const input = tasks.edgeInput[start + i];
    if (tasks.inlineCell[input] < 0 && !tasks.holds(worker, input)) bytes += tasks.size[input];
  }
  return bytes;
}

/**
 * Whether the task, with a result of so many bytes in memory, frees little of it: then it is not to be
 * begun where memory would overflow.
 */
export function onlyAdds(tasks: TaskView, row: number, resultBytes: number): boolean {
  if (resultBytes < LARGE_BYTES) return false;
  const start = tasks.inputStart[row];
  const count = Math.min(tasks.inputCount[row], INPUTS_CONSIDERED);
  let bytes = 0;
  for (let i = 0; i < count; i++) bytes += tasks.size[tasks.edgeInput[start + i]];
  return 2 * bytes < resultBytes;
}

export class Placement {
  /** Result of choose(): the worker, undefined: nobody has room. */
  worker: WorkerLoad | undefined;
  variant!: RequestVariant;
  /**
   * False: waiting in the queue of `worker`, which has the data, is better than moving the data to a
   * worker that has room.
   */
  hasRoom = false;

  private readonly candidates: WorkerLoad[] = [];
  /** Some worker was passed over as its memory would overflow. */
  heldBack = false;
  private onlyAdds = false;
  private addedBytes = 0;
  private durationMs = 0;
  private bestMs = 0;
  private bestMissing = 0;
  private waitingFor: WorkerLoad | undefined;
  private waitingVariant!: RequestVariant;
  private waitingMs = 0;

  constructor(private readonly scheduler: Scheduler) {}

  /** Finds the worker for a ready task with a request. */
  choose(row: number, taskClass: TaskClass): void {
    const { scheduler, candidates } = this;
    this.worker = undefined;
    this.waitingFor = undefined;
    this.heldBack = false;
    this.bestMs = Number.POSITIVE_INFINITY;
    this.waitingMs = Number.POSITIVE_INFINITY;
    candidates.length = 0;
    this.addedBytes = scheduler.estimates.memoryBytes(row, taskClass);
    this.onlyAdds = onlyAdds(scheduler.tasks, row, this.addedBytes);
    this.durationMs = scheduler.estimates.durationMs(row, taskClass);
    this.addHolders(row);
    this.addSibling(row);
    const able = scheduler.index.ableOf(taskClass.shape, scheduler.alive);
    for (let i = 0; i < able.length; i++) {
      const least = able[i].least();
      if (least !== undefined && !candidates.includes(least)) candidates.push(least);
    }
    const { variants } = taskClass.shape.kind;
    for (let k = 0; k < variants.length; k++) {
      for (let i = 0; i < candidates.length; i++) {
        const load = candidates[i];
        if (!load.offers(taskClass.shape.taskType) || !load.couldServe(variants[k])) continue;
        this.consider(row, load, variants[k]);
      }
    }
    this.hasRoom = true;
    // The holder of the data has no room now, but what it does will be done before the data would be elsewhere.
    if (this.worker !== undefined && this.waitingMs < this.bestMs) {
      this.worker = this.waitingFor;
      this.variant = this.waitingVariant;
      this.hasRoom = false;
    }
  }

  private consider(row: number, load: WorkerLoad, variant: RequestVariant): void {
    const { scheduler } = this;
    const { estimates } = scheduler;
    if (this.onlyAdds && !load.mayAdd(this.addedBytes)) {
      this.heldBack = true;
      return;
    }
    const missing = missingBytes(scheduler, row, load.index);
    const startMs = estimates.startMs(load, variant);
    const ms = Math.max(startMs, dataMs(scheduler, row, load, missing));
    if (load.fits(variant) || estimates.mayQueue(load, variant, this.durationMs, missing)) {
      if (ms > this.bestMs) return;
      if (ms === this.bestMs && this.worker !== undefined) {
        // Variants are in order of preference: a later one must be better.
        if (variant !== this.variant || missing > this.bestMissing) return;
        if (missing === this.bestMissing && !this.isLessLoaded(load, variant)) return;
      }
      this.worker = load;
      this.variant = variant;
      this.bestMs = ms;
      this.bestMissing = missing;
    } else if (ms < this.waitingMs) {
      this.waitingFor = load;
      this.waitingVariant = variant;
      this.waitingMs = ms;
    }
  }

  private isLessLoaded(load: WorkerLoad, variant: RequestVariant): boolean {
    if (this.worker === load) return false;
    return load.loadFor(variant) < this.worker!.loadFor(this.variant);
  }

  private addHolders(row: number): void {
    const { tasks, transfers, workers } = this.scheduler;
    const start = tasks.inputStart[row];
    const count = Math.min(tasks.inputCount[row], INPUTS_CONSIDERED);
    for (let i = 0; i < count; i++) {
      const input = tasks.edgeInput[start + i];
      if (tasks.inlineCell[input] >= 0) continue;
      this.add(workers[tasks.worker[input]]);
      if (tasks.size[input] < LARGE_BYTES) continue;
      for (const holder of tasks.holders(input)) this.add(workers[holder]);
      for (const destination of transfers.destinations(input)) this.add(workers[destination]);
    }
  }

  /** Where another input of the first user is. */
  private addSibling(row: number): void {
    const { tasks, workers } = this.scheduler;
    const edge = tasks.userHead[row];
    if (edge < 0) return;
    const user = tasks.edgeUser[edge];
    const start = tasks.inputStart[user];
    const count = Math.min(tasks.inputCount[user], 4);
    for (let i = 0; i < count; i++) {
      const sibling = tasks.edgeInput[start + i];
      if (sibling !== row) this.add(workers[tasks.worker[sibling]]);
    }
  }

  private add(load: WorkerLoad | undefined): void {
    const { candidates } = this;
    if (load === undefined || candidates.length >= MAX_CANDIDATES) return;
    if (!candidates.includes(load)) candidates.push(load);
  }
}
