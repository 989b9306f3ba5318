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
export type LocalWorkerOptions = Pick<LocalClusterOptions, "cpus" | "extensions" | "python">;

/** A worker process of a {@link LocalCluster}. */
export interface LocalWorker {
  readonly pid: number;
  /** "host:port" at which it serves objects: its name in errors and status. */
  readonly address: string;
  /** Sends it a signal, default "SIGTERM"; to see what happens when a worker is lost: "SIGKILL". */
  kill(signal?: NodeJS.Signals): void;
}

/** A running cluster. */
export interface LocalCluster extends AsyncDisposable {
  /** "host:port" of the server, for Client.connect. */
  readonly address: string;
  /** Workers that run. */
  readonly workers: readonly LocalWorker[];
  /** Starts one more worker; resolves when the server has it. */
  addWorker(options?: LocalWorkerOptions): Promise<LocalWorker>;
  /** Stops all processes; resolves when they have ended. Idempotent. */
  close(): Promise<void>;
}

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
  private workersStarted = 0;
  private closing: Promise<void> | undefined;

  private constructor(
    private readonly server: ClusterProcess,
    private readonly host: string,
    private readonly port: number,
    /** Unless a worker is given others. */
    private readonly defaults: LocalWorkerOptions & { readonly cpus: number },
    /** One worker only is to be started. */
    private readonly pinnable: boolean,
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
    const { host, port } = message;
    const single = (options.workers ?? 1) === 1;
    const { extensions, python } = options;
    const defaults = { cpus, extensions, python };
    return new ProcessCluster(server, host, port, defaults, single, onStderr, signal);
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
    const starting = this.startWorker([
      ...["--cpus", String(cpus)],
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
    // A worker pins to the first cores of the machine: several would all use the same ones.
    const pinFlag = this.pinnable && this.workersStarted === 0 ? [] : ["--nopin"];
    this.workersStarted++;
    const { process: worker, message } = await ClusterProcess.start({
      name: "worker",
      program: PROGRAM,
      args: ["worker", this.host, String(this.port), ...flags, ...pinFlag],
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
    worker.exited.then(() => this.running.delete(worker));
    return handle;
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

function checkCount(name: string, count: number, least: number): void {
  if (Number.isInteger(count) && count >= least) return;
  throw new LoomError("usage", `${name} must be an integer from ${least} up, got ${count}`);
}
