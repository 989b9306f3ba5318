/** What the server answers to STATUS. A type only: the server writes this JSON itself. */
import type { LabelProgress } from "./reports.js";

/** A cluster at one moment; see `Client.status()`. */
export interface ClusterStatus {
  /** Version of the server's software. */
  readonly version: string;
  /** Milliseconds since the server started. */
  readonly uptimeMs: number;
  /** Address of the live page, such as "http://127.0.0.1:4711"; undefined: the server has none. */
  readonly dashboard?: string;
  readonly workers: readonly WorkerStatus[];
  /** Clients connected, the asking one included. */
  readonly clients: number;
  /** Tasks of all clients. */
  readonly tasks: TaskCounts;
  /**
   * Tasks of all connected clients by label, in the order in which the labels came: at most 200, those beyond as
   * "(others)".
   */
  readonly labels: readonly LabelStatus[];
  /** The clients one by one. */
  readonly connections: readonly ClientStatus[];
  /** Plans with unfinished tasks: of each client in the order in which they came, 100 at most. */
  readonly plans: readonly PlanStatus[];
  /** Tasks that have been running for the longest time, 50 at most. Those without a resource request are not known. */
  readonly longestRunning: readonly RunningTask[];
  /** Ready tasks that no connected worker can execute, most first. */
  readonly waitingForWorkers: readonly WaitingForWorkers[];
}

/** Numbers of tasks with one label in a {@link ClusterStatus}. */
export interface LabelStatus extends LabelProgress {
  /** How often one had to be executed again, as it, or its result, was lost with a worker. */
  readonly again: number;
}

/** One client in a {@link ClusterStatus}. */
export interface ClientStatus {
  /** Its number, as in "CLIENT:ID" of `Client.explain()`. */
  readonly client: number;
  /** "host:port" from which it connects. */
  readonly address: string;
  readonly unfinished: number;
  readonly finished: number;
  readonly failed: number;
}

/** An unfinished plan in a {@link ClusterStatus}. */
export interface PlanStatus {
  /** Number of its client. */
  readonly client: number;
  /** Id of its first task. */
  readonly firstTask: number;
  /** Its tasks: finished, failed and still to be done. */
  readonly total: number;
  readonly running: number;
  readonly finished: number;
  readonly failed: number;
  readonly labels: readonly LabelStatus[];
}

/** A task that runs in a {@link ClusterStatus}. */
export interface RunningTask {
  /** Number of its client. */
  readonly client: number;
  readonly id: number;
  /** All of its label, or its task type where it has none. */
  readonly label: string;
  /** Address of its worker. */
  readonly worker: string;
  /** Milliseconds since it was heard to have started. */
  readonly runningMs: number;
}

/** Tasks in a {@link ClusterStatus} that wait for a worker that can execute them. */
export interface WaitingForWorkers {
  /** What they ask for, e.g. "4 cpus and 8 gpus"; "": nothing, no worker offers their type. */
  readonly request: string;
  /** Symbol of their type, e.g. "loom/run/run". */
  readonly taskType: string;
  /** How many they are. */
  readonly tasks: number;
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
  /** What else tasks may hold, by name: "mem" in bytes. */
  readonly resources: Readonly<Record<string, number>>;
  /** Tasks assigned to it and not finished: those that run, and those that wait there. */
  readonly assigned: number;
  /** Those that run, as far as is known: only tasks with a resource request. */
  readonly running: number;
  /** Tasks it has finished since it registered. */
  readonly finished: number;
  /** Bytes of objects in its memory, as it told last. */
  readonly memoryBytes: number;
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
