/**
 * A failed task is executed once more, because somebody says so. Owns which tasks that concerns: with the
 * task all failed ones that it needs, and those that failed because of these and that somebody still
 * wants. What they need and what is not there any more is computed again (recovery.ts). Called by
 * interventions.ts.
 *
 * The client has been told of the failure. It is told again when a result is finished that it still holds.
 */
import { TaskFlag, TaskState } from "../scheduler/index.js";
import type { CoreState } from "./core-state.js";
import { runsOnce } from "./giving-up.js";
import { countReopened, countRetried } from "./label-counts.js";
import { openAgain } from "./recovery.js";
import { NONE } from "./task-table.js";

/** @returns how many failed tasks are open again; a text: why none is */
export function retryTask(core: CoreState, row: number): number | string {
  const { table } = core;
  if (table.state[row] !== TaskState.failed) return "it has not failed";
  if (core.planOf(row).client.classic) {
    return "its client speaks the old protocol, in which a failure is final";
  }
  const causes = findCauses(core, row);
  if (typeof causes === "string") return causes;
  const wanted = findWanted(core, causes);
  if (!wanted.has(row)) return "nobody holds its result, or one that depends on it, any more";
  const rows = [...wanted].sort((a, b) => a - b);
  for (const one of rows) reset(core, one);
  openAgain(core, rows, "it was retried", countReopened);
  return rows.length;
}

/** The row and all failed tasks that it needs, through those that have to be computed again too. */
function findCauses(core: CoreState, row: number): Set<number> | string {
  const { table } = core;
  const failed = new Set<number>();
  const visited = new Set([row]);
  for (const one of visited) {
    const isFailed = table.state[one] === TaskState.failed;
    const name = `task ${core.taskId(one)}`;
    if (isFailed) failed.add(one);
    if (isFailed && isDynamic(core, one)) {
      return `${name} belongs to a plan with dslice or dget, whose tasks can't be retried`;
    }
    if (runsOnce(core, one)) return `${name} must not run twice (policy "once")`;
    const end = table.inputStart[one] + table.inputCount[one];
    for (let edge = table.inputStart[one]; edge < end; edge++) {
      const state = table.state[table.edgeInput[edge]];
      if (state === TaskState.failed || state === TaskState.released) {
        visited.add(table.edgeInput[edge]);
      }
    }
  }
  return failed;
}

function isDynamic(core: CoreState, row: number): boolean {
  const { dynamic, copies } = core.planOf(row);
  return dynamic !== undefined || copies !== undefined;
}

/** Of the causes and the failed tasks downstream of them: those that can run, and that somebody wants. */
function findWanted(core: CoreState, causes: ReadonlySet<number>): Set<number> {
  const { table } = core;
  const downstream = new Set(causes);
  for (const row of downstream) forEachFailedUser(core, row, (user) => downstream.add(user));
  // Inputs have smaller ids: what a task needs comes before it.
  const order = [...downstream].sort((a, b) => core.taskId(a) - core.taskId(b));
  const able = new Set<number>();
  for (const row of order) if (causes.has(row) || canFollow(core, row, able)) able.add(row);
  const wanted = new Set<number>();
  const needed = new Set<number>();
  for (const row of order.reverse()) {
    const isHeld = (table.flags[row] & (TaskFlag.held | TaskFlag.sink)) !== 0;
    if (!able.has(row) || !(isHeld || needed.has(row))) continue;
    wanted.add(row);
    addFailedNeeds(core, row, needed);
  }
  return wanted;
}

/** Adds the failed tasks that the task needs, at once or through some that have to be computed again. */
function addFailedNeeds(core: CoreState, row: number, needed: Set<number>): void {
  const { table } = core;
  const visited = new Set([row]);
  for (const one of visited) {
    const end = table.inputStart[one] + table.inputCount[one];
    for (let edge = table.inputStart[one]; edge < end; edge++) {
      const input = table.edgeInput[edge];
      if (table.state[input] === TaskState.failed) needed.add(input);
      else if (table.state[input] === TaskState.released) visited.add(input);
    }
  }
}

/** Whether a task that failed because of others can run when the given ones do. */
function canFollow(core: CoreState, row: number, able: ReadonlySet<number>): boolean {
  const { table } = core;
  if (isDynamic(core, row)) return false;
  const visited = new Set([row]);
  for (const one of visited) {
    if (runsOnce(core, one)) return false;
    const end = table.inputStart[one] + table.inputCount[one];
    for (let edge = table.inputStart[one]; edge < end; edge++) {
      const input = table.edgeInput[edge];
      if (table.state[input] === TaskState.failed && !able.has(input)) return false;
      if (table.state[input] === TaskState.released) visited.add(input);
    }
  }
  return true;
}

function forEachFailedUser(core: CoreState, row: number, visit: (user: number) => void): void {
  const { table } = core;
  for (let edge = table.userHead[row]; edge !== NONE; edge = table.nextUser[edge]) {
    if (table.state[table.edgeUser[edge]] === TaskState.failed) visit(table.edgeUser[edge]);
  }
}

/** The failed task becomes what openAgain() takes: one whose object is gone. */
function reset(core: CoreState, row: number): void {
  const { table } = core;
  const plan = core.clientPlanOf(row);
  plan.client.failedTasks--;
  countRetried(core, row);
  // Only failed tasks that are held count as active.
  if (core.failures.delete(row)) plan.active--;
  table.flags[row] &= ~TaskFlag.announced;
  table.losses[row] = 0;
  table.state[row] = TaskState.released;
}
