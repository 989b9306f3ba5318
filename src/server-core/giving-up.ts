/** Tasks that will not be executed: failed ones with all that depends on them, released results. */
import {
  decodeTaskMessage,
  type ExecutionMessage,
  type TaskMessage,
  WirePolicy,
} from "../protocol/index.js";
import { TaskFlag, TaskState } from "../scheduler/index.js";
import type { CoreState } from "./core-state.js";
import { type CopyRuns, readIndices, runOf } from "./expansion/index.js";
import { countFailed, countStopped } from "./label-counts.js";
import { isCurrent, resultChanged } from "./progress.js";
import type { ClientRecord, PlanRecord } from "./records.js";
import type { FailureDetails } from "./task-failure.js";
import { NONE } from "./task-table.js";

/** A client is told of more tasks that fail at once as of one. */
const MAX_TOLD_APART = 256;

/** How a task failed, as far as its worker knows. */
export interface FailureCause {
  readonly message: string;
  readonly exitStatus?: number;
  readonly signal?: string;
  readonly stderr?: Uint8Array;
  readonly execution?: ExecutionMessage | undefined;
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
  countStopped(core, row);
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
  failTasks(core, [row], worker, cause);
}

/**
 * The same for several tasks of one client, which is told of each by which it loses a result; of more than
 * MAX_TOLD_APART of one failure, that of the first.
 */
export function failTasks(
  core: CoreState,
  rows: readonly number[],
  worker: number | undefined,
  cause: FailureCause,
): void {
  if (rows.length === 0) return;
  const failureOf = (first: number[]): Failure => ({
    first,
    details: {
      taskId: core.taskId(first[0]),
      label: labelOf(core, first[0]),
      taskType: core.table.taskType[first[0]],
      worker,
      ...cause,
    },
  });
  // Users first: each fails by itself, not because of an input that fails with it.
  const apart = rows.length <= MAX_TOLD_APART ? rows.toSorted((a, b) => b - a) : undefined;
  spreadFailures(core, apart?.map((row) => failureOf([row])) ?? [failureOf([...rows])]);
}

/** Tasks of a later plan that use a result that has failed already fail with the same cause. */
export function failDependents(core: CoreState, row: number): void {
  const details = core.failures.get(row);
  if (details !== undefined) spreadFailures(core, [{ first: openUsers(core, row), details }]);
}

/** Tasks, with what depends on them, that fail for one reason. */
interface Failure {
  readonly first: number[];
  readonly details: FailureDetails;
}

/** All of them fail before anything is let go that only they need. */
function spreadFailures(core: CoreState, failures: readonly Failure[]): void {
  const changed: number[] = [];
  const told: { plan: PlanRecord; details: FailureDetails; lostResults: number[] }[] = [];
  for (const { first, details } of failures) {
    if (first.length === 0) continue;
    const plan = core.clientPlanOf(first[0]);
    const before = plan.client.failedTasks;
    const lostResults = spreadFailure(core, plan.client, first, details, changed);
    if (plan.client.failedTasks === before) continue; // by one before
    told.push({ plan, details, lostResults });
  }
  core.settle();
  const losses = told.filter(({ lostResults }) => lostResults.length > 0);
  for (const { plan, details, lostResults } of losses.length > 0 ? losses : told.slice(-1)) {
    tellFailure(core, plan, details, lostResults);
  }
  for (const row of changed) resultChanged(core, row);
}

/** Gives the ids of results that the client holds; adds rows to `changed` of which somebody waits to hear. */
function spreadFailure(
  core: CoreState,
  client: ClientRecord,
  first: readonly number[],
  details: FailureDetails,
  changed: number[],
): number[] {
  const { table } = core;
  const lostResults: number[] = [];
  const stack = [...first];
  while (stack.length > 0) {
    const row = stack.pop()!;
    if (!core.isOpen(row)) continue;
    core.stopOpen(row);
    client.failedTasks++;
    countFailed(core, row);
    // It stays a sink: should it be retried, it is wanted for what it does.
    table.state[row] = TaskState.failed;
    if (table.flags[row] & TaskFlag.held) {
      lostResults.push(core.taskId(row));
      core.failures.set(row, details);
      if (table.flags[row] & TaskFlag.watched) changed.push(row);
    } else {
      core.deactivate(row);
    }
    for (const user of openUsers(core, row)) stack.push(user);
    const { copies } = core.planOf(row);
    // What will be made of copies that are not there yet can't have all it needs.
    if (copies === undefined) continue;
    for (const template of openTemplates(core, row, copies)) stack.push(template);
  }
  return lostResults.sort((a, b) => a - b);
}

function tellFailure(
  core: CoreState,
  plan: PlanRecord,
  details: FailureDetails,
  lostResults: number[],
): void {
  const { client } = plan;
  if (!client.connected || (client.classic && plan.failureTold)) return;
  plan.failureTold = true;
  core.outbox.tellFailed(client.handle, details, lostResults);
}

function openUsers(core: CoreState, row: number): number[] {
  const { table } = core;
  const users: number[] = [];
  for (let edge = table.userHead[row]; edge !== NONE; edge = table.nextUser[edge]) {
    if (core.isOpen(table.edgeUser[edge])) users.push(table.edgeUser[edge]);
  }
  return users;
}

/** The tasks of the client's plan by which a copy is still needed, though no edge says so yet. */
function openTemplates(core: CoreState, row: number, runs: CopyRuns): number[] {
  const { task, isElement } = runs.copies[runOf(runs, row)];
  const template = runs.origin.firstRow + task;
  return isElement ? openUsers(core, template) : [template];
}

/** The task's label, read from its plan's bytes; copies have their indices behind it. */
export function labelOf(core: CoreState, row: number): string | undefined {
  const { copies } = core.planOf(row);
  if (copies === undefined) return rareFields(core, row)?.label || undefined;
  const { messages } = copies.origin;
  if (messages === undefined) return undefined;
  const { label } = decodeTaskMessage(messages, core.indexInPlan(row));
  return label ? `${label} [${readIndices(copies, row).join(", ")}]` : undefined;
}

/** Whether the task must not be executed a second time. */
export function runsOnce(core: CoreState, row: number): boolean {
  // Opening its checkpoint again is not executing it again.
  if (core.planOf(row).replacedConfig.has(row)) return false;
  return rareFields(core, row)?.policy === WirePolicy.ONCE;
}

/** The task's rare fields (label, checkpoint path, metadata); undefined if it has none. */
export function rareFields(core: CoreState, row: number): TaskMessage | undefined {
  const { messages, copies } = core.planOf(row);
  // Elements have none: they are not what the client described.
  if (copies?.copies[runOf(copies, row)].isElement) return undefined;
  const described = copies === undefined ? messages : copies.origin.messages;
  return described === undefined ? undefined : decodeTaskMessage(described, core.indexInPlan(row));
}

/** What the client has given with the task for people and traces; undefined: nothing. */
export function metadataOf(core: CoreState, row: number): Uint8Array | undefined {
  const { metadata } = rareFields(core, row) ?? {};
  return metadata === undefined || metadata.length === 0 ? undefined : metadata;
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
    const copies = plan.dynamic?.batches.map((batch) => batch.plan) ?? [];
    for (const { firstRow, taskCount } of [plan, ...copies]) {
      for (let row = firstRow; row < firstRow + taskCount; row++) {
        if (table.flags[row] & TaskFlag.sink && core.isOpen(row)) {
          table.flags[row] &= ~TaskFlag.sink;
          core.releaseHold(row);
          core.settle();
        }
        releaseResult(core, row);
      }
    }
  }
  core.clients.delete(client.handle);
}
