/**
 * A real cluster for one test: server and worker processes, a client, and what they logged.
 * Owns starting, ending, killing workers (and what the killed leave behind), and waiting with a
 * deadline that shows the logs. Used by all tests of this folder.
 */
import { rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { onTestFailed } from "vitest";
import { Client } from "../../src/client/index.js";
import {
  type LocalCluster,
  type LocalClusterOptions,
  type LocalWorker,
  type LocalWorkerOptions,
  startLocalCluster,
} from "../../src/local-cluster/index.js";

/** Much longer than anything takes: a test that gets there hangs. */
const DEADLINE_MS = 40_000;
const POLL_MS = 10;
const SHOWN_LOG_CHARACTERS = 12_000;

/** Resolves when the condition holds; rejects at the deadline. */
export async function until(
  what: string,
  condition: () => boolean | Promise<boolean>,
): Promise<void> {
  const deadline = performance.now() + DEADLINE_MS;
  while (!(await condition())) {
    if (performance.now() > deadline) {
      await TestCluster.noteStatus();
      throw new Error(`deadline passed, waiting until ${what}`);
    }
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}

/** The promise's outcome; rejects at the deadline. */
export async function within<T>(what: string, promise: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<"late">((resolve) => {
    timer = setTimeout(() => resolve("late"), DEADLINE_MS);
  });
  try {
    const first = await Promise.race([promise.then((value) => ({ value })), late]);
    if (first !== "late") return first.value;
    await TestCluster.noteStatus();
    throw new Error(`deadline passed, waiting for ${what}`);
  } finally {
    clearTimeout(timer);
  }
}

export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

/** Where the worker at that address keeps its files. */
export function workerDirectory(address: string): string {
  return join(tmpdir(), `worker-${address.replace(":", "-")}`);
}

export class TestCluster implements AsyncDisposable {
  private static readonly running = new Set<TestCluster>();
  private logged = "";
  private readonly clients: Client[] = [];
  private readonly killed: LocalWorker[] = [];
  private cluster!: LocalCluster;
  /** The first client. */
  client!: Client;

  private constructor() {
    onTestFailed(() => console.error(`The cluster's log:\n${this.log}`));
  }

  /** To be called inside a test. */
  static async start(options: LocalClusterOptions): Promise<TestCluster> {
    const test = new TestCluster();
    const onLog = (text: string) => {
      test.logged += text;
    };
    test.cluster = await startLocalCluster({ ...options, onLog });
    test.client = await test.connect();
    TestCluster.running.add(test);
    return test;
  }

  /** Adds to the log what the servers say of themselves at this moment. */
  static async noteStatus(): Promise<void> {
    for (const test of TestCluster.running) {
      const signal = AbortSignal.timeout(5_000);
      const status = await test.client.status({ signal }).catch(String);
      test.logged += `status: ${JSON.stringify(status)}\n`;
    }
  }

  /** The end of what server and workers have logged. */
  get log(): string {
    return this.logged.slice(-SHOWN_LOG_CHARACTERS);
  }

  get address(): string {
    return this.cluster.address;
  }

  /** Workers that run; those that were killed do not count, even if they have not ended yet. */
  get workers(): readonly LocalWorker[] {
    return this.cluster.workers.filter((worker) => !this.killed.includes(worker));
  }

  get lostWorkers(): LocalCluster["lostWorkers"] {
    return this.cluster.lostWorkers;
  }

  /** A number: of its cpus. */
  addWorker(given?: number | LocalWorkerOptions): Promise<LocalWorker> {
    return this.cluster.addWorker(typeof given === "number" ? { cpus: given } : given);
  }

  /** One more client. */
  async connect(): Promise<Client> {
    const client = await Client.connect(this.cluster.address);
    this.clients.push(client);
    return client;
  }

  /** Kills the worker; its files are removed at the end, as it can't do that any more. */
  kill(worker: LocalWorker): void {
    this.killed.push(worker);
    worker.kill("SIGKILL");
  }

  /** The worker that runs as this process. */
  workerOf(pid: number): LocalWorker {
    const worker = this.workers.find((candidate) => candidate.pid === pid);
    if (worker === undefined) throw new Error(`no worker with pid ${pid}`);
    return worker;
  }

  /** Resolves when the server has forgotten all tasks and its workers have nothing to do. */
  async untilIdle(client = this.client): Promise<void> {
    await until("nothing is left on the server", async () => {
      const [{ tasks }, { workers }] = await Promise.all([client.stats(), client.status()]);
      return tasks === 0 && workers.every(({ assigned }) => assigned === 0);
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    TestCluster.running.delete(this);
    for (const client of this.clients) await client.close();
    await this.cluster.close();
    for (const { address } of this.killed) {
      await rm(workerDirectory(address), { recursive: true, force: true });
    }
  }
}
