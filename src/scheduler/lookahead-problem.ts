/**
 * What is open, in the form in which the lookahead wants it. Called by the guide.
 *
 * Light tasks with one input (elements, slices) are no tasks there: they go where their input is, so
 * their results are objects that the task which makes the input makes as well.
 */
import type { LookaheadProblem } from "./lookahead/index.js";
import type { Scheduler } from "./scheduler.js";
import type { TaskShape } from "./task-class.js";
import { TaskFlag, TaskState } from "./task-state.js";
import { ableFor } from "./worker-index.js";
import type { WorkerLoad } from "./worker-load.js";

/** Open tasks with requests, and open tasks of any kind, at most. */
const MAX_HEAVY = 4096;
const MAX_TASKS = 65_536;
/** Rows of all plans, at most: with more of them finding the open ones would take too long for a pass. */
const MAX_ROWS = 2_000_000;

export interface SearchedTasks {
  readonly problem: LookaheadProblem;
  /** The row of each of its tasks. */
  readonly rows: number[];
  readonly workers: readonly WorkerLoad[];
  /** The least time in which the cores that are there could do it. */
  readonly workMs: number;
}

/**
 * Undefined: not to be planned, as there are too many tasks, or execution times are not known, or
 * something else than cores is asked for, or memory may become short.
 */
export function buildProblem(scheduler: Scheduler): SearchedTasks | undefined {
  const open = openRows(scheduler);
  if (open === undefined) return undefined;
  const workers = [...scheduler.alive];
  if (!fitsMemory(scheduler, open, workers)) return undefined;
  const objects = new Objects(scheduler, workers);
  const rows = open.filter((row) => !objects.derive(row));
  if (rows.length < 2) return undefined;
  const tasks = describeTasks(scheduler, rows, workers);
  const inputStart = new Uint32Array(rows.length + 1);
  const inputs: number[] = [];
  rows.forEach((row, i) => {
    const { tasks: table } = scheduler;
    const end = table.inputStart[row] + table.inputCount[row];
    for (let edge = table.inputStart[row]; edge < end; edge++) {
      inputs.push(objects.numberOf(table.edgeInput[edge]));
    }
    inputStart[i + 1] = inputs.length;
  });
  const problem: LookaheadProblem = {
    ...tasks,
    ...objects.columns(rows),
    workerCount: workers.length,
    workerCpus: Uint16Array.from(workers, (load) => load.cpus),
    workerSpeed: Float64Array.from(workers, (load) => 1 / load.slowness),
    taskCount: rows.length,
    inputStart,
    inputs: Uint32Array.from(inputs),
    network: scheduler.transfers.network,
  };
  const cores = workers.reduce((sum, load) => sum + load.cpus, 0);
  let workCpuMs = 0;
  for (let i = 0; i < rows.length; i++) workCpuMs += tasks.durationMs[i] * tasks.cpus[i];
  return { problem, rows, workers, workMs: workCpuMs / cores };
}

/** Objects that open tasks make or need, numbered as they are met. */
class Objects {
  private readonly numbers = new Map<number, number>();
  /** By object: the row that makes it (that of the producer, for derived ones). */
  private readonly madeBy: number[] = [];
  private readonly bytes: number[] = [];
  private readonly workerNumber: Map<number, number>;

  constructor(
    private readonly scheduler: Scheduler,
    workers: readonly WorkerLoad[],
  ) {
    this.workerNumber = new Map(workers.map((load, i) => [load.index, i]));
  }

  /** Whether the row is that of a light task with one input; its object is then known here. */
  derive(row: number): boolean {
    const { tasks, classes } = this.scheduler;
    if (tasks.inputCount[row] !== 1 || !classes.list[tasks.taskClass[row]].light) return false;
    const source = this.numberOf(tasks.edgeInput[tasks.inputStart[row]]);
    this.add(row, this.madeBy[source], this.expectedBytes(row));
    return true;
  }

  /** The number of the object of the row. */
  numberOf(row: number): number {
    const known = this.numbers.get(row);
    if (known !== undefined) return known;
    const { tasks } = this.scheduler;
    const exists = tasks.state[row] === TaskState.finished;
    return this.add(row, row, exists ? tasks.size[row] : this.expectedBytes(row));
  }

  /** @param rows those of the tasks, in the order of their numbers */
  columns(
    rows: readonly number[],
  ): Pick<
    LookaheadProblem,
    "objectCount" | "objectBytes" | "objectProducer" | "holderStart" | "holders"
  > {
    const { tasks } = this.scheduler;
    const taskOf = new Map(rows.map((row, i) => [row, i]));
    const holderStart = new Uint32Array(this.madeBy.length + 1);
    const holders: number[] = [];
    this.madeBy.forEach((row, object) => {
      // A small one, which the server has itself, is everywhere.
      if (!taskOf.has(row) && tasks.inlineCell[row] < 0) {
        for (const holder of tasks.holders(row)) holders.push(this.workerNumber.get(holder)!);
      }
      holderStart[object + 1] = holders.length;
    });
    return {
      objectCount: this.madeBy.length,
      objectBytes: Float64Array.from(this.bytes),
      objectProducer: Int32Array.from(this.madeBy, (row) => taskOf.get(row) ?? -1),
      holderStart,
      holders: Uint16Array.from(holders),
    };
  }

  private add(row: number, madeBy: number, bytes: number): number {
    const number = this.madeBy.push(madeBy) - 1;
    this.bytes.push(bytes);
    this.numbers.set(row, number);
    return number;
  }

  private expectedBytes(row: number): number {
    const { tasks, classes, declared } = this.scheduler;
    const bytes = declared.resultBytes(row);
    return bytes >= 0 ? bytes : (classes.list[tasks.taskClass[row]].resultBytes ?? 0);
  }
}

function describeTasks(
  scheduler: Scheduler,
  rows: readonly number[],
  workers: readonly WorkerLoad[],
): Pick<
  LookaheadProblem,
  "durationMs" | "cpus" | "userPriority" | "runningAt" | "remainingMs" | "allowed"
> {
  const { tasks, classes, estimates } = scheduler;
  const workerNumber = new Map(workers.map((load, i) => [load.index, i]));
  const count = rows.length;
  const durationMs = new Float64Array(count);
  const cpus = new Uint16Array(count);
  const userPriority = new Int8Array(count);
  const runningAt = new Int32Array(count).fill(-1);
  const remainingMs = new Float64Array(count);
  /** Where those are that have been sent already: -1, not yet. */
  const sentTo = new Int32Array(count).fill(-1);
  const shapes: TaskShape[] = [];
  rows.forEach((row, i) => {
    const taskClass = classes.list[tasks.taskClass[row]];
    shapes.push(taskClass.shape);
    durationMs[i] = estimates.durationMs(row, taskClass);
    if (!taskClass.light) cpus[i] = scheduler.variantOf(row).cpus;
    userPriority[i] = taskClass.priority;
    if (tasks.state[row] !== TaskState.assigned) return;
    sentTo[i] = workerNumber.get(tasks.worker[row])!;
    if (!(tasks.flags[row] & TaskFlag.started)) return;
    runningAt[i] = sentTo[i];
    // When it began is not known.
    remainingMs[i] = durationMs[i] / 2;
  });
  const anywhere =
    sentTo.every((worker) => worker < 0) &&
    [...new Set(shapes)].every((shape) => workers.every((load) => ableFor(shape, load)));
  if (anywhere) return { durationMs, cpus, userPriority, runningAt, remainingMs };
  const allowed = (task: number, worker: number): boolean =>
    sentTo[task] >= 0 ? sentTo[task] === worker : ableFor(shapes[task], workers[worker]);
  return { durationMs, cpus, userPriority, runningAt, remainingMs, allowed };
}

/**
 * Whether all results fit into the workers' memory at once. If not it matters in which order memory is freed, of
 * which plans know nothing.
 */
function fitsMemory(
  { classes, estimates, tasks }: Scheduler,
  rows: readonly number[],
  workers: readonly WorkerLoad[],
): boolean {
  const freeBytes = workers.reduce((sum, { memory }) => sum + memory.freeBytes, 0);
  let bytes = 0;
  for (const row of rows) bytes += estimates.memoryBytes(row, classes.list[tasks.taskClass[row]]);
  return bytes <= freeBytes;
}

/** Rows of open tasks, inputs before users; undefined: not to be planned. */
function openRows(scheduler: Scheduler): number[] | undefined {
  const { tasks, classes, declared, ranking } = scheduler;
  const rows: number[] = [];
  let heavy = 0;
  if (ranking.rows > MAX_ROWS) return undefined;
  for (const { firstRow, count, dynamic } of ranking.ranges()) {
    if (dynamic) continue;
    for (let row = firstRow; row < firstRow + count; row++) {
      const state = tasks.state[row];
      if (state < TaskState.waiting || state > TaskState.assigned) continue;
      const taskClass = classes.list[tasks.taskClass[row]];
      if (!taskClass.light) {
        if (!taskClass.known && !(declared.durationMs(row) >= 0)) return undefined;
        if (!taskClass.shape.kind.cpusOnly || heavy++ === MAX_HEAVY) return undefined;
      }
      if (rows.length === MAX_TASKS) return undefined;
      rows.push(row);
    }
  }
  return rows;
}
