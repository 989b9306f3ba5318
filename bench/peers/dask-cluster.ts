/**
 * Dask's scheduler and workers as processes, connected over TCP. Owns their life. Called by
 * dask-peer.ts.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const START_TIMEOUT_MS = 60_000;
const STOP_TIMEOUT_MS = 5_000;
/** Where workers find dask_graphs.py. */
const MODULES = fileURLToPath(new URL(".", import.meta.url));

export interface DaskCluster {
  readonly address: string;
  readonly schedulerPid: number;
  stop(): Promise<void>;
}

/** The workers may still be starting when it resolves: the client waits for them. */
export async function startDaskCluster(
  python: string,
  workers: number,
  threads: number,
): Promise<DaskCluster> {
  const folder = mkdtempSync(join(tmpdir(), "loom-bench-"));
  const children: ChildProcess[] = [];
  const start = (...args: string[]): ChildProcess => {
    const child = spawn(python, ["-m", ...args], {
      stdio: ["ignore", "ignore", "ignore"],
      env: { ...process.env, PYTHONPATH: MODULES },
    });
    children.push(child);
    return child;
  };
  // Unlike our own processes they do not see that this one has ended.
  const kill = (): void => {
    for (const child of children) child.kill("SIGKILL");
    rmSync(folder, { recursive: true, force: true });
  };
  process.once("exit", kill);
  const stop = async (): Promise<void> => {
    await Promise.all(children.map(stopProcess));
    process.off("exit", kill);
    rmSync(folder, { recursive: true, force: true });
  };
  try {
    const file = join(folder, "scheduler.json");
    const scheduler = start(
      ...["distributed.cli.dask_scheduler", "--host", "127.0.0.1", "--port", "0"],
      ...["--scheduler-file", file, "--no-dashboard", "--no-show"],
    );
    const address = await schedulerAddress(scheduler, file);
    for (let i = 0; i < workers; i++) {
      start(
        ...["distributed.cli.dask_worker", address, "--no-nanny", "--no-dashboard"],
        ...["--nthreads", String(threads), "--memory-limit", "0", "--death-timeout", "60"],
        ...["--local-directory", folder],
      );
    }
    return { address, schedulerPid: scheduler.pid as number, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

async function schedulerAddress(scheduler: ChildProcess, file: string): Promise<string> {
  const deadline = performance.now() + START_TIMEOUT_MS;
  while (performance.now() < deadline && scheduler.exitCode === null) {
    if (existsSync(file)) {
      try {
        return (JSON.parse(readFileSync(file, "utf8")) as { address: string }).address;
      } catch {
        // Not written to its end yet.
      }
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error("--peer dask: Dask's scheduler did not start; try `dask scheduler` by hand");
}

/** Dask's processes may wait for others of them when they are asked to stop. */
function stopProcess(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return Promise.resolve();
  return new Promise((resolve) => {
    const timer = setTimeout(() => child.kill("SIGKILL"), STOP_TIMEOUT_MS);
    child.once("exit", () => {
      clearTimeout(timer);
      resolve();
    });
    child.kill("SIGTERM");
  });
}
