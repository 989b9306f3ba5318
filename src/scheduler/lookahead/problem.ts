/**
 * What is asked of the lookahead, and what it answers. Types only.
 */

/** The part of a plan that is still open, and the cluster that is to execute it. */
export interface LookaheadProblem {
  readonly workerCount: number;
  /** Cores per worker. */
  readonly workerCpus: Uint16Array;
  /** 1: durations are as estimated, 2: half as long. Default: 1 everywhere. */
  readonly workerSpeed?: Float64Array;
  /** Open tasks. Numbers need no order; at one instant lower ones become prepared first. */
  readonly taskCount: number;
  readonly durationMs: Float64Array;
  /** Cores a task holds. 0: a light task, starts whenever its inputs are there. */
  readonly cpus: Uint16Array;
  /** A task of higher user priority goes before all of lower one that wait on its worker. */
  readonly userPriority: Int8Array;
  /** Objects that open tasks use: made by an open task, or there already. */
  readonly objectCount: number;
  readonly objectBytes: Float64Array;
  /** The open task that makes the object; -1: it exists. */
  readonly objectProducer: Int32Array;
  /**
   * Who has the objects that exist: `holders[holderStart[o] .. holderStart[o + 1]]`. One that
   * exists and that nobody has is taken to be everywhere: what it costs to get is not known here.
   */
  readonly holderStart: Uint32Array;
  readonly holders: Uint16Array;
  /** Objects that task t needs: `inputs[inputStart[t] .. inputStart[t + 1]]`. */
  readonly inputStart: Uint32Array;
  readonly inputs: Uint32Array;
  /** The worker at which a task runs, where it stays; -1: it does not run yet. */
  readonly runningAt: Int32Array;
  /** What a running task still needs. */
  readonly remainingMs: Float64Array;
  /** Whether a worker may execute a task, beyond having enough cores. Default: all may. */
  readonly allowed?: (task: number, worker: number) => boolean;
  readonly network: NetworkModel;
}

export interface NetworkModel {
  /** What a worker can send, and receive, at once. Not positive: unknown, transfers cost nothing. */
  readonly bytesPerMs: number;
  /** From the end of a transfer until the object can be used, and the next one can start. */
  readonly latencyMs: number;
  /** Downloads of one worker at once; at least 1. */
  readonly maxDownloads: number;
  /** ... of them from one other worker; at least 1. */
  readonly maxDownloadsPerSource: number;
}

/** Where and in which order to execute the tasks. */
export interface LookaheadPlan {
  /** Worker per task; -1: no worker can execute it, or something that it needs. */
  readonly worker: Int32Array;
  /**
   * On its worker the prepared task of the highest priority starts first, and downloads for it go
   * first. Whole numbers, all different, a million apart.
   */
  readonly priority: Float64Array;
  /** When the last task ends, by the model. 0 without tasks. */
  readonly makespanMs: number;
}
