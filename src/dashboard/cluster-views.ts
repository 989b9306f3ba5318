/**
 * What the API and the live page tell of workers, clients, plans, failures and running tasks: made from the
 * server's state when it is asked for. All lists are bounded.
 */
import { performance } from "node:perf_hooks";
import type { ExecutionMessage } from "../protocol/index.js";
import type { FailureDetails, LabelCount, PlanRecord } from "../server-core/index.js";
import { type Sample, sampleOf } from "../trace/index.js";
import type { ObservedServer } from "./observed-server.js";
import { type ListedTask, labelOfClass, listedTask } from "./task-names.js";

/** Plans that are told, the newest first. */
export const MAX_PLANS = 200;
export const MAX_RUNNING = 500;
export const MAX_WORKERS = 1000;

export interface WorkerView {
  readonly index: number;
  readonly address: string;
  readonly hostname: string;
  readonly pid: number;
  readonly version: string;
  readonly cpus: number;
  readonly resources: readonly { readonly name: string; readonly amount: number }[];
  /** Sent to it and not finished. */
  readonly assigned: number;
  readonly finished: number;
  /** Ms since it was heard of. */
  readonly silentMs: number;
  /** Only while somebody looks, at most a second old. */
  readonly sample: Sample | undefined;
}

export function viewWorkers(server: ObservedServer): WorkerView[] {
  const nowMs = performance.now();
  return [...server.workers.values()].slice(0, MAX_WORKERS).map((link) => {
    const { index, cpus, hostname, pid, version } = link.identity;
    const { light, heavy } = server.core.loadOf(index);
    const record = server.core.workers.get(index);
    const { lastSample } = link;
    return {
      index,
      address: link.address,
      hostname,
      pid,
      version,
      cpus,
      resources: (record?.resources.resources ?? []).map(({ name, amount }) => ({ name, amount })),
      assigned: light + heavy,
      finished: record?.finishedTasks ?? 0,
      silentMs: Math.max(0, Math.round(nowMs - link.lastHeardMs)),
      sample: lastSample && sampleOf(lastSample, cpus),
    };
  });
}

export interface ClientView {
  readonly client: number;
  readonly address: string;
  readonly unfinished: number;
  readonly finished: number;
  readonly failed: number;
  readonly plans: number;
}

export function viewClients(server: ObservedServer): ClientView[] {
  return [...server.clients.values()].slice(0, MAX_WORKERS).map(({ handle, connection }) => {
    const record = server.core.clients.get(handle);
    return {
      client: handle,
      address: connection.remote,
      unfinished: record?.openTasks ?? 0,
      finished: record?.finishedTasks ?? 0,
      failed: record?.failedTasks ?? 0,
      plans: record?.plans.length ?? 0,
    };
  });
}

export interface PlanView {
  /** "CLIENT:ID" of its first task. */
  readonly plan: string;
  /** Those of the client; copies in the place of tasks with dynamic inputs are only in `labels`. */
  readonly tasks: number;
  readonly labels: readonly LabelCount[];
}

/** Those of which anything is kept. */
export function viewPlans(server: ObservedServer): { plans: PlanView[]; more: number } {
  const all: PlanRecord[] = [];
  let count = 0;
  for (const { plans } of server.core.clients.values()) {
    all.push(...plans.slice(-MAX_PLANS));
    count += plans.length;
  }
  const told = all.slice(-MAX_PLANS).reverse();
  const plans = told.map((plan) => ({
    plan: `${plan.client.handle}:${plan.idBase}`,
    tasks: plan.taskCount,
    labels: server.core.labelCountsOf(plan),
  }));
  return { plans, more: count - plans.length };
}

export interface RunningView extends ListedTask {
  /** Since 1970. */
  readonly sinceMs: number;
  readonly workerIndex: number;
  readonly group: string;
  readonly row: number;
  readonly attempt: number;
}

/** The longest running first. */
export function viewRunning(server: ObservedServer): { tasks: RunningView[]; more: number } {
  const { core } = server;
  const tasks: RunningView[] = [];
  for (const [row, sinceMs] of core.runningSince) {
    if (tasks.length === MAX_RUNNING) break;
    tasks.push({
      ...listedTask(server, row),
      sinceMs: performance.timeOrigin + sinceMs,
      workerIndex: core.table.worker[row],
      group: labelOfClass(server, row),
      row,
      attempt: core.table.attempt[row],
    });
  }
  return { tasks, more: core.runningSince.size - tasks.length };
}

export interface FailureView {
  /** "CLIENT:ID" */
  readonly task: string;
  readonly label: string | undefined;
  readonly type: string;
  /** Address; undefined: it did not fail on one. */
  readonly worker: string | undefined;
  /** Since 1970; of a failure of a task: not known. */
  readonly atMs: number | undefined;
  readonly message: string;
  readonly exitStatus: number | undefined;
  readonly signal: string | undefined;
  /** The last of it. */
  readonly stderr: string;
  /** What the worker knows of the execution besides. */
  readonly execution: Readonly<Record<string, unknown>> | undefined;
}

export function viewFailures(server: ObservedServer, limit: number): FailureView[] {
  return server.failures
    .list(limit)
    .map(({ timeMs, client, taskType, worker, details }) =>
      viewFailure(details, client, taskType, worker, timeMs),
    );
}

export function viewFailure(
  details: FailureDetails,
  client: number,
  taskType: string,
  worker: string | undefined,
  atMs: number | undefined,
): FailureView {
  const { taskId, label, message, exitStatus, signal, stderr, execution } = details;
  return {
    task: `${client}:${taskId}`,
    label,
    type: taskType,
    worker,
    atMs,
    message,
    exitStatus,
    signal,
    stderr: stderr === undefined ? "" : new TextDecoder().decode(stderr),
    execution: execution === undefined ? undefined : viewExecution(execution),
  };
}

/** Its plain fields; numbers of 64 bits as numbers. */
function viewExecution(execution: ExecutionMessage): Record<string, unknown> {
  const view: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(execution)) {
    if (name.startsWith("$")) continue;
    if (typeof value === "bigint") view[name] = Number(value);
    else if (typeof value !== "object" || Array.isArray(value)) view[name] = value;
  }
  return view;
}

export interface TaskTotals {
  readonly unfinished: number;
  readonly finished: number;
  readonly failed: number;
}

/** Of all clients, those that have gone included. */
export function countTasks({ core, past }: ObservedServer): TaskTotals {
  const tasks = { unfinished: 0, finished: past.finished, failed: past.failed };
  for (const client of core.clients.values()) {
    tasks.unfinished += client.openTasks;
    tasks.finished += client.finishedTasks;
    tasks.failed += client.failedTasks;
  }
  return tasks;
}

export interface WaitingView {
  /** "": nothing. */
  readonly request: string;
  readonly type: string;
  readonly tasks: number;
}

/** Ready tasks that no worker can execute. */
export function viewWaiting(server: ObservedServer): WaitingView[] {
  return server.core.unableTasks().map(({ request, taskType, tasks }) => ({
    request,
    type: server.symbols.nameOf(taskType),
    tasks,
  }));
}
