/**
 * A cluster on this machine: a server and workers as real processes that end with this
 * one. Owns which processes there are; a process is cluster-process's. Called by users, by
 * tests, and by Client.connect() without an address.
 */
import { availableParallelism } from "node:os";
import { LoomError } from "../base/index.js";
import { ClusterProcess } from "./cluster-process.js";

/** Options of {@link startLocalCluster}. */
export interface LocalClusterOptions {
  /** Number of workers. Default 1. */
  workers?: number | undefined;
  /** Cores of each worker. Default: all of this machine divided by `workers`, at least 1. */
  cpus?: number | undefined;
  /**
   * What else tasks may hold on each worker, as `loom worker --resource` takes it, e.g.
   * `{ gpus: 2, mem: "8GiB", licences: 2.5, fpgas: ["a", "b"] }`. Default: the memory and the GPUs of
   * this machine, divided among the workers; workers that are added later have all of them.
   */
  resources?: Readonly<Record<string, number | string | readonly string[]>> | undefined;
  /** Extensions of the workers: paths relative to the current directory, or packages. Default none. */
  extensions?: readonly string[] | undefined;
  /** Interpreter of the workers for Python functions. Default: LOOM_PYTHON, else python3. */
  python?: string | undefined;
  /** Copy what server and workers log to this process's standard error. Default false. */
  verbose?: boolean | undefined;
  /** Gets what server and workers log, piece by piece, whether `verbose` or not. */
  onLog?: ((text: string) => void) | undefined;
  /** More arguments of `loom server`, e.g. ["--heartbeat-timeout", "1"]. Default none. */
  serverArgs?: readonly string[] | undefined;
  /** Stops the start, with LoomError("cancelled"). */
  signal?: AbortSignal | undefined;
}

/** Options of {@link LocalCluster.addWorker}; by default those of the cluster. */
export type LocalWorkerOptions = Pick<
  LocalClusterOptions,
  "cpus" | "resources" | "extensions" | "python"
>;

/** A worker process of a {@link LocalCluster}. */
export interface LocalWorker {
  readonly pid: number;
  /** "host:port" at which it serves objects: its name in errors and status. */
  readonly address: string;
  /** Sends it a signal, default "SIGTERM"; to see what happens when a worker is lost: "SIGKILL". */
  kill(signal?: NodeJS.Signals): void;
}

/** A worker process that has ended before its cluster was closed. */
export interface LostWorker {
  readonly pid: number;
  /** "host:port" */
  readonly address: string;
  /** Undefined: a signal has ended it. */
  readonly exitStatus: number | undefined;
  readonly signal: NodeJS.Signals | undefined;
  /** The end of what it has written to standard error, at most 4000 characters. */
  readonly stderr: string;
}

/** A running cluster. */
export interface LocalCluster extends AsyncDisposable {
  /** "host:port" of the server, for Client.connect. */
  readonly address: string;
  /** Address of the live page, such as "http://127.0.0.1:4711"; undefined: switched off by `serverArgs`. */
  readonly dashboard: string | undefined;
  /** Workers that run. */
  readonly workers: readonly LocalWorker[];
  /** Workers that have ended by themselves or were killed, the last 100; the log tells of them too. */
  readonly lostWorkers: readonly LostWorker[];
  /** Starts one more worker; resolves when the server has it. */
  addWorker(options?: LocalWorkerOptions): Promise<LocalWorker>;
  /** Stops all processes; resolves when they have ended. Idempotent. */
  close(): Promise<void>;
}

const MAX_LOST_WORKERS = 100;
const SHOWN_STDERR_LINES = 10;

const PROGRAM = new URL("../../dist/cli/loom.js", import.meta.url);

/**
 * Starts a server and workers on this machine; resolves when all workers are registered.
 * @throws LoomError("connection") with the last lines a process wrote if it doesn't come up,
 * "usage" for wrong numbers
 * @example
 * await using cluster = await startLocalCluster({ workers: 2 });
 * await using client = await Client.connect(cluster.address);
 */
export async function startLocalCluster(options: LocalClusterOptions = {}): Promise<LocalCluster> {
  const count = options.workers ?? 1;
  checkCount("workers", count, 0);
  const cpus = options.cpus ?? Math.max(1, Math.floor(availableParallelism() / (count || 1)));
  checkCount("cpus", cpus, 1);
  const cluster = await ProcessCluster.start(options, cpus);
  try {
    await Promise.all(Array.from({ length: count }, () => cluster.addWorker()));
  } catch (error) {
    await cluster.close();
    throw error;
  }
  return cluster;
}

class ProcessCluster implements LocalCluster {
  private readonly running = new Map<ClusterProcess, LocalWorker>();
  private readonly starting = new Set<Promise<unknown>>();
  private readonly stopStarts = new AbortController();
  readonly lostWorkers: LostWorker[] = [];
  private workersStarted = 0;
  private closing: Promise<void> | undefined;

  private constructor(
    private readonly server: ClusterProcess,
    private readonly host: string,
    private readonly port: number,
    readonly dashboard: string | undefined,
    /** Unless a worker is given others. */
    private readonly defaults: LocalWorkerOptions & { readonly cpus: number },
    /** Workers to be started at once. */
    private readonly first: number,
    private readonly onStderr: (text: string) => void,
    signal: AbortSignal | undefined,
  ) {
    signal?.addEventListener("abort", () => this.stopStarts.abort(signal.reason), {
      once: true,
      signal: this.stopStarts.signal,
    });
    if (signal?.aborted) this.stopStarts.abort(signal.reason);
  }

  static async start(options: LocalClusterOptions, cpus: number): Promise<ProcessCluster> {
    const { signal } = options;
    const { verbose, onLog } = options;
    const onStderr = (text: string) => {
      if (verbose) process.stderr.write(text);
      onLog?.(text);
    };
    const { process: server, message } = await ClusterProcess.start({
      name: "server",
      program: PROGRAM,
      args: ["server", "--port", "0", ...(options.serverArgs ?? [])],
      onStderr,
      signal,
    });
    if (message.loom !== "listening") {
      await server.stop();
      throw new LoomError("internal", `the server said "${message.loom}" instead of "listening"`);
    }
    const { host, port, dashboard } = message;
    const { resources, extensions, python } = options;
    const defaults = { cpus, resources, extensions, python };
    const first = options.workers ?? 1;
    return new ProcessCluster(server, host, port, dashboard, defaults, first, onStderr, signal);
  }

  get address(): string {
    return this.host.includes(":") ? `[${this.host}]:${this.port}` : `${this.host}:${this.port}`;
  }

  get workers(): readonly LocalWorker[] {
    return [...this.running.values()];
  }

  async addWorker(options: LocalWorkerOptions = {}): Promise<LocalWorker> {
    if (this.closing !== undefined) {
      throw new LoomError("usage", "this local cluster is closed; start a new one");
    }
    const { defaults } = this;
    const cpus = options.cpus ?? defaults.cpus;
    checkCount("cpus", cpus, 1);
    const extensions = options.extensions ?? defaults.extensions ?? [];
    const python = options.python ?? defaults.python;
    const resources = Object.entries(options.resources ?? defaults.resources ?? {});
    const starting = this.startWorker([
      ...["--cpus", String(cpus)],
      ...resources.flatMap(([name, value]) => ["--resource", resourceText(name, value)]),
      ...extensions.flatMap((extension) => ["--extension", extension]),
      ...(python === undefined ? [] : ["--python", python]),
    ]);
    this.starting.add(starting);
    try {
      return await starting;
    } finally {
      this.starting.delete(starting);
    }
  }

  private async startWorker(flags: readonly string[]): Promise<LocalWorker> {
    const number = ++this.workersStarted;
    const share = number <= this.first ? ["--share", `${number}/${this.first}`] : [];
    // A worker pins to the first cores of the machine: several would all use the same ones.
    const pinFlag = this.first === 1 && number === 1 ? [] : ["--nopin"];
    const { process: worker, message } = await ClusterProcess.start({
      name: "worker",
      program: PROGRAM,
      args: ["worker", this.host, String(this.port), ...flags, ...share, ...pinFlag],
      onStderr: this.onStderr,
      signal: this.stopStarts.signal,
    });
    if (message.loom !== "registered") {
      await worker.stop();
      throw new LoomError("internal", `a worker said "${message.loom}" instead of "registered"`);
    }
    const { address } = message;
    const handle: LocalWorker = {
      pid: worker.pid,
      address,
      kill: (signal = "SIGTERM") => worker.signal(signal),
    };
    this.running.set(worker, handle);
    worker.exited.then(() => {
      this.running.delete(worker);
      // What it has written last may come after its end.
      if (this.closing === undefined) setImmediate(() => this.workerLost(worker, handle));
    });
    return handle;
  }

  private workerLost({ end, stderr }: ClusterProcess, { pid, address }: LocalWorker): void {
    const exitStatus = end?.exitStatus ?? undefined;
    const signal = end?.signal ?? undefined;
    this.lostWorkers.push({ pid, address, exitStatus, signal, stderr });
    if (this.lostWorkers.length > MAX_LOST_WORKERS) this.lostWorkers.shift();
    const how =
      signal === undefined ? `ended with exit status ${exitStatus}` : `was killed by ${signal}`;
    const lines = stderr.trim().split("\n").slice(-SHOWN_STDERR_LINES);
    const said = lines[0] === "" ? "" : `; it said last:\n${lines.join("\n")}`;
    this.onStderr(`local cluster: worker ${address} (process ${pid}) ${how}${said}\n`);
  }

  close(): Promise<void> {
    this.closing ??= this.stopAll();
    return this.closing;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  private async stopAll(): Promise<void> {
    this.stopStarts.abort();
    await Promise.allSettled(this.starting);
    // Workers first: they need not see their server go.
    await Promise.all([...this.running.keys()].map((worker) => worker.stop()));
    await this.server.stop();
  }
}

function resourceText(name: string, value: number | string | readonly string[]): string {
  return `${name}=${typeof value === "object" ? `[${value.join(",")}]` : value}`;
}

function checkCount(name: string, count: number, least: number): void {
  if (Number.isInteger(count) && count >= least) return;
  throw new LoomError("usage", `${name} must be an integer from ${least} up, got ${count}`);
}
