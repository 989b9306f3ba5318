/**
 * What the scheduler sees of the tasks (the task table's columns; they are replaced when the table
 * grows, so they are read through this each time), and what it asks for.
 */
export interface TaskView {
  /** One of TaskState. */
  readonly state: Uint8Array;
  /** Bits of TaskFlag. */
  readonly flags: Uint8Array;
  /** Index into the scheduler's task classes. */
  readonly taskClass: Uint16Array;
  /** Upward rank: estimated milliseconds of the longest path from the task's start to the end. */
  readonly rank: Float32Array;
  /** Assigned: the worker it was sent to. Finished: a worker that holds its object, or -1. */
  readonly worker: Int16Array;
  /** Its small object, which the server has itself; -1: none. */
  readonly inlineCell: Int32Array;
  /** Size of the object in bytes, when finished. */
  readonly size: Float64Array;
  /** Inputs not finished. */
  readonly unfinished: Uint32Array;
  /** Inputs neither finished nor assigned. */
  readonly unplaced: Uint32Array;
  readonly inputStart: Uint32Array;
  readonly inputCount: Uint32Array;
  /** Rows of inputs, by edge number. */
  readonly edgeInput: Uint32Array;
  /** First edge to a user, -1: none; the next one; whose it is. */
  readonly userHead: Int32Array;
  readonly nextUser: Int32Array;
  readonly edgeUser: Uint32Array;
  /** Whether the worker has a copy of the finished task's object. */
  holds(worker: number, row: number): boolean;
  /** The workers that have a copy of the finished task's object. */
  holders(row: number): number[];
}

/** What users declared of their tasks; NaN: nothing. */
export interface Declared {
  /** Whether anything was declared of any task: if not, the others need not be asked. */
  readonly any: boolean;
  durationMs(row: number): number;
  resultBytes(row: number): number;
}

/** What the scheduler decides; carried out by the server core at once. */
export interface SchedulerActions {
  /** Sends the task to the worker. */
  assign(row: number, worker: number): void;
  /** Asks the worker to give the task back if it has not started. */
  retract(row: number, worker: number): void;
  /** Has the worker fetch the finished object, for the task `user` that will be assigned there. */
  prefetch(row: number, worker: number, user: number): void;
}

export interface SchedulerOptions {
  /** Classes of tasks, and variants of requests, at most. Default: as many as can be numbered. */
  maxClasses?: number;
  /** The class was forgotten: its index may be another one's from now on. */
  classGone?(index: number): void;
}
