/**
 * A trace as it is read: columns, for a million tasks and more. Made by readTrace(); the report, the
 * exports and the simulator look at it. Times are milliseconds since `Trace.startMs` by the server's
 * clock (workers' clocks are brought into line); NaN where something did not happen or is not known.
 */
import type { FailureInfo } from "../protocol/index.js";
import type { ClassRecord } from "./format.js";

export const TracedState = {
  /** Some input is not finished. */
  waiting: 0,
  ready: 1,
  /** Sent to a worker. */
  assigned: 2,
  finished: 3,
  failed: 4,
  /** Was not wanted any more before it ran, or an input failed. */
  cancelled: 5,
} as const;

/** Why an execution that did not finish ended. */
export const ExecutionEnd = {
  /** It finished. */
  finished: 0,
  failed: 1,
  /** Not wanted any more. */
  cancelled: 2,
  /** Taken back before it started. */
  retracted: 3,
  /** An input could not be had. */
  inputLost: 4,
  /** Its worker was lost. */
  workerLost: 5,
  /** The trace ends before. */
  open: 6,
} as const;

export interface Trace {
  /** Names of the files it was read from. */
  readonly files: readonly string[];
  /** What is missing or was left out, for people: one line each. */
  readonly warnings: readonly string[];
  /** Version of HyperLoom that wrote it. */
  readonly software: string;
  /** Ms since 1970. */
  readonly startMs: number;
  /** Length of the trace: of the last event. */
  readonly durationMs: number;
  /** Tracing ended as it should; else the server was killed, or is still running. */
  readonly complete: boolean;
  /** Names of task types, by number. */
  readonly taskTypes: readonly string[];
  /** Labels up to their first ":", or the task type's name for tasks without one; by number, as they came. */
  readonly labels: readonly string[];
  readonly classes: readonly ClassRecord[];
  readonly workers: readonly TracedWorker[];
  readonly clients: readonly TracedClient[];
  readonly plans: readonly TracedPlan[];
  readonly tasks: TracedTasks;
  readonly executions: TracedExecutions;
  readonly transfers: TracedTransfers;
  readonly passes: TracedPasses;
  readonly failures: readonly TracedFailure[];
}

export interface TracedWorker {
  readonly index: number;
  /** "host:port". */
  readonly address: string;
  readonly hostname: string;
  readonly pid: number;
  readonly cpus: number;
  readonly resources: readonly { readonly name: string; readonly amount: number }[];
  readonly joinedMs: number;
  /** NaN: it stayed. */
  readonly goneMs: number;
  readonly goneReason: string;
  /** Added to its clock to get the server's, in ms, and how uncertain that is. */
  readonly clockOffsetMs: number;
  readonly clockUncertaintyMs: number;
  readonly samples: TracedSamples;
  /** Runs of tasks without requests: start, duration in ms, number of tasks. */
  readonly light: {
    readonly count: number;
    readonly startMs: Float64Array;
    readonly durationMs: Float32Array;
    readonly tasks: Uint32Array;
  };
}

/** One entry a second. */
export interface TracedSamples {
  readonly count: number;
  readonly atMs: Float64Array;
  /** Cores in use. */
  readonly cpus: Float32Array;
  readonly memoryBytes: Float64Array;
  readonly freeMemoryBytes: Float64Array;
  readonly objectBytes: Float64Array;
  readonly receivedBytes: Float64Array;
  readonly sentBytes: Float64Array;
  readonly runningTasks: Uint32Array;
}

export interface TracedClient {
  readonly index: number;
  readonly address: string;
  readonly joinedMs: number;
  readonly goneMs: number;
}

export interface TracedPlan {
  readonly client: number;
  /** Client's id of its first task. */
  readonly idBase: number;
  /** Tasks of the client: `firstTask .. + taskCount`. Copies come anywhere later. */
  readonly firstTask: number;
  readonly taskCount: number;
  readonly submittedMs: number;
}

/** One entry a task; tasks are numbered from 0 in the order in which they came. */
export interface TracedTasks {
  readonly count: number;
  readonly plan: Uint32Array;
  /** The client's id; copies have that of the task they are a copy of. */
  readonly id: Int32Array;
  /** 1: a copy in the place of a task with dynamic inputs. */
  readonly isCopy: Uint8Array;
  readonly taskType: Uint16Array;
  readonly label: Uint16Array;
  /** Place in `classes`. */
  readonly taskClass: Uint32Array;
  /** One of {@link TracedState}. */
  readonly state: Uint8Array;
  readonly submittedMs: Float64Array;
  /** When its last input was finished, or it was submitted. */
  readonly readyMs: Float64Array;
  /** When it was sent to the worker that finished it (or failed, or has it at the end). */
  readonly assignedMs: Float64Array;
  /** When it began to run there; of tasks without requests estimated within their worker's runs. */
  readonly startedMs: Float64Array;
  /** When it had run. The server knew a little later: `knownMs`. */
  readonly finishedMs: Float64Array;
  readonly knownMs: Float64Array;
  /** Number of the worker; -1: none. */
  readonly worker: Int16Array;
  /** Number of its first core there; 0xffff: not known, or none. */
  readonly core: Uint16Array;
  /** How many it held. */
  readonly cores: Uint16Array;
  /** How often it was sent to a worker. */
  readonly attempts: Uint16Array;
  /** Bytes of its result. */
  readonly sizeBytes: Float64Array;
  /** Task i has the inputs `inputs[inputStart[i] .. inputStart[i + 1])`, task numbers. */
  readonly inputStart: Uint32Array;
  readonly inputs: Uint32Array;
  /** The whole label; "": none. */
  labelOf(task: number): string;
  /** As it was given; undefined: none. A pickle begins with 0x80, else it is JSON. */
  metadataOf(task: number): Uint8Array | undefined;
}

/** Attempts that did not finish the task, in the order of their ends. */
export interface TracedExecutions {
  readonly count: number;
  readonly task: Uint32Array;
  readonly worker: Int16Array;
  readonly assignedMs: Float64Array;
  /** NaN: it had not started. */
  readonly startedMs: Float64Array;
  readonly endedMs: Float64Array;
  /** One of {@link ExecutionEnd}. */
  readonly end: Uint8Array;
}

export interface TracedTransfers {
  readonly count: number;
  /** The task whose result it was. */
  readonly task: Uint32Array;
  /** -1: not known. */
  readonly from: Int16Array;
  readonly to: Int16Array;
  readonly startMs: Float64Array;
  readonly endMs: Float64Array;
  readonly sizeBytes: Float64Array;
  /** 1: it came. */
  readonly came: Uint8Array;
}

/** Scheduling passes. */
export interface TracedPasses {
  readonly count: number;
  readonly atMs: Float64Array;
  readonly durationMs: Float32Array;
  readonly assigned: Uint32Array;
}

export interface TracedFailure {
  readonly task: number;
  readonly worker: number;
  readonly atMs: number;
  readonly info: FailureInfo;
}
