/** `loom status`: what a cluster does, as a table or as JSON. */
import { Client, type ClusterStatus } from "../client/index.js";
import { formatAddress } from "../transport/index.js";
import type { StatusFlags } from "./options.js";
import { chosenServer } from "./values.js";

export async function statusCommand(args: string[], flags: StatusFlags): Promise<number> {
  const { host, port } = chosenServer(args[0]);
  const address = formatAddress(host, port);
  await using client = await Client.connect(address);
  const status = await client.status();
  const text = flags.json === true ? JSON.stringify(status, null, 2) : describe(address, status);
  process.stdout.write(`${text}\n`);
  return 0;
}

function describe(address: string, status: ClusterStatus): string {
  const { version, uptimeMs, workers, clients, tasks } = status;
  // Not counting the client that asks.
  const others = clients - 1;
  return [
    `Server ${address}, version ${version}, up ${formatDuration(uptimeMs)}, ${others} ${others === 1 ? "client" : "clients"}`,
    `Tasks: ${tasks.unfinished} unfinished, ${tasks.finished} finished, ${tasks.failed} failed`,
    ...(workers.length === 0
      ? [`No workers; start one with: loom worker ${address}`]
      : workerTable(workers)),
  ].join("\n");
}

function workerTable(workers: ClusterStatus["workers"]): string[] {
  const rows = [
    ["WORKER", "HOST", "PID", "CPUS", "ASSIGNED", "FINISHED"],
    ...workers.map(({ address, hostname, pid, cpus, assigned, finished }) =>
      [address, hostname, pid, cpus, assigned, finished].map(String),
    ),
  ];
  const widths = rows[0].map((_, column) => Math.max(...rows.map((row) => row[column].length)));
  return rows.map((row) =>
    row
      .map((cell, column) =>
        column < 2 ? cell.padEnd(widths[column]) : cell.padStart(widths[column]),
      )
      .join("  "),
  );
}

function formatDuration(ms: number): string {
  const seconds = Math.floor(ms / 1000);
  const hours = Math.floor(seconds / 3600);
  const minutes = Math.floor((seconds % 3600) / 60);
  if (hours > 0) return `${hours} h ${minutes} min`;
  return minutes > 0 ? `${minutes} min ${seconds % 60} s` : `${seconds} s`;
}
