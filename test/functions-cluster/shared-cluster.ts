/**
 * A real cluster for all tests of a file, as users see it: everything comes from "hyperloom". Owns its
 * start and end, what runs for its workers (function processes), and what they must not leave
 * behind. Used by all tests of this folder.
 */
import { readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  Client,
  type LocalCluster,
  type LocalClusterOptions,
  type LocalWorker,
  type LocalWorkerOptions,
  startLocalCluster,
  TaskFailed,
} from "hyperloom";
import { afterAll, beforeAll, beforeEach, onTestFailed } from "vitest";

/** Much longer than anything takes: a test that gets there hangs. */
const DEADLINE_MS = 30_000;
const POLL_MS = 10;
const SHOWN_LOG_CHARACTERS = 12_000;
const KEPT_LOG_CHARACTERS = 200_000;
const SHARED_MEMORY = "/dev/shm";

/** A process, as /proc tells it. */
export interface ProcessInfo {
  readonly pid: number;
  readonly parent: number;
  readonly command: string;
}

/** Resolves when the condition holds; rejects at the deadline. */
export async function until(
  what: string,
  condition: () => boolean | Promise<boolean>,
  describe: () => string = () => "",
): Promise<void> {
  const deadline = performance.now() + DEADLINE_MS;
  while (!(await condition())) {
    if (performance.now() > deadline) {
      throw new Error(`deadline passed, waiting until ${what} ${describe()}`);
    }
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}

/** The promise's outcome; rejects at the deadline. */
export async function within<T>(what: string, promise: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    const error = new Error(`deadline passed, waiting for ${what}`);
    timer = setTimeout(() => reject(error), DEADLINE_MS);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** How a task failed; an Error if it did not. */
export async function failureOf(future: { gather(): Promise<unknown> }): Promise<TaskFailed> {
  const outcome = await within(
    "a failure",
    future.gather().then(
      (value) => new Error(`it did not fail, but gave ${String(value).slice(0, 200)}`),
      (error: unknown) => error,
    ),
  );
  if (outcome instanceof TaskFailed) return outcome;
  throw outcome;
}

export function processes(): ProcessInfo[] {
  return readdirSync("/proc").flatMap((name) => {
    if (!/^\d+$/.test(name)) return [];
    try {
      const status = readFileSync(`/proc/${name}/status`, "utf8");
      if (/^State:\s*[ZX]/m.test(status)) return [];
      const parent = Number(/^PPid:\s*(\d+)/m.exec(status)?.[1]);
      const command = readFileSync(`/proc/${name}/cmdline`, "utf8").split("\0").join(" ").trim();
      return [{ pid: Number(name), parent, command }];
    } catch {
      return []; // it ended meanwhile
    }
  });
}

export function isAlive(pid: number): boolean {
  return processes().some((process) => process.pid === pid);
}

/** Where workers of these processes share large bytes with function processes. */
export function sharedFolders(pids: readonly number[]): string[] {
  return readdirSync(SHARED_MEMORY)
    .filter((name) => pids.some((pid) => name.startsWith(`hyperloom-${pid}-`)))
    .map((name) => join(SHARED_MEMORY, name));
}

export class SharedCluster {
  logged = "";
  client!: Client;
  private cluster!: LocalCluster;
  private readonly clients: Client[] = [];
  /** All that ever were. */
  private readonly started: LocalWorker[] = [];
  private readonly killed: LocalWorker[] = [];

  get address(): string {
    return this.cluster.address;
  }

  /** Those that run; killed ones do not count, even if they have not ended yet. */
  get workers(): readonly LocalWorker[] {
    return this.cluster.workers.filter((worker) => !this.killed.includes(worker));
  }

  async start(options: LocalClusterOptions): Promise<void> {
    const onLog = (text: string) => {
      this.logged = (this.logged + text).slice(-KEPT_LOG_CHARACTERS);
    };
    this.cluster = await startLocalCluster({ ...options, onLog });
    this.started.push(...this.cluster.workers);
    this.client = await this.connect();
  }

  async connect(): Promise<Client> {
    const client = await Client.connect(this.address);
    this.clients.push(client);
    return client;
  }

  async addWorker(options?: LocalWorkerOptions): Promise<LocalWorker> {
    const worker = await this.cluster.addWorker(options);
    this.started.push(worker);
    return worker;
  }

  kill(worker: LocalWorker): void {
    this.killed.push(worker);
    worker.kill("SIGKILL");
  }

  /** Function processes of all workers, or of one. */
  functionProcesses(language?: "JavaScript" | "Python", worker?: LocalWorker): ProcessInfo[] {
    const workers = worker === undefined ? this.workers : [worker];
    const pids = workers.map(({ pid }) => pid);
    const isWanted = {
      JavaScript: (command: string) => command.includes("function-process/main.js"),
      Python: (command: string) => command.includes("function_process/main.py"),
    };
    return processes().filter(
      ({ parent, command }) =>
        pids.includes(parent) &&
        (language === undefined
          ? Object.values(isWanted).some((is) => is(command))
          : isWanted[language](command)),
    );
  }

  /** Files with large results, made by function processes. What workers share goes with their garbage. */
  resultFiles(): string[] {
    return sharedFolders(this.workers.map(({ pid }) => pid)).flatMap((folder) =>
      readdirSync(folder).flatMap((name) => (name.startsWith("f") ? [join(folder, name)] : [])),
    );
  }

  /** Resolves when the server holds nothing but kept code, and its workers have nothing to do. */
  async untilIdle(): Promise<void> {
    let last: unknown;
    await until(
      "nothing is left on the server",
      async () => {
        const [{ objects }, { tasks, workers }] = await Promise.all([
          this.client.stats(),
          this.client.status(),
        ]);
        last = { objects, tasks, workers };
        const isIdle = workers.every(({ assigned }) => assigned === 0);
        return objects === 0 && tasks.unfinished === 0 && isIdle;
      },
      () => JSON.stringify(last),
    );
  }

  /** Ends everything; rejects when something is left. */
  async close(): Promise<void> {
    for (const client of this.clients) await client.close();
    await this.cluster.close();
    for (const { address } of this.killed) {
      const directory = join(tmpdir(), `worker-${address.replace(":", "-")}`);
      rmSync(directory, { recursive: true, force: true });
    }
    const pids = this.started.map(({ pid }) => pid);
    const killed = this.killed.map(({ pid }) => pid);
    // A killed worker's folder is removed by the next worker on the machine, which may not have come.
    for (const folder of sharedFolders(killed)) rmSync(folder, { recursive: true, force: true });
    await until("no function process is left", () =>
      processes().every(({ parent }) => !pids.includes(parent)),
    );
    const left = sharedFolders(pids);
    if (left.length > 0) throw new Error(`left behind: ${left.join(", ")}`);
  }
}

/**
 * Starts a cluster before the tests of this file (or `describe`) and ends it after them.
 * @param environment added to that of its processes
 */
export function sharedCluster(
  options: LocalClusterOptions,
  environment: Readonly<Record<string, string>> = {},
): SharedCluster {
  const cluster = new SharedCluster();
  beforeAll(async () => {
    const before = Object.keys(environment).map((name) => [name, process.env[name]] as const);
    Object.assign(process.env, environment);
    try {
      await cluster.start(options);
    } finally {
      for (const [name, value] of before) {
        if (value === undefined) delete process.env[name];
        else process.env[name] = value;
      }
    }
  });
  beforeEach(() => {
    onTestFailed(() => {
      console.error(`The cluster's log:\n${cluster.logged.slice(-SHOWN_LOG_CHARACTERS)}`);
    });
  });
  afterAll(() => cluster.close());
  return cluster;
}
