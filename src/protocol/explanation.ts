/**
 * What the server answers to EXPLAIN, as JSON: what becomes of a task, and why. Types only: the server
 * core makes it, clients hand it to their users.
 */

/** Answer to the question what becomes of a task; see `Client.explain()`. */
export interface Explanation {
  /** What was asked for. */
  readonly query: string;
  /** The tasks that match, at least one, at most 20; those that are not done come first. */
  readonly tasks: readonly TaskExplanation[];
  /** Further tasks that match. */
  readonly more: number;
  /** False: there was too much to look through, there may be other tasks that match. */
  readonly complete: boolean;
  /** All of it for people: for each task one sentence, and below it, indented, the details. */
  readonly text: string;
}

/** A task as an {@link Explanation} names it. */
export interface ExplainedTask {
  /** Number of its client, which its id belongs to; not used again while the server runs. */
  readonly client: number;
  readonly id: number;
  readonly label?: string;
  /** Symbol of its type, e.g. "loom/run/run". */
  readonly type: string;
  /**
   * `waiting`: for inputs; `ready`: to be sent to a worker; `assigned`: sent to one; `finished`: its
   * result exists; `released`: nobody needs its result (any more), so there is none; `failed`.
   */
  readonly state: "waiting" | "ready" | "assigned" | "finished" | "failed" | "released";
}

/** One task in an {@link Explanation}; `state` says which. */
export type TaskExplanation =
  | WaitingTask
  | ReadyTask
  | AssignedTask
  | FinishedTask
  | FailedTask
  | ReleasedTask;

/** What is told of a task in every state. */
export interface TaskFacts extends ExplainedTask {
  /** What it asks for, e.g. "4 cpus and 1 gpu, or else 16 cpus"; none: nothing, it is a light task. */
  readonly request?: string;
  /** The user's: -100 to 100. */
  readonly priority: number;
  /** How often it was lost with a worker. */
  readonly losses: number;
  /** What its client has given with it, for people and traces. */
  readonly metadata?: TaskMetadata;
  /** Only for tasks downstream of dslice and dget: the copies that are executed in their place. */
  readonly copies?: CopyCounts;
  /** One sentence, with `task 5 "train"` as its subject. */
  readonly summary: string;
  /** Lines of text that follow it. */
  readonly details: readonly string[];
}

/**
 * Metadata of a task: JSON, or what Python has pickled (base64), or unknown bytes (base64). What is above
 * 64 KiB is only counted.
 */
export type TaskMetadata =
  | { readonly json: unknown }
  | { readonly pickle: string; readonly bytes: number }
  | { readonly base64: string; readonly bytes: number };

/** Numbers of copies of a task, by state. Those that are not known yet do not count. */
export type CopyCounts = Readonly<Record<ExplainedTask["state"] | "total", number>>;

/** A task that waits for inputs. */
export interface WaitingTask extends TaskFacts {
  readonly state: "waiting";
  readonly inputs: number;
  readonly unfinishedInputs: number;
  /** The first of these, at most 10. */
  readonly firstUnfinished: readonly ExplainedTask[];
  /** What it waits for in the end: not waiting tasks among its inputs, their inputs and so on. */
  readonly causes: Causes;
  /** Who could execute it, if nobody could: then that is the next thing it will wait for. */
  readonly workers?: WorkersForTask;
}

/** Tasks that a waiting task waits for in the end; itself, if it is copied: its open copies. */
export interface Causes {
  /** Ready ones that no connected worker can execute, */
  readonly unable: number;
  /** other ready ones, */
  readonly ready: number;
  /** and assigned ones. */
  readonly assigned: number;
  /** The first of them, in this order, at most 5; `summary` says what there is to say. */
  readonly first: readonly (ExplainedTask & { readonly summary: string })[];
  /** False: there are more tasks than were looked at. */
  readonly complete: boolean;
}

/** A task that waits for a worker. */
export interface ReadyTask extends TaskFacts {
  readonly state: "ready";
  /** Ready tasks of the same type with the same request, about; it is one of them. */
  readonly readyAlike: number;
  /** Estimated time from its start to the end of what needs it; the order among equal priorities. */
  readonly rankMs: number;
  /** Address of the worker in whose queue it is, because of its inputs or as it was planned. */
  readonly queuedAt?: string;
  /** It was planned ahead to run there. */
  readonly plannedFor?: string;
  /** Tasks with requests are held back for a moment, while a plan is made ahead. */
  readonly heldBack: boolean;
  readonly workers: WorkersForTask;
}

/** A task that a worker has. */
export interface AssignedTask extends TaskFacts {
  readonly state: "assigned";
  /** Address. */
  readonly worker: string;
  /** Its worker has said that it runs. Light tasks: never. */
  readonly started: boolean;
  /** Inputs that do not exist yet: it was sent ahead of them. */
  readonly unfinishedInputs: number;
  /** Inputs that the worker has not told to have, among the first 1,000. */
  readonly inputsElsewhere: number;
  /** What is taken there of what it asks for, by it and by others, in words; not there for light tasks. */
  readonly load?: string;
  /** It was asked back, to be sent to another worker. */
  readonly askedBack: boolean;
  /** Tasks at that worker that have not ended. */
  readonly tasksThere: number;
}

/** A task with a result. */
export interface FinishedTask extends TaskFacts {
  readonly state: "finished";
  readonly sizeBytes: number;
  /** Addresses of workers that have its result, at most 10. */
  readonly holders: readonly string[];
  readonly atServer: boolean;
}

/** A task without a result: it, or one that it needs, has failed. */
export interface FailedTask extends TaskFacts {
  readonly state: "failed";
  /** The task that failed first: it, or one that it needs. Not known for ever. */
  readonly failedTask?: { readonly id: number; readonly label?: string };
  readonly message?: string;
  /** Address. */
  readonly worker?: string;
}

/** A task of which nobody needs the result (any more). */
export interface ReleasedTask extends TaskFacts {
  readonly state: "released";
  /** What its copies wait for, where some are not done yet: they are executed in its place. */
  readonly causes?: Causes;
}

/** The workers, as seen by a task that waits for one. */
export interface WorkersForTask {
  readonly connected: number;
  /** Those that could execute it, now or later. */
  readonly able: number;
  /** Why none is. */
  readonly problem?: string;
  /** The workers that were looked at, at most 500, in groups with the same verdict; at most 10. */
  readonly groups: readonly WorkerGroup[];
  /** Workers in no group here. */
  readonly others: number;
}

/** Workers for which a task means the same. */
export interface WorkerGroup {
  /**
   * `cannot`: ever; `busy`: what it asks for is taken, or enough queues there; `memoryFull`: its
   * result would not fit; `free`: could begin now.
   */
  readonly verdict: "cannot" | "busy" | "memoryFull" | "free";
  readonly workers: number;
  /** Of some of them, at most 3; of able ones the least loaded first. */
  readonly addresses: readonly string[];
  /** For `cannot` why; for the others what the first of them has to do. */
  readonly reason: string;
}
