/** What a TaskRunner is given: its surroundings in the worker. */
import type { Logger } from "pino";
import type { Executor } from "../executors/index.js";
import type { ObjectStore } from "../object-store/index.js";
import type { ObjectFetch, WorkerCoreOptions } from "../worker-core/index.js";

/** Carries out fetches; answers with the runner's objectArrived() or fetchFailed(). */
export interface FetchStarter {
  /** Must not answer before it returns. */
  start(fetch: ObjectFetch): void;
  abort(fetch: ObjectFetch): void;
}

export interface TaskRunnerOptions {
  readonly cpus: number;
  /** What tasks may hold besides. Default: nothing. */
  readonly resources?: WorkerCoreOptions["resources"];
  /** Number of the core of each slot; empty: nothing is pinned. */
  readonly coreNumbers: readonly number[];
  readonly executors: readonly Executor[];
  readonly store: ObjectStore;
  readonly zeroWork: boolean;
  readonly logger: Logger;
  send(frame: Uint8Array): void;
  /** What was sent leaves now: this process may be about to die. */
  flush(): void;
  /** A bug in the worker: nothing can be relied on any more. */
  broken(error: unknown): void;
}
