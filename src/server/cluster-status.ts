/** What STATUS answers: the shape is `ClusterStatus` in src/client/cluster-status.ts. */
import { performance } from "node:perf_hooks";
import { VERSION } from "../base/index.js";
import type { LoomServer } from "./loom-server.js";

export function clusterStatus(server: LoomServer): object {
  const { core, past } = server;
  const tasks = { unfinished: 0, finished: past.finished, failed: past.failed };
  for (const client of core.clients.values()) {
    tasks.unfinished += client.openTasks;
    tasks.finished += client.finishedTasks;
    tasks.failed += client.failedTasks;
  }
  const workers = [...server.workers.values()].map((link) => {
    const { index, cpus, hostname, pid, version } = link.identity;
    const { light, heavy } = core.loadOf(index);
    const finished = core.workers.get(index)?.finishedTasks ?? 0;
    const { address } = link;
    return { index, address, hostname, pid, version, cpus, assigned: light + heavy, finished };
  });
  return {
    version: VERSION,
    uptimeMs: Math.round(performance.now() - server.startedMs),
    workers,
    clients: server.clients.size,
    tasks,
  };
}
