/**
 * A plan as columns: what the decoder fills straight from a PLAN request's bytes and
 * the task table copies, without an object per task.
 */

/** Bits of {@link PlanColumns.flags}. */
export const PlanTaskFlag = {
  /** The client wants this task's result. */
  result: 1,
  /** The task has a checkpoint path. */
  checkpoint: 2,
  /** The task has a label. */
  label: 4,
  /** The task has metadata. */
  metadata: 8,
  /** The task must not be executed twice (policy ONCE). */
  once: 16,
  /** The task has a time limit. */
  timeLimit: 32,
  /** A label that is not ASCII, or unknown fields: only decoding it tells whether it is malformed. */
  unchecked: 64,
} as const;

/** One plan; task `i` (0-based) has client id `idBase + i`. */
export interface PlanColumns {
  readonly idBase: number;
  readonly taskCount: number;
  /** PLAN request's load_checkpoints. */
  readonly loadCheckpoints: boolean;
  /** The request's bytes; all offsets below are into them. They must stay unchanged. */
  readonly bytes: Uint8Array;
  /** Symbol number of the task type. Length taskCount, like the next ones. */
  readonly taskType: Int32Array;
  readonly flags: Uint8Array;
  /** Index into `requests`, -1 = none. */
  readonly request: Int32Array;
  readonly configStart: Uint32Array;
  readonly configLength: Uint32Array;
  /** Where the `Task` message's bytes are, to decode rare fields on demand. */
  readonly messageStart: Uint32Array;
  readonly messageLength: Uint32Array;
  /** Inputs of task i: `inputIds[inputStart[i] .. inputStart[i + 1])`. Length taskCount + 1. */
  readonly inputStart: Uint32Array;
  /** Client ids, of this plan or an earlier one. Longer than used is allowed. */
  readonly inputIds: Int32Array;
  readonly requests: readonly PlanResourceRequest[];
  /** What becomes of requests that no present worker can ever satisfy: a {@link Unsatisfiable}. */
  readonly whenUnsatisfiable: number;
  /** Where the label's bytes are; length 0 = none. Undefined: no task has one. */
  readonly labelStart: Uint32Array | undefined;
  readonly labelLength: Uint32Array | undefined;
  /** -100 to 100, higher first. Undefined: all 0. */
  readonly priority: Int8Array | undefined;
  /** The user's estimate of the execution, in milliseconds; NaN = none. Undefined: no task has one. */
  readonly expectedMs: Float32Array | undefined;
  /** Of the result's size; like expectedMs. */
  readonly expectedBytes: Float64Array | undefined;
}

/** Values of {@link PlanColumns.whenUnsatisfiable}. */
export const Unsatisfiable = {
  /** As the server is set. */
  default: 0,
  /** The tasks wait for a worker that can. */
  wait: 1,
  /** The plan is refused. */
  refuse: 2,
} as const;

/** One resource of a request as on the wire. */
export interface PlanResource {
  /** Meaningless where there is a name. */
  readonly symbol: number;
  readonly name: string | undefined;
  /** The amount: finite, but not checked otherwise. */
  readonly value: number;
  /** Particular ones of an indexed resource; empty: any. */
  readonly indices: readonly string[];
}

/** A resource request as on the wire. */
export interface PlanResourceRequest {
  readonly resources: readonly PlanResource[];
  /** In order of preference after `resources`; these have none. */
  readonly alternatives: readonly PlanResourceRequest[];
}
