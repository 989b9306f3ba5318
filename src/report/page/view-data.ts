/**
 * What the views show: columns, as those of a trace. The report decodes one from its file, the live page
 * fills one from events. Owns the contract between them and the views; no DOM here.
 */
import type { Trace, TracedWorker } from "../../trace/index.js";

/**
 * Numbers of tasks, workers, labels, types and classes are indices into the lists and columns here. Columns
 * may be longer than their `count` (so that they can grow); what is behind it is not looked at. Times are
 * milliseconds since `startMs`, NaN where something did not happen (yet) or is not known.
 */
export interface ViewData extends Omit<Trace, "files" | "workers" | "failures"> {
  /** Shown above the views. */
  readonly title: string;
  /** More will come: the end of the time axis moves with `durationMs`, unless the user has zoomed. */
  readonly live: boolean;
  readonly workers: readonly ViewWorker[];
  readonly failures: readonly ViewFailure[];
  /**
   * Added to a task's number to get one that stays the same when data are updated: a live page that forgets
   * its oldest tasks counts it up. 0 in a report.
   */
  readonly firstTask: number;
  /**
   * Totals by label, one entry each, if `tasks` has not all of them (a live page that came late, or sheds
   * detail). Undefined: they are counted from `tasks`.
   */
  readonly totals?: readonly LabelTotal[];
}

export type ViewWorker = Omit<TracedWorker, "light">;

export interface LabelTotal {
  readonly tasks: number;
  readonly running: number;
  readonly finished: number;
  readonly failed: number;
  readonly cancelled: number;
  /** Sum of the durations of those that finished. */
  readonly durationMs: number;
}

/** Why a task failed. All texts are the user's: they may contain anything. */
export interface ViewFailure {
  readonly task: number;
  /** -1: none, or not known. */
  readonly worker: number;
  readonly atMs: number;
  readonly message: string;
  /** The last of it. "": nothing. */
  readonly stderr: string;
  /** What else is known, in order: ["signal", "SIGKILL"], ["exit status", "3"], ["host", "node7"] ... */
  readonly facts: readonly (readonly [name: string, value: string])[];
  /** Resident memory of its processes until it died. */
  readonly memory?: { readonly atMs: readonly number[]; readonly bytes: readonly number[] };
}
