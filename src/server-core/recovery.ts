/**
 * Tasks and objects get lost: a worker dies, gives a task back, or can't get an input. Tasks
 * that were assigned run elsewhere; objects that are still needed and existed nowhere else are
 * computed again, with what they need, as far back as necessary (lineage).
 */
import { TaskFlag, TaskState } from "../scheduler/index.js";
import type { CoreState } from "./core-state.js";
import { failTask, runsOnce } from "./giving-up.js";
import { countAgain, countRestarted, countStopped } from "./label-counts.js";
import { isCurrent } from "./progress.js";
import { NONE } from "./task-table.js";

/** The worker had not started the task and has given it back. */
export function taskRetracted(core: CoreState, worker: number, row: number, attempt: number): void {
  if (isCurrent(core, worker, row, attempt)) takeBack(core, [row], "forgotten");
}

/** The worker could not fetch an input of the task from any holder and has forgotten the task. */
export function inputLost(
  core: CoreState,
  worker: number,
  row: number,
  attempt: number,
  inputRow: number,
  holder: number,
): void {
  if (!isCurrent(core, worker, row, attempt)) return;
  takeBack(core, [row], "forgotten");
  if (inputRow < core.table.state.length) objectLost(core, inputRow, holder);
}

/** The worker does not have the object of the finished task, though it should. */
export function objectLost(core: CoreState, row: number, holder: number): void {
  const { table } = core;
  if (table.state[row] !== TaskState.finished || !table.holds(holder, row)) return;
  if (core.workers.has(holder)) core.outbox.dropObject(holder, row);
  if (removeHolder(core, row, holder)) return;
  computeAgain(core, [row], "it could not be fetched");
  // A worker that can't be reached may get the task again and again.
  countLoss(core, row, "its result was lost", "it could not be fetched from its worker");
}

/** The worker is gone, with all it was doing and all it held. */
export function workerLost(core: CoreState, worker: number, reason: string): void {
  const { table } = core;
  core.workers.delete(worker);
  core.scheduler.removeWorker(worker);
  core.retirement.workerGone(worker);
  const assigned: number[] = [];
  const lost: number[] = [];
  for (let row = 0; row < table.rowEnd; row++) {
    if (table.state[row] === TaskState.assigned) {
      if (table.worker[row] === worker) assigned.push(row);
    } else if (table.state[row] === TaskState.finished && table.holds(worker, row)) {
      if (!removeHolder(core, row, worker)) lost.push(row);
    }
  }
  const suspects = assigned.filter((row) => mayHaveStarted(core, row));
  const started = assigned.filter((row) => core.table.flags[row] & TaskFlag.started);
  takeBack(core, assigned, "forgotten");
  // Tasks whose results were there have no part in it, and may be held through many such deaths.
  computeAgain(core, lost, reason);
  for (const row of suspects) {
    if (core.isOpen(row) && runsOnce(core, row))
      failTask(core, row, undefined, {
        message: `it may have run, and must not run twice (policy "once"): ${reason}`,
      });
    else countLoss(core, row, "the task was lost with its worker", reason);
  }
  for (const row of started) if (core.isOpen(row)) countRestarted(core, row);
}

/** Whether the task may have had a part in the death of its worker. */
function mayHaveStarted(core: CoreState, row: number): boolean {
  const { table, scheduler } = core;
  if (table.flags[row] & TaskFlag.started) return true;
  return scheduler.classes.list[table.taskClass[row]].light && table.unfinished[row] === 0;
}

function countLoss(core: CoreState, row: number, what: string, reason: string): void {
  const { table, options } = core;
  if (!core.isOpen(row)) return;
  if (table.losses[row] < 255) table.losses[row]++;
  core.lossHistory.add(row, table.losses[row], reason);
  if (table.losses[row] <= options.maxLosses) return;
  const [last, ...before] = core.lossHistory.take(row);
  const times = `${what} ${table.losses[row]} times, the limit is ${options.maxLosses}`;
  failTask(core, row, undefined, {
    message: [`${times}; the last time: ${last}`, ...before.map((one) => `before: ${one}`)].join(
      "\n",
    ),
  });
}

/** Removes a holder of a finished object; false: that was the last one. */
function removeHolder(core: CoreState, row: number, worker: number): boolean {
  const { table } = core;
  if (table.worker[row] === worker) {
    const others =
      table.replicaHead[row] === NONE ? [] : table.replicas.list(table.replicaHead[row]);
    if (others.length > 0) {
      table.worker[row] = others[0];
      table.replicaHead[row] = table.replicas.remove(table.replicaHead[row], others[0]);
    } else {
      table.worker[row] = NONE;
    }
  } else {
    table.replicaHead[row] = table.replicas.remove(table.replicaHead[row], worker);
  }
  return table.worker[row] !== NONE || table.inlineCell[row] !== NONE;
}

/**
 * Assigned tasks become waiting or ready again. Tasks that were sent ahead because of them are
 * recalled too, from whatever worker.
 * @param atWorker what the worker of the given tasks knows: it has "forgotten" them, or it still
 *   "has" them and must be told
 */
function takeBack(core: CoreState, rows: readonly number[], atWorker: "forgotten" | "has"): void {
  const { table, scheduler } = core;
  const back: number[] = [];
  const recall = (row: number): void => {
    if (!core.workers.has(table.worker[row])) return;
    core.outbox.cancelTask(table.worker[row], row, table.attempt[row]);
  };
  if (atWorker === "has") rows.forEach(recall);
  const stack = [...rows];
  while (stack.length > 0) {
    const row = stack.pop()!;
    if (table.state[row] !== TaskState.assigned) continue;
    countStopped(core, row);
    scheduler.taskUnassigned(row, table.worker[row], 0);
    table.flags[row] &= ~(TaskFlag.started | TaskFlag.retracting);
    table.state[row] = table.unfinished[row] === 0 ? TaskState.ready : TaskState.waiting;
    table.worker[row] = NONE;
    back.push(row);
    for (let edge = table.userHead[row]; edge !== NONE; edge = table.nextUser[edge]) {
      const user = table.edgeUser[edge];
      if (!core.isOpen(user)) continue;
      table.unplaced[user]++;
      if (table.state[user] === TaskState.assigned) {
        recall(user);
        stack.push(user);
      }
    }
  }
  // Ascending: the order in which they were submitted.
  back.sort((a, b) => a - b);
  for (const row of back) enqueue(core, row);
}

function enqueue(core: CoreState, row: number): void {
  const { table, scheduler } = core;
  if (table.state[row] === TaskState.ready) scheduler.taskReady(row);
  else if (table.state[row] === TaskState.waiting && table.unplaced[row] === 0) {
    scheduler.taskPlaceable(row);
  }
}

/** Finished tasks whose objects are gone become waiting again, with all inputs they lack. */
function computeAgain(core: CoreState, lost: readonly number[], reason: string): void {
  const { table } = core;
  const recalled = new Set<number>();
  for (const row of lost) {
    core.forgetObject(row);
    for (let edge = table.userHead[row]; edge !== NONE; edge = table.nextUser[edge]) {
      const user = table.edgeUser[edge];
      if (!core.isOpen(user)) continue;
      if (table.state[user] === TaskState.assigned && table.unfinished[user] === 0) {
        core.scheduler.inputsChanged(user, false);
      }
      table.unfinished[user]++;
      table.unplaced[user]++;
      if (table.state[user] === TaskState.ready) table.state[user] = TaskState.waiting;
      else if (table.state[user] === TaskState.assigned) recalled.add(user);
    }
  }
  // They wait at their workers for something that will not come from where they were told.
  takeBack(core, [...recalled], "has");
  openAgain(core, lost, `its result was lost (${reason})`, countAgain);
}

/**
 * Tasks that are done with (finished or released, without an object) become open, and so do those that
 * they need and that are released.
 * @param why what happened, for the message of those that can't be executed
 */
export function openAgain(
  core: CoreState,
  rows: readonly number[],
  why: string,
  count: (core: CoreState, row: number) => void,
): void {
  const { table } = core;
  const again: number[] = [];
  const stack = [...rows];
  while (stack.length > 0) {
    const row = stack.pop()!;
    const state = table.state[row];
    if (state !== TaskState.finished && state !== TaskState.released) continue;
    const plan = core.clientPlanOf(row);
    if (state === TaskState.released) plan.active++;
    table.state[row] = TaskState.waiting;
    plan.client.openTasks++;
    count(core, row);
    again.push(row);
    const end = table.inputStart[row] + table.inputCount[row];
    for (let edge = table.inputStart[row]; edge < end; edge++) {
      const input = table.edgeInput[edge];
      table.needed[input]++;
      if (table.state[input] === TaskState.released) stack.push(input);
    }
  }
  again.sort((a, b) => a - b);
  const doomed: number[] = [];
  const once: number[] = [];
  for (const row of again) {
    if (countInputs(core, row)) doomed.push(row);
    else if (runsOnce(core, row)) once.push(row);
    if (table.unfinished[row] === 0) table.state[row] = TaskState.ready;
  }
  for (const row of again) enqueue(core, row);
  for (const row of doomed) {
    const message = `${why} and can't be computed again: an input has failed since`;
    if (core.isOpen(row)) failTask(core, row, undefined, { message });
  }
  for (const row of once) {
    const message = `${why}, and it must not run twice (policy "once")`;
    if (core.isOpen(row)) failTask(core, row, undefined, { message });
  }
}

/** Counts anew what a row has to wait for; true: one of its inputs has failed. */
function countInputs(core: CoreState, row: number): boolean {
  const { table } = core;
  let failed = false;
  let unfinished = 0;
  let unplaced = 0;
  const end = table.inputStart[row] + table.inputCount[row];
  for (let edge = table.inputStart[row]; edge < end; edge++) {
    const state = table.state[table.edgeInput[edge]];
    if (state === TaskState.finished) continue;
    unfinished++;
    if (state !== TaskState.assigned) unplaced++;
    if (state === TaskState.failed) failed = true;
  }
  table.unfinished[row] = unfinished;
  table.unplaced[row] = unplaced;
  return failed;
}
