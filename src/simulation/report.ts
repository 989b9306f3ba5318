/** What a simulation found. Plain data, the same for the same options. Made by the simulation. */
import type { LowerBounds } from "./lower-bound.js";

export interface SimulationReport {
  readonly workload: { readonly name: string; readonly tasks: number; readonly inputs: number };
  /** All tasks are finished. */
  readonly completed: boolean;
  /** Why not. */
  readonly reason: string | undefined;
  /** When the server knew of the last finished task; when the simulation ended, if not completed. */
  readonly makespanMs: number;
  readonly lowerBound: LowerBounds;
  /** Makespan ÷ lower bound. */
  readonly ratio: number;
  /** Core time of first complete executions ÷ core time of all workers while they were there. */
  readonly utilisation: number;
  /** Where the cores' time went, in core-milliseconds; all others add up to `total`. */
  readonly coreTimeMs: {
    readonly total: number;
    readonly useful: number;
    readonly overhead: number;
    readonly repeated: number;
    readonly aborted: number;
    readonly unfinished: number;
    readonly idleTransfers: number;
    readonly idleReady: number;
    readonly idleNoWork: number;
  };
  readonly tasks: {
    /** Complete executions, repeated ones included. */
    readonly executed: number;
    readonly repeated: number;
    readonly failed: number;
    readonly firstFailure: string | undefined;
  };
  readonly transfers: {
    readonly count: number;
    readonly bytes: number;
    readonly aborted: number;
    readonly failed: number;
  };
  readonly memory: {
    /** The fullest worker's. */
    readonly highWaterBytes: number;
    /** Workers that had more than their `mem`. */
    readonly workersOverLimit: number;
  };
  readonly server: {
    readonly turns: number;
    readonly busyMs: number;
    readonly assignments: number;
    readonly retractions: number;
    readonly prefetches: number;
    readonly cancellations: number;
    readonly messagesIn: number;
    readonly framesIn: number;
    readonly framesOut: number;
  };
  readonly workers: readonly WorkerReport[];
  /** Events of the simulation. */
  readonly events: number;
}

export interface WorkerReport {
  readonly worker: number;
  readonly cpus: number;
  readonly joinedAtMs: number;
  readonly diedAtMs: number | undefined;
  /** Share of its cores' time in which tasks held them. */
  readonly utilisation: number;
  /** Share of the time in which its thread executed light tasks. */
  readonly lightUtilisation: number;
  readonly tasks: number;
  readonly lightTasks: number;
  readonly highWaterBytes: number;
}
