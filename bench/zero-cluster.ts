/**
 * A server and one process with many worker connections that finish everything at once
 * (zero-workers.ts). Called by server-case.ts.
 */
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { SERVER, startService, stopService } from "./cluster.js";
import type { WireCounts } from "./zero-workers.js";

const ZERO_WORKERS = fileURLToPath(new URL("zero-workers.ts", import.meta.url));

export interface ZeroCluster {
  /** "host:port" of the server. */
  readonly address: string;
  readonly serverPid: number;
  /** What went between server and workers so far. */
  wireCounts(): Promise<WireCounts>;
  stop(): Promise<void>;
}

/** @param profileFolder the server writes a profile of its CPU time there when it ends */
export async function startZeroCluster(
  connections: number,
  profileFolder?: string,
): Promise<ZeroCluster> {
  const children: ChildProcess[] = [];
  const stop = async (): Promise<void> => {
    for (const child of [...children].reverse()) await stopService(child);
  };
  try {
    const flags =
      profileFolder === undefined ? [] : ["--cpu-prof", `--cpu-prof-dir=${profileFolder}`];
    const server = await startService(SERVER, ["--port", "0"], children, flags);
    if (server.message.loom !== "listening") throw new Error("the server did not say where it is");
    const { host, port } = server.message;
    const args = [host, String(port), String(connections)];
    const workers = await startService(ZERO_WORKERS, args, children, ["--import", "tsx"]);
    return {
      address: `${host}:${port}`,
      serverPid: server.pid,
      async wireCounts() {
        const answer = once(workers.child, "message");
        workers.child.send("counts");
        const [counts] = (await answer) as [WireCounts];
        return counts;
      },
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}
