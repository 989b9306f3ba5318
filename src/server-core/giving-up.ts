/** Tasks that will not be executed: failed ones with all that depends on them, released results. */
import { decodeTaskMessage, type TaskMessage, WirePolicy } from "../protocol/index.js";
import { TaskFlag, TaskState } from "../scheduler/index.js";
import type { CoreState } from "./core-state.js";
import { isCurrent, resultChanged } from "./progress.js";
import type { ClientRecord } from "./records.js";
import type { FailureDetails } from "./task-failure.js";
import { NONE } from "./task-table.js";

/** How a task failed, as far as its worker knows. */
export interface FailureCause {
  readonly message: string;
  readonly exitStatus?: number;
  readonly signal?: string;
  readonly stderr?: Uint8Array;
}

/** The task has failed at the worker, which has forgotten it. */
export function taskFailed(
  core: CoreState,
  worker: number,
  row: number,
  attempt: number,
  cause: FailureCause,
): void {
  if (!isCurrent(core, worker, row, attempt)) return;
  core.scheduler.taskUnassigned(row, worker, 0);
  core.table.state[row] = TaskState.waiting;
  core.table.worker[row] = NONE;
  failTask(core, row, worker, cause);
}

/** An open task, and every open task that depends on it, fails. */
export function failTask(
  core: CoreState,
  row: number,
  worker: number | undefined,
  cause: FailureCause,
): void {
  const details: FailureDetails = {
    taskId: core.taskId(row),
    label: labelOf(core, row),
    taskType: core.table.taskType[row],
    worker,
    ...cause,
  };
  spreadFailure(core, [row], details);
}

/** Tasks of a later plan that use a result that has failed already fail with the same cause. */
export function failDependents(core: CoreState, row: number): void {
  const details = core.failures.get(row);
  if (details !== undefined) spreadFailure(core, openUsers(core, row), details);
}

function spreadFailure(core: CoreState, first: number[], details: FailureDetails): void {
  if (first.length === 0) return;
  const { table } = core;
  const plan = core.planOf(first[0]);
  const { client } = plan;
  const lostResults: number[] = [];
  const changed: number[] = [];
  const stack = first;
  while (stack.length > 0) {
    const row = stack.pop()!;
    if (!core.isOpen(row)) continue;
    core.stopOpen(row);
    client.failedTasks++;
    table.state[row] = TaskState.failed;
    table.flags[row] &= ~TaskFlag.sink;
    if (table.flags[row] & TaskFlag.held) {
      lostResults.push(core.taskId(row));
      core.failures.set(row, details);
      if (table.flags[row] & TaskFlag.watched) changed.push(row);
    } else {
      core.deactivate(row);
    }
    for (const user of openUsers(core, row)) stack.push(user);
  }
  core.settle();
  if (client.connected && !(client.classic && plan.failureTold)) {
    plan.failureTold = true;
    lostResults.sort((a, b) => a - b);
    core.outbox.tellFailed(client.handle, details, lostResults);
  }
  for (const row of changed) resultChanged(core, row);
}

function openUsers(core: CoreState, row: number): number[] {
  const { table } = core;
  const users: number[] = [];
  for (let edge = table.userHead[row]; edge !== NONE; edge = table.nextUser[edge]) {
    if (core.isOpen(table.edgeUser[edge])) users.push(table.edgeUser[edge]);
  }
  return users;
}

/** The task's label, read from its plan's bytes. */
export function labelOf(core: CoreState, row: number): string | undefined {
  return rareFields(core, row)?.label || undefined;
}

/** Whether the task must not be executed a second time. */
export function runsOnce(core: CoreState, row: number): boolean {
  // Opening its checkpoint again is not executing it again.
  if (core.planOf(row).replacedConfig.has(row)) return false;
  return rareFields(core, row)?.policy === WirePolicy.ONCE;
}

/** The task's rare fields (label, checkpoint path, metadata); undefined if it has none. */
export function rareFields(core: CoreState, row: number): TaskMessage | undefined {
  const plan = core.planOf(row);
  if (plan.messages === undefined) return undefined;
  return decodeTaskMessage(plan.messages, row - plan.firstRow);
}

/** The client gives up a result: other tasks may still need it. */
export function releaseResult(core: CoreState, row: number): void {
  const { table } = core;
  if (!(table.flags[row] & TaskFlag.held)) return;
  table.flags[row] &= ~TaskFlag.held;
  if (table.state[row] === TaskState.failed) {
    core.failures.delete(row);
    core.deactivate(row);
  } else {
    core.releaseHold(row);
  }
  core.settle();
  if (table.flags[row] & TaskFlag.watched) resultChanged(core, row);
}

/** The client has gone: its work is cancelled, its objects are dropped. */
export function releaseClient(core: CoreState, client: ClientRecord): void {
  const { table } = core;
  client.connected = false;
  for (const plan of [...client.plans]) {
    for (let row = plan.firstRow; row < plan.firstRow + plan.taskCount; row++) {
      if (table.flags[row] & TaskFlag.sink && core.isOpen(row)) {
        table.flags[row] &= ~TaskFlag.sink;
        core.releaseHold(row);
        core.settle();
      }
      releaseResult(core, row);
    }
  }
  core.clients.delete(client.handle);
}
