/** A task makes progress at its worker: it has started, or finished. */
import { TaskFlag, TaskState } from "../scheduler/index.js";
import type { CoreState } from "./core-state.js";
import { expand } from "./expansion/index.js";
import { countFinished, countStarted } from "./label-counts.js";
import { NONE } from "./task-table.js";

/** `inlineLength` of a result that takes no memory at its worker. */
const IN_FILE = -2;

/** Whether this attempt of the task is the one that is assigned to the worker. */
export function isCurrent(core: CoreState, worker: number, row: number, attempt: number): boolean {
  const { table } = core;
  return (
    row < table.state.length &&
    table.state[row] === TaskState.assigned &&
    table.attempt[row] === attempt &&
    table.worker[row] === worker
  );
}

/**
 * The task has finished at the worker, which holds the object.
 * @param inlineLength bytes of a small result, at `frame[inlineStart]`; -1: it is not small,
 *   -2: neither, and it is in a file
 */
export function taskFinished(
  core: CoreState,
  worker: number,
  row: number,
  attempt: number,
  sizeBytes: number,
  durationUs: number,
  frame: Uint8Array,
  inlineStart: number,
  inlineLength: number,
): void {
  const { table, scheduler } = core;
  if (!isCurrent(core, worker, row, attempt)) {
    dropStale(core, worker, row);
    return;
  }
  scheduler.taskUnassigned(row, worker, durationUs, sizeBytes, inlineLength !== IN_FILE);
  table.state[row] = TaskState.finished;
  const flags = table.flags[row];
  table.size[row] = sizeBytes;
  if (inlineLength >= 0) table.inlineCell[row] = table.inline.put(frame, inlineStart, inlineLength);
  core.objectCount++;
  const plan = core.planOf(row);
  const { client } = plan;
  countFinished(core, plan, row);
  client.openTasks--;
  client.finishedTasks++;
  core.workers.get(worker)!.finishedTasks++;
  expand(core, row, frame, inlineStart);
  objectThere(core, row);
  scheduler.guide.objectThere(row);
  if (flags & TaskFlag.held && !(flags & TaskFlag.announced)) {
    table.flags[row] |= TaskFlag.announced;
    core.outbox.tellFinished(client.handle, core.taskId(row), row);
  }
  if (flags & TaskFlag.sink) table.flags[row] &= ~TaskFlag.sink;
  core.releaseInputs(row);
  if (table.needed[row] === 0 && !(flags & TaskFlag.held)) core.releaseHold(row);
  core.settle();
  if (flags & TaskFlag.watched) resultChanged(core, row);
}

/** Users of a row that has just become finished need to wait for one input less. */
function objectThere(core: CoreState, row: number): void {
  const { table, scheduler } = core;
  const { state, unfinished, edgeUser, nextUser } = table;
  for (let edge = table.userHead[row]; edge !== NONE; edge = nextUser[edge]) {
    const user = edgeUser[edge];
    if (state[user] === TaskState.waiting) {
      const left = --unfinished[user];
      if (left === 0) {
        state[user] = TaskState.ready;
        scheduler.taskReady(user);
      } else if (left === 1 && table.unplaced[user] === 0) {
        scheduler.taskPlaceable(user);
      }
    } else if (state[user] === TaskState.assigned) {
      // Before the task is counted as one that waits for it: it is to be told where to fetch it.
      if (table.worker[user] !== table.worker[row]) scheduler.guide.inputThere(row, user);
      if (--unfinished[user] === 0) scheduler.inputsChanged(user, true);
    }
  }
}

/** A finished object that is not wanted in this place: another attempt counts, or none. */
function dropStale(core: CoreState, worker: number, row: number): void {
  const { table } = core;
  if (row >= table.state.length) return;
  const state = table.state[row];
  const wanted =
    (state === TaskState.assigned && table.worker[row] === worker) ||
    (state === TaskState.finished && table.holds(worker, row));
  if (!wanted) core.outbox.dropObject(worker, row);
}

/** The worker says that the task is running. */
export function taskStarted(core: CoreState, worker: number, row: number, attempt: number): void {
  if (!isCurrent(core, worker, row, attempt)) return;
  if (core.table.flags[row] & TaskFlag.started) return;
  core.table.flags[row] |= TaskFlag.started;
  countStarted(core, row);
  core.scheduler.taskStarted(row);
}

/** The worker has fetched a copy of the object. `durationMs` 0: not measured. */
export function objectFetched(
  core: CoreState,
  worker: number,
  row: number,
  durationMs: number,
): void {
  const { table } = core;
  if (row >= table.state.length) return;
  core.scheduler.objectArrived(row, worker, durationMs);
  if (table.state[row] !== TaskState.finished) {
    dropStale(core, worker, row);
  } else if (!table.holds(worker, row)) {
    if (table.worker[row] < 0) table.worker[row] = worker;
    else table.replicaHead[row] = table.replicas.add(table.replicaHead[row], worker);
  }
}

/** Tells who waits to read the row's result that its state is another one now. */
export function resultChanged(core: CoreState, row: number): void {
  core.table.flags[row] &= ~TaskFlag.watched;
  core.outbox.resultChanged(row);
}
