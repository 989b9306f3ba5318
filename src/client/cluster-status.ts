/** What the server answers to STATUS. A type only: the server writes this JSON itself. */

/** A cluster at one moment; see `Client.status()`. */
export interface ClusterStatus {
  /** Version of the server's software. */
  readonly version: string;
  /** Milliseconds since the server started. */
  readonly uptimeMs: number;
  readonly workers: readonly WorkerStatus[];
  /** Clients connected, the asking one included. */
  readonly clients: number;
  /** Tasks of all clients. */
  readonly tasks: TaskCounts;
}

/** One worker in a {@link ClusterStatus}. */
export interface WorkerStatus {
  /** Number of the worker; not used again while the server runs. */
  readonly index: number;
  /** "host:port" at which it serves objects; errors name workers by it. */
  readonly address: string;
  readonly hostname: string;
  readonly pid: number;
  /** Version of its software. */
  readonly version: string;
  /** Cores that tasks may hold. */
  readonly cpus: number;
  /** Tasks assigned to it and not finished. */
  readonly assigned: number;
  /** Tasks it has finished since it registered. */
  readonly finished: number;
}

/** Numbers of tasks in a {@link ClusterStatus}. */
export interface TaskCounts {
  /** Submitted and neither finished nor failed. */
  readonly unfinished: number;
  /** Finished since the server started. */
  readonly finished: number;
  /** Failed since the server started. */
  readonly failed: number;
}
