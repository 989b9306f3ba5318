/**
 * Real processes to measure: one server, some workers, started from dist/cli and stopped in
 * order. Owns their life; process-usage.ts reads what they use. Called by the cases; zero-cluster.ts
 * starts its processes with the same functions.
 */
import { type ChildProcess, fork } from "node:child_process";
import { fileURLToPath } from "node:url";

export const SERVER = fileURLToPath(new URL("../dist/cli/loom-server.js", import.meta.url));
const WORKER = fileURLToPath(new URL("../dist/cli/loom-worker.js", import.meta.url));

/** A process that writes a profile of a long run takes a while to end. */
const STOP_TIMEOUT_MS = 30_000;

export type ServiceMessage =
  | { loom: "listening"; host: string; port: number }
  | { loom: "registered"; address: string }
  | { loom: "failed"; message: string };

export interface Cluster {
  /** "host:port" of the server. */
  readonly address: string;
  readonly serverPid: number;
  readonly workerPids: readonly number[];
  stop(): Promise<void>;
}

/** Starts a server and, once it listens, all workers at the same time. */
export async function startCluster(workers: number, workerFlags: string[] = []): Promise<Cluster> {
  const children: ChildProcess[] = [];
  const stop = async (): Promise<void> => {
    // Workers first: a lost server would be an error to them.
    const [server, ...others] = children;
    await Promise.all(others.map(stopService));
    if (server !== undefined) await stopService(server);
  };
  try {
    const server = await startService(SERVER, ["--port", "0"], children);
    if (server.message.loom !== "listening") throw new Error("the server did not say where it is");
    const { host, port } = server.message;
    const started = await Promise.all(
      Array.from({ length: workers }, () =>
        startService(WORKER, [host, String(port), ...workerFlags], children),
      ),
    );
    return {
      address: `${host}:${port}`,
      serverPid: server.pid,
      workerPids: started.map(({ pid }) => pid),
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

export interface Service {
  readonly child: ChildProcess;
  readonly pid: number;
  /** What it said when it was ready. */
  readonly message: ServiceMessage;
}

/**
 * Starts a process and waits for its word that it is ready. It is added to `children` at once.
 * @param execArgv flags for Node itself
 */
export function startService(
  file: string,
  args: string[],
  children: ChildProcess[],
  execArgv: string[] = [],
): Promise<Service> {
  const child = fork(file, args, { stdio: ["ignore", "ignore", "pipe", "ipc"], execArgv });
  children.push(child);
  let lastLines = "";
  child.stderr?.on("data", (chunk: Buffer) => {
    lastLines = (lastLines + chunk.toString()).slice(-2000);
  });
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("exit", (code, signal) => {
      reject(new Error(`${file} ended (${signal ?? code}) before it was ready:\n${lastLines}`));
    });
    child.once("message", (message: ServiceMessage) => {
      if (message.loom === "failed") reject(new Error(message.message));
      else resolve({ child, pid: child.pid as number, message });
    });
  });
}

/** Closes the channel, which tells the process to stop, and waits for its end. */
export function stopService(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return Promise.resolve();
  return new Promise((resolve) => {
    const timer = setTimeout(() => child.kill("SIGKILL"), STOP_TIMEOUT_MS);
    child.once("exit", () => {
      clearTimeout(timer);
      resolve();
    });
    if (child.connected) child.disconnect();
  });
}
