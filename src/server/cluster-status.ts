/**
 * What STATUS answers: the shape is `ClusterStatus` in src/client/cluster-status.ts. Asked for by clients, often
 * again and again (`loom top`): nothing here looks at every task.
 */
import { performance } from "node:perf_hooks";
import { VERSION } from "../base/index.js";
import type { LabelCount, PlanRecord } from "../server-core/index.js";
import type { LoomServer } from "./loom-server.js";

/** Tasks that have been running for the longest time, and unfinished plans, that are named. */
const MAX_RUNNING = 50;
const MAX_PLANS = 100;

export function clusterStatus(server: LoomServer): object {
  const { core, past } = server;
  const tasks = { unfinished: 0, finished: past.finished, failed: past.failed };
  for (const client of core.clients.values()) {
    tasks.unfinished += client.openTasks;
    tasks.finished += client.finishedTasks;
    tasks.failed += client.failedTasks;
  }
  return {
    version: VERSION,
    uptimeMs: Math.round(performance.now() - server.startedMs),
    dashboard: server.dashboard,
    workers: workersOf(server),
    clients: server.clients.size,
    tasks,
    labels: core.labelCounts().map(labelStatus),
    connections: [...core.clients.values()].map((client) => ({
      client: client.handle,
      address: server.clients.get(client.handle)?.connection.remote ?? "",
      unfinished: client.openTasks,
      finished: client.finishedTasks,
      failed: client.failedTasks,
    })),
    plans: plansOf(server),
    longestRunning: longestRunning(server),
    waitingForWorkers: core.unableTasks().map(({ request, taskType, tasks: count }) => ({
      request,
      taskType: server.symbols.nameOf(taskType),
      tasks: count,
    })),
  };
}

function workersOf({ core, workers }: LoomServer): object[] {
  const running = new Map<number, number>();
  for (const row of core.runningSince.keys()) {
    const worker = core.table.worker[row];
    running.set(worker, (running.get(worker) ?? 0) + 1);
  }
  return [...workers.values()].map((link) => {
    const { index, cpus, hostname, pid, version } = link.identity;
    const { light, heavy } = core.loadOf(index);
    const record = core.workers.get(index);
    const resources = record?.resources.resources ?? [];
    return {
      ...{ index, address: link.address, hostname, pid, version, cpus },
      resources: Object.fromEntries(resources.map(({ name, amount }) => [name, amount])),
      assigned: light + heavy,
      running: running.get(index) ?? 0,
      finished: record?.finishedTasks ?? 0,
      memoryBytes: record?.memoryBytes ?? 0,
    };
  });
}

function labelStatus({ label, ...counts }: LabelCount): object {
  return { name: label, ...counts };
}

/** Plans with unfinished tasks. A client that submits very many: the first ones. */
function plansOf({ core }: LoomServer): object[] {
  const plans: object[] = [];
  for (const client of core.clients.values()) {
    if (client.openTasks === 0) continue;
    for (const plan of client.plans) {
      if (plans.length >= MAX_PLANS) return plans;
      if (plan.labels.openTasks > 0) plans.push(planStatus(plan, core.labelCountsOf(plan)));
    }
  }
  return plans;
}

function planStatus({ client, idBase }: PlanRecord, labels: LabelCount[]): object {
  const sum = { total: 0, running: 0, finished: 0, failed: 0 };
  for (const { total, running, finished, failed } of labels) {
    sum.total += total;
    sum.running += running;
    sum.finished += finished;
    sum.failed += failed;
  }
  return { client: client.handle, firstTask: idBase, ...sum, labels: labels.map(labelStatus) };
}

function longestRunning({ core, workers, symbols }: LoomServer): object[] {
  const nowMs = performance.now();
  const tasks: object[] = [];
  for (const [row, sinceMs] of core.runningSince) {
    if (tasks.length >= MAX_RUNNING) break;
    const worker = core.table.worker[row];
    tasks.push({
      client: core.clientOf(row),
      id: core.taskIdOf(row),
      label: core.labelOf(row) ?? symbols.nameOf(core.table.taskType[row]),
      worker: workers.get(worker)?.address ?? "",
      runningMs: Math.max(0, Math.round(nowMs - sinceMs)),
    });
  }
  return tasks;
}
