/** What a server reports besides results, as users see it. Owns the types only. */

/** Numbers of this client's tasks; see `Client.onProgress`. */
export interface Progress {
  /** Tasks that have finished. */
  readonly finished: number;
  /** Tasks that have failed. */
  readonly failed: number;
  /** All tasks: finished, failed and those still to be done. */
  readonly total: number;
  /** The same by label, in the order in which the labels came. */
  readonly labels: readonly LabelProgress[];
}

/** Numbers of this client's tasks with one label; see {@link Progress}. */
export interface LabelProgress {
  /**
   * The label up to its first ":", or the name of the task type where a task has none; "(others)": all that
   * is beyond 200.
   */
  readonly name: string;
  /** Finished, failed, and those still to be done. */
  readonly total: number;
  /** Those that run, as far as is known: only tasks with a resource request. */
  readonly running: number;
  readonly finished: number;
  readonly failed: number;
}

/** A line that a function has logged; see `Client.onLog`. */
export interface LogLine {
  /** Id of the task (`future.id`). */
  readonly taskId: number;
  readonly level: "debug" | "info" | "warn" | "error" | "critical";
  readonly message: string;
  /** Address of the worker. */
  readonly worker: string;
}

/** What the server holds; see `Client.stats`. */
export interface ClusterStats {
  readonly workers: number;
  /** Objects held for tasks and results of all clients. */
  readonly objects: number;
  /** Tasks of all clients that the server knows. */
  readonly tasks: number;
  readonly clients: number;
}
