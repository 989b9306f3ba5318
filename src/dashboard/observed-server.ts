/**
 * What the HTTP port sees of the server: an interface that LoomServer fulfils, so that this room needs to
 * know nothing of sockets and sessions. Types only.
 */
import type { WorkerSample } from "../protocol/index.js";
import type { FailureDetails, ServerCore } from "../server-core/index.js";

export interface ObservedServer {
  readonly core: ServerCore;
  readonly symbols: { nameOf(symbol: number): string };
  readonly workers: ReadonlyMap<number, ObservedWorker>;
  readonly clients: ReadonlyMap<number, ObservedClient>;
  /** Tasks of clients that have gone. */
  readonly past: { readonly finished: number; readonly failed: number };
  readonly failures: {
    /** Since the server has started. */
    readonly total: number;
    /** The newest first. */
    list(limit?: number): readonly ObservedFailure[];
  };
  /** When it started, by performance.now(). */
  readonly startedMs: number;
  readonly isStopping: boolean;
  readonly taps: Taps;
  /** How many want samples of workers; {@link observeWorkers} is called after a change. */
  sampleWatchers: number;
  observeWorkers(): void;
  /** What STATUS answers, as JSON. */
  status(): string;
  /** The core was changed: schedule and send. */
  planTurn(): void;
}

export interface ObservedWorker {
  readonly identity: {
    readonly index: number;
    readonly cpus: number;
    readonly hostname: string;
    readonly pid: number;
    readonly version: string;
  };
  readonly address: string;
  readonly lastHeardMs: number;
  readonly lastSample: WorkerSample | undefined;
}

export interface ObservedClient {
  readonly handle: number;
  readonly connection: { readonly remote: string };
}

export interface ObservedFailure {
  /** Since 1970. */
  readonly timeMs: number;
  readonly client: number;
  readonly taskType: string;
  readonly worker: string | undefined;
  readonly details: FailureDetails;
}

/**
 * Who is told of what happens, at the moment it happens. All undefined while nobody looks: then nothing is
 * collected. `tasks` is looked at once for each frame of a worker.
 */
export interface Taps {
  tasks: TaskTap | undefined;
  /** After each scheduling pass. */
  pass: ((durationMs: number, assignedTasks: number) => void) | undefined;
  sample: ((worker: number, sample: WorkerSample) => void) | undefined;
}

/** Told before the core is, and only of attempts that count. */
export interface TaskTap {
  taskStarted(worker: number, row: number): void;
  /** @param durationUs 0: not measured */
  taskFinished(worker: number, row: number, durationUs: number, sizeBytes: number): void;
  /** A function has written a line. `level` as in LOG messages. */
  taskLogged(worker: number, row: number, level: number, text: string): void;
}
