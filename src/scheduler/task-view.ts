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
  /** Assigned: the worker it was sent to. Finished: a worker that holds its object, or -1. */
  readonly worker: Int16Array;
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
  /** Whether the worker has, or is about to have, a copy of the finished task's object. */
  holds(worker: number, row: number): boolean;
}

/** What the scheduler decides; carried out by the server core at once. */
export interface SchedulerActions {
  /** Sends the task to the worker. */
  assign(row: number, worker: number): void;
  /** Asks the worker to give the task back if it has not started. */
  retract(row: number, worker: number): void;
}
