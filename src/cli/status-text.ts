/** What `loom status` prints, and what `loom top` shares with it. */
import { formatBytes, formatDuration, lengthOf, shownName } from "../base/index.js";
import type { ClusterStatus, WaitingForWorkers } from "../client/index.js";

const MAX_NAME_LENGTH = 40;

export function describeStatus(address: string, status: ClusterStatus): string {
  const { version, uptimeMs, workers, clients, tasks, labels, waitingForWorkers } = status;
  // Not counting the client that asks.
  const others = clients - 1;
  return [
    `Server ${address}, version ${version}, up ${formatDuration(uptimeMs)}, ${others} ${others === 1 ? "client" : "clients"}`,
    `Tasks: ${tasks.unfinished} unfinished, ${tasks.finished} finished, ${tasks.failed} failed`,
    ...waitingForWorkers.map(describeWaiting),
    ...(workers.length === 0
      ? [`No workers; start one with: loom worker ${address}`]
      : workerTable(workers)),
    ...(labels.length === 0 ? [] : labelTable(labels)),
  ].join("\n");
}

export function describeWaiting({ request, taskType, tasks }: WaitingForWorkers): string {
  const what = request === "" ? "" : ` with ${request}`;
  return `No worker can execute: ${tasks} of type ${taskType}${what}`;
}

function workerTable(workers: ClusterStatus["workers"]): string[] {
  return table(
    ["WORKER", "HOST", "PID", "CPUS", "ASSIGNED", "RUNNING", "FINISHED", "OBJECTS"],
    workers.map(({ address, hostname, memoryBytes, ...of }) => [
      ...[address, hostname],
      ...[of.pid, of.cpus, of.assigned, of.running, of.finished].map(String),
      formatBytes(memoryBytes),
    ]),
    2,
  );
}

function labelTable(labels: ClusterStatus["labels"]): string[] {
  return table(
    ["LABEL", "TASKS", "RUNNING", "FINISHED", "FAILED"],
    labels.map(({ name, total, running, finished, failed }) => [
      shownName(name, MAX_NAME_LENGTH),
      ...[total, running, finished, failed].map(String),
    ]),
    1,
  );
}

/** Lines of aligned columns; the first `texts` of them are texts, the others numbers. */
export function table(
  heads: readonly string[],
  rows: readonly (readonly string[])[],
  texts: number,
): string[] {
  const all = [heads, ...rows];
  const widths = heads.map((_, column) => Math.max(...all.map((row) => lengthOf(row[column]))));
  return all.map((row) =>
    row
      .map((cell, column) => {
        const space = " ".repeat(widths[column] - lengthOf(cell));
        return column < texts ? cell + space : space + cell;
      })
      .join("  ")
      .trimEnd(),
  );
}
