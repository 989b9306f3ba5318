/**
 * The records of the worker's core: a task, a row (the object that it makes, or that it
 * takes), a fetch. Plain data; only the core and its queues change them.
 */
import type { AssignRecord } from "../protocol/index.js";
import type { TaskHolding } from "./task-holding.js";
import type { WorkerRequest } from "./worker-request.js";

/**
 * States of a {@link WorkerTask}:
 *
 *     waiting --all inputs here--> ready --nextStartable--> running --finished, failed--> gone
 *        |                           |                         |
 *        '-- retract, cancel, input lost --> gone              '--cancel--> cancelled --> gone
 *
 * `waiting` ⇔ `missing` > 0, and it is in the waiting list of each missing input.
 * `ready` ⇔ it is in one of the ready queues. `running` and `cancelled`: holds what it asked for.
 * `waiting`, `ready` and `running` ⇔ `entry.task` is it, and it counts in `wanted` of its inputs.
 */
export const TaskState = { waiting: 0, ready: 1, running: 2, cancelled: 3, gone: 4 } as const;

const NO_CORES: readonly number[] = [];
const NO_INPUTS: RowEntry[] = [];

/** One attempt to execute one task on this worker. */
export class WorkerTask {
  readonly row: number;
  readonly attempt: number;
  /** Symbol number. */
  readonly taskType: number;
  /** What it asks for; undefined: nothing, it is a light task. */
  readonly request: WorkerRequest | undefined;
  /** Higher starts first; of tasks with a request. */
  readonly priority: number;
  /** The client's id of the task; 0 where functions can't ask for it. */
  readonly taskId: number;
  /** How often it was lost with another worker; 0 where functions can't ask for it. */
  readonly losses: number;
  /** The frame it came in; config and extras are in it. */
  readonly frame: Uint8Array;
  readonly configStart: number;
  readonly configLength: number;
  readonly extrasStart: number;
  /** 0 = none. */
  readonly extrasLength: number;
  /** One per input, in order; the same entry may be there several times. */
  readonly inputs: RowEntry[];
  /** The row that it makes. */
  readonly entry: RowEntry;
  /** Position in the order of assignment. */
  readonly order: number;
  state: number = TaskState.waiting;
  /** Inputs (with repetitions) that are not in the store yet. */
  missing = 0;
  /** How often a task behind it started while this one, at the head, did not fit. */
  passedOver = 0;
  /** It is a light task and counts among the asynchronous ones. */
  countsAsync = false;
  /** What it holds, alone or with others. */
  held: TaskHolding | undefined = undefined;

  constructor(
    record: AssignRecord,
    entry: RowEntry,
    order: number,
    request: WorkerRequest | undefined,
  ) {
    this.row = record.row;
    this.attempt = record.attempt;
    this.taskType = record.taskType;
    this.request = request;
    this.priority = record.priority || 0; // 0 for NaN, which would break the order of heaps
    this.taskId = record.taskId;
    this.losses = record.losses;
    this.frame = record.frame;
    this.configStart = record.configStart;
    this.configLength = record.configLength;
    this.extrasStart = record.extrasStart;
    this.extrasLength = record.extrasLength;
    this.inputs = record.inputCount === 0 ? NO_INPUTS : new Array(record.inputCount);
    this.entry = entry;
    this.order = order;
  }

  /** Numbers (0-based) of the core slots it holds. */
  get cores(): readonly number[] {
    return this.held === undefined ? NO_CORES : this.held.cores;
  }

  /** Number of cores it asks for. */
  get cpus(): number {
    return this.request === undefined ? 0 : this.request.cpus;
  }
}

/** Whether `a`, when both can start, starts before `b`. */
export function startsBefore(a: WorkerTask, b: WorkerTask): boolean {
  return a.priority > b.priority || (a.priority === b.priority && a.order < b.order);
}

/**
 * What this worker knows of a row. It exists ⇔ `task` or `kept` or `prefetched` or `wanted` > 0.
 */
export class RowEntry {
  /** The task here that makes the object (waiting, ready or running). */
  task: WorkerTask | undefined = undefined;
  /** The object is in the store. Implies `kept` or `wanted` > 0. */
  inStore = false;
  /** The server counts on the object being here until it says drop. Implies `inStore`. */
  kept = false;
  /** The server wants it here for tasks to come, and it is being fetched. Implies `fetch`. */
  prefetched = false;
  /** Inputs of tasks here (waiting, ready or running) that are this object. */
  wanted = 0;
  /** Tasks waiting for it: the first, then the others. Those that are gone are skipped. */
  firstWaiting: WorkerTask | undefined = undefined;
  moreWaiting: WorkerTask[] | undefined = undefined;
  /** How many in `moreWaiting` may be gone; decides when to clean it. */
  staleWaiting = 0;
  /** Its download, queued or active. Implies not `inStore`, and `prefetched` or `wanted` > 0. */
  fetch: ObjectFetch | undefined = undefined;

  constructor(readonly row: number) {}

  addWaiting(task: WorkerTask): void {
    if (this.firstWaiting === undefined) this.firstWaiting = task;
    else if (this.moreWaiting === undefined) this.moreWaiting = [task];
    else this.moreWaiting.push(task);
  }

  /** Nobody waits for it any more. */
  clearWaiting(): void {
    this.firstWaiting = undefined;
    this.moreWaiting = undefined;
    this.staleWaiting = 0;
  }

  /** One more of the waiting tasks is gone. Keeps the list within twice its live length. */
  waitingGone(): void {
    this.staleWaiting++;
    const more = this.moreWaiting;
    if (more === undefined || this.staleWaiting < 32 || this.staleWaiting * 2 < more.length) return;
    this.moreWaiting = more.filter((task) => task.state === TaskState.waiting);
    this.staleWaiting = 0;
  }
}

/** One object on its way from another worker; one however many tasks want it. */
export class ObjectFetch {
  readonly row: number;
  /** Worker indices, best first; later assignments may add some. */
  readonly holders: number[];
  /** Bit per position in `holders`: asked already. */
  readonly tried: boolean[] = [];
  /** The worker that it is (or is going to be) fetched from. */
  holder = -1;
  /** Started, not only queued. */
  active = false;

  constructor(
    readonly entry: RowEntry,
    /** Size of the object as the server knows it. */
    readonly sizeBytes: number,
    holders: number[],
    /** Position in the order in which fetches were asked for. */
    readonly order: number,
    /** A task that was assigned waits for it. */
    public urgent: boolean,
  ) {
    this.row = entry.row;
    this.holders = holders;
  }

  /** Still wanted: neither aborted nor made superfluous. */
  get live(): boolean {
    return this.entry.fetch === this;
  }
}
