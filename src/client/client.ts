/**
 * The client: submits tasks to one server, gives futures. Owns the public methods and the
 * numbering and encoding of plans; the wire is session's.
 */
import { LoomError } from "../base/index.js";
import {
  buildPlan,
  describeTask,
  notPortable,
  type SubmittedResult,
  type Task,
  type ValueOf,
  type ValuesOf,
} from "../graph/index.js";
import type { LocalCluster, LocalClusterOptions } from "../local-cluster/index.js";
import { ClientRequestType, type Explanation, encodeClientRequest } from "../protocol/index.js";
import { abortable, cancelledError, throwIfAborted, type WaitOptions } from "./abort.js";
import { completed } from "./as-completed.js";
import type { ClusterStatus } from "./cluster-status.js";
import { encodePlan } from "./encode-plan.js";
import { Future, fetchAll, gatherAll, waitAll } from "./future.js";
import { KeptTasks } from "./kept-tasks.js";
import { askExplanation, askStatus, askTrace } from "./questions.js";
import type { ClusterStats, LogLine, Progress } from "./reports.js";
import { ResultState } from "./result-state.js";
import { Session } from "./session.js";

/** How long a server may take to stop before the client stops waiting for it. */
const TERMINATE_TIMEOUT_MS = 10_000;

/** Options of {@link Client.connect}. */
export interface ConnectOptions extends WaitOptions {
  /** Embedded cluster only: number of workers. Default 1. */
  workers?: number | undefined;
  /** Embedded cluster only: cores of each worker. Default: all cores divided by `workers`. */
  cpus?: number | undefined;
  /**
   * Embedded cluster only: what else tasks may hold on each worker (docs/resources.md), e.g.
   * `{ gpus: 2, mem: "8GiB" }`. Default: memory and GPUs of this machine, divided by `workers`.
   */
  resources?: LocalClusterOptions["resources"];
  /**
   * Embedded cluster only: extensions of its workers (docs/extensions.md), as paths relative to the
   * current directory or names of packages. Default none.
   */
  extensions?: readonly string[] | undefined;
  /** Embedded cluster only: interpreter for Python functions. Default: LOOM_PYTHON, else python3. */
  python?: string | undefined;
  /**
   * Show in the terminal what becomes of the tasks (docs/progress.md). Default: if standard error is a terminal,
   * unless LOOM_PROGRESS=0 or CI is set. True: also with these set; without a terminal never.
   */
  progress?: boolean | undefined;
}

/** Options of {@link Client.submit}. */
export interface SubmitOptions {
  /** Take tasks whose checkpoint file exists as computed. Default false. */
  load?: boolean | undefined;
  /**
   * What becomes of a task whose resource request none of the present workers can ever satisfy: it
   * waits for a worker that can, or the plan is refused. Default: as the server is set.
   */
  whenUnsatisfiable?: "wait" | "refuse" | undefined;
  /** Aborting it before the results are there releases them, which cancels the work. */
  signal?: AbortSignal | undefined;
}

/** Futures of a tuple (or array) of tasks. */
export type FuturesOf<T extends readonly Task[]> = {
  -readonly [K in keyof T]: Future<ValueOf<T[K]>>;
};

/**
 * A connection to a HyperLoom server. When it ends, the server drops everything that this
 * client holds and stops its work.
 *
 * @example
 * await using client = await Client.connect("localhost:9010");
 * const future = client.submitOne(tasks.merge([tasks.const("Hello "), tasks.const("world!")]));
 * console.log((await future.gather()).toString());
 */
export class Client implements AsyncDisposable {
  readonly #session: Session;
  readonly #cluster: LocalCluster | undefined;
  /** Futures that became garbage are released; the session batches what comes in one go. */
  readonly #garbage: FinalizationRegistry<ResultState>;
  readonly #kept: KeptTasks;

  get [notPortable](): string {
    return "a Client";
  }

  private constructor(session: Session, cluster: LocalCluster | undefined) {
    this.#session = session;
    this.#cluster = cluster;
    this.#kept = new KeptTasks(session);
    this.#garbage = new FinalizationRegistry((state) => session.release(state));
  }

  /**
   * Connects to a server, or starts a cluster on this machine that ends with the client.
   * @param address "host:port", "host" (port 9010), "[::1]:9010"; none: the one in the
   * environment variable LOOM_SERVER (`loom run --server` sets it), else an embedded cluster
   * @throws LoomError("connection") if there is no server, or something else listens there;
   * "usage" for a malformed address; "cancelled" if the signal fired
   */
  static connect(address?: string, options?: ConnectOptions): Promise<Client>;
  static connect(options: ConnectOptions): Promise<Client>;
  static async connect(
    where: string | ConnectOptions | undefined,
    more: ConnectOptions = {},
  ): Promise<Client> {
    const options = typeof where === "object" ? where : more;
    const { signal, progress, ...embedded } = options;
    if (typeof where === "string") {
      if (Object.values(embedded).every((value) => value === undefined)) {
        return Client.#join(where, options);
      }
      throw new LoomError(
        "usage",
        `workers, cpus, resources, extensions and python are for an embedded cluster; leave them out, or the address "${where}"`,
      );
    }
    // A script that embeds its cluster runs unchanged on a real one.
    const given = process.env.LOOM_SERVER;
    if (given !== undefined && given !== "") return Client.#join(given, options);

    throwIfAborted(signal, "starting a local cluster");
    // Loaded on demand: a client of a remote server needs none of it.
    const { startLocalCluster } = await import("../local-cluster/index.js");
    const cluster = await startLocalCluster(options);
    try {
      return await Client.#join(cluster.address, options, cluster);
    } catch (error) {
      await cluster.close();
      throw error;
    }
  }

  static async #join(
    address: string,
    { signal, progress }: ConnectOptions,
    cluster?: LocalCluster,
  ): Promise<Client> {
    const session = await Session.open(address, signal);
    session.listeners.showProgress(progress);
    return new Client(session, cluster);
  }

  /**
   * Submits tasks with all they need; returns their futures at once, in the same order. The
   * same task twice gives the same future twice. What `tasks` share is computed once.
   * @throws LoomError("plan") for a cycle, "released" if an input's future was released,
   * "usage" for wrong arguments, "connection" if the server is lost. What the server refuses
   * rejects the futures instead.
   */
  submit<const T extends readonly Task[]>(tasks: T, options: SubmitOptions = {}): FuturesOf<T> {
    const session = this.#session;
    session.checkOpen();
    throwIfAborted(options.signal, `submitting ${tasks.length} tasks`);
    if (tasks.length === 0) return [] as unknown as FuturesOf<T>;

    const plan = buildPlan(tasks, {
      idBase: session.nextId,
      resultId: (input, user) => this.#inputId(input, user),
      findKept: (task) => this.#kept.findId(task),
    });
    const request = encodePlan(plan, session, options);
    session.nextId += plan.tasks.length;

    const futures = new Map<number, Future>();
    const states: ResultState[] = [];
    const results = Array.from(plan.resultNumbers, (number) => {
      let future = futures.get(number);
      if (future === undefined) {
        const { type, label } = plan.tasks[number];
        const state = new ResultState(plan.idBase + number, plan.idBase, type, label);
        future = new Future(session, state);
        this.#garbage.register(future, state);
        futures.set(number, future);
        states.push(state);
      }
      return future;
    });
    for (const state of states) session.results.add(state);
    this.#kept.add(plan);
    session.send(request);
    if (options.signal !== undefined) releaseOnAbort(session, states, options.signal);
    return results as unknown as FuturesOf<T>;
  }

  /** Submits one task; see {@link submit}. */
  submitOne<T>(task: Task<T>, options?: SubmitOptions): Future<T> {
    return this.submit([task], options)[0] as Future<T>;
  }

  /** Waits until all are finished. @throws TaskFailed at the first failure, and as Future does */
  async wait(futures: readonly Future[], options?: WaitOptions): Promise<void> {
    this.#checkOwn(futures);
    await waitAll(futures, options);
  }

  /** Waits and gives the values, in order; the futures stay usable. */
  async fetch<const F extends readonly Future[]>(
    futures: F,
    options?: WaitOptions,
  ): Promise<ValuesOf<F>> {
    this.#checkOwn(futures);
    return (await fetchAll(this.#session, futures, options)) as ValuesOf<F>;
  }

  /** Waits, gives the values and releases the futures, also when that fails or is aborted. */
  async gather<const F extends readonly Future[]>(
    futures: F,
    options?: WaitOptions,
  ): Promise<ValuesOf<F>> {
    this.#checkOwn(futures);
    return (await gatherAll(this.#session, futures, options)) as ValuesOf<F>;
  }

  /** Releases all; see `Future.release`. */
  release(futures: readonly Future[]): void {
    this.#checkOwn(futures);
    for (const future of futures) future.release();
  }

  /**
   * Gives each future once, in the order in which they finish. Those that fail come too:
   * look at `status`, or `fetch` them and catch.
   * @example for await (const future of client.asCompleted(futures)) console.log(future.status);
   */
  asCompleted<F extends Future>(
    futures: readonly F[],
    options?: WaitOptions,
  ): AsyncIterableIterator<F> {
    this.#checkOwn(futures);
    return completed(futures, options?.signal);
  }

  /**
   * Numbers of workers, clients, tasks and objects that the server holds. The code of this client's
   * functions, which the server keeps until the client closes, does not count.
   */
  async stats(options?: WaitOptions): Promise<ClusterStats> {
    const request = this.#session.requestStats();
    const stats = await abortable(request, options?.signal, "asking for stats");
    return { ...stats, objects: Math.max(0, stats.objects - this.#kept.objectCount) };
  }

  /** What the cluster does, worker by worker. */
  status(options?: WaitOptions): Promise<ClusterStatus> {
    return askStatus(this.#session, options);
  }

  /**
   * What becomes of a task, and why: what it waits for, why no worker gets it, where it is.
   * @param task a future of this client, or the id of a task of this client (errors name tasks by it); a
   * text: an id, looked for in all clients of the server, "CLIENT:ID", or a label
   * @throws LoomError("task") if the server knows no such task (any more)
   * @example console.log((await client.explain(future)).text);
   */
  explain(task: Future | number | string, options?: WaitOptions): Promise<Explanation> {
    return askExplanation(this.#session, task, options);
  }

  /**
   * Lets the server and its workers write a trace from now on: what happens to all tasks of all clients,
   * for `loom report`, `loom trace` and `loom simulate --trace`.
   * @param directory on a file system of the server, made if it is not there; made absolute here. Workers
   * that do not see it let the server write for them. Undefined: the trace ends, all of it is written
   * when this resolves
   * @throws LoomError("usage") if it can't be written there
   * @example await client.setTrace("trace");
   */
  async setTrace(directory: string | undefined): Promise<void> {
    await askTrace(this.#session, directory);
  }

  /**
   * Calls back while tasks run, at most five times a second. Returns a function that ends it.
   * @example const stop = client.onProgress(({ finished, total }) => console.log(finished, total));
   */
  onProgress(callback: (progress: Progress) => void): () => void {
    const listener = (progress: Progress) => callback(progress);
    const { progress } = this.#session.listeners;
    progress.add(listener);
    return () => progress.delete(listener);
  }

  /**
   * Calls back for each line that functions of this client log (`ctx.log`) from now on. Returns
   * a function that ends it.
   * @example const stop = client.onLog(({ level, message }) => console.error(level, message));
   */
  onLog(callback: (line: LogLine) => void): () => void {
    return this.#session.listenToLogs((line) => callback(line));
  }

  /**
   * Calls back for what users should read, from now on: e.g. that tasks of a plan wait for a worker
   * that can execute them. Without it notices go to standard error, as warnings of the process. Returns a
   * function that ends it.
   * @example const stop = client.onNotice((text) => console.error(text));
   */
  onNotice(callback: (text: string) => void): () => void {
    const { notices } = this.#session.listeners;
    const listener = (text: string) => callback(text);
    notices.add(listener);
    return () => notices.delete(listener);
  }

  /** Stops the server with all its workers, for all clients, and closes this client. */
  async terminate(): Promise<void> {
    const session = this.#session;
    session.checkOpen();
    session.send(encodeClientRequest({ type: ClientRequestType.TERMINATE }));
    session.expectEnd(
      new LoomError("connection", "this client has stopped its server; connect to another one"),
    );
    await session.untilEnded(TERMINATE_TIMEOUT_MS);
    await this.#cluster?.close();
  }

  /**
   * Closes the connection: what is unfinished is cancelled, unreleased results are dropped
   * and what waits for them rejects. Stops an embedded cluster. Idempotent.
   */
  async close(): Promise<void> {
    try {
      await this.#session.close(
        new LoomError("connection", "this client is closed; connect a new one"),
      );
    } finally {
      await this.#cluster?.close();
    }
  }

  /** `await using`: {@link close}. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  #inputId(input: SubmittedResult, user: Task): number {
    if (!(input instanceof Future) || Future.sessionOf(input) !== this.#session) {
      throw new LoomError(
        "usage",
        `input ${input.id} of ${describeTask(user)} is no future of this client; fetch its value and make a const of it`,
      );
    }
    // A failed one is for the server: it may as well fail a moment later.
    const error = input.status === "released" ? Future.stateOf(input).findError() : undefined;
    if (error === undefined) return input.id;
    throw new LoomError(
      error.code,
      `${describeTask(user)} has an unusable input: ${error.message}`,
    );
  }

  #checkOwn(futures: readonly Future[]): void {
    for (const future of futures) {
      if (future instanceof Future && Future.sessionOf(future) === this.#session) continue;
      const what = future instanceof Future ? `a future (id ${future.id})` : `a ${typeof future}`;
      throw new LoomError("usage", `${what} was given that is no future of this client`);
    }
  }
}

/** Until all are there. The signal holds states, not futures: those may become garbage. */
function releaseOnAbort(
  session: Session,
  states: readonly ResultState[],
  signal: AbortSignal,
): void {
  const aborted = () => {
    const error = cancelledError(`the submission of ${states.length} results`, signal);
    for (const state of states) if (state.status === "pending") session.release(state, error);
  };
  signal.addEventListener("abort", aborted, { once: true });
  let pending = states.length;
  const listener = {
    settled: () => {
      if (--pending === 0) signal.removeEventListener("abort", aborted);
    },
  };
  for (const state of states) state.listen(listener);
}
