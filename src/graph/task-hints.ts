/**
 * What users tell the scheduler of a task: its priority and what they expect of it. Owns the options
 * and their checks. Called by task.ts.
 */
import { LoomError } from "../base/index.js";
import { describeTask } from "./describe-task.js";

/** Priorities of tasks are from minus this to this. */
export const MAX_PRIORITY = 100;

/** Few tasks have any. */
export interface TaskHints {
  /**
   * Integer from -100 to 100: of the tasks that could start, those with a higher one come first.
   * Default 0.
   */
  readonly priority?: number | undefined;
  /** Milliseconds that its execution will take, as you expect; at least 0. Default: unknown. */
  readonly expectedMs?: number | undefined;
  /** Size of its result in bytes, as you expect; at least 0. Default: unknown. */
  readonly expectedBytes?: number | undefined;
}

/** The hints among options; undefined if there are none. */
export function hintsOf({
  priority = 0,
  expectedMs,
  expectedBytes,
}: TaskHints): TaskHints | undefined {
  if (priority === 0 && expectedMs === undefined && expectedBytes === undefined) return undefined;
  return { priority, expectedMs, expectedBytes };
}

/** @throws LoomError("usage") for one that is out of range */
export function checkHints(
  hints: TaskHints,
  task: { type: string; label?: string | undefined },
): void {
  const { priority = 0, expectedMs = 0, expectedBytes = 0 } = hints;
  if (!Number.isInteger(priority) || Math.abs(priority) > MAX_PRIORITY) {
    throw new LoomError(
      "usage",
      `the priority of ${describeTask(task)} must be an integer from -${MAX_PRIORITY} to ${MAX_PRIORITY}, got ${priority}`,
    );
  }
  // Milliseconds travel with 32 bits: larger ones would become infinite.
  if (!isEstimate(expectedMs) || !Number.isFinite(Math.fround(expectedMs))) {
    throw wrongEstimate("expectedMs", expectedMs, task);
  }
  if (!isEstimate(expectedBytes)) throw wrongEstimate("expectedBytes", expectedBytes, task);
}

function isEstimate(value: unknown): boolean {
  return typeof value === "number" && value >= 0 && Number.isFinite(value);
}

function wrongEstimate(
  name: string,
  value: unknown,
  task: { type: string; label?: string | undefined },
): LoomError {
  return new LoomError(
    "usage",
    `${name} of ${describeTask(task)} must be a number from 0 on, got ${value}`,
  );
}
