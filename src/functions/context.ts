/** What a function gets as its context. Owns the types only. */
import type { Data } from "./data.js";

/** Writes lines to the worker's log; clients get them with `Client.onLog`. */
export interface TaskLog {
  /** For whoever looks for an error. */
  debug(message: string): void;
  /** What goes on. */
  info(message: string): void;
  /** Something is wrong, but the function goes on. */
  warn(message: string): void;
  /** Something failed. */
  error(message: string): void;
  /** Nothing will work like this. */
  critical(message: string): void;
}

/** So much of one resource. */
export interface TaskResource {
  /** Number of cores, of GPUs (also a fraction), bytes of memory. */
  readonly amount: number;
  /** Which ones, of an indexed resource: numbers of cores, of GPUs. Else empty. */
  readonly indices: readonly string[];
}

/**
 * What a task holds while it runs, by name; empty for a light task.
 *
 * @example { cpus: { amount: 2, indices: ["0", "1"] }, gpus: { amount: 0.5, indices: ["1"] } }
 */
export type TaskResources = Readonly<Record<string, TaskResource | undefined>>;

/**
 * The first argument of functions that ask for it (`jsTask(fn, { context: true })`).
 *
 * @example
 * const stats = jsTask((ctx: Context, a: Data) => ctx.wrap({ n: a.size }), { context: true });
 */
export interface Context {
  /** Id of the task on its client's connection (`future.id`). */
  readonly taskId: number;
  /** 1 for the first execution; more when it was lost with a worker and is executed again. */
  readonly attempt: number;
  /** What the task holds: cores, GPUs, memory, whatever it has asked for. */
  readonly resources: TaskResources;
  readonly log: TaskLog;
  /** Fires when nobody wants the result any more, or the time limit is over. */
  readonly signal: AbortSignal;
  /**
   * A result that is a JavaScript value: anything that can be cloned structurally (objects, maps,
   * typed arrays, dates, ...). The next function gets it back by `unwrap()`, the client as it is.
   * Data comes back as it is.
   */
  wrap<T>(value: T): T extends Data<unknown> ? T : Data<T>;
}
