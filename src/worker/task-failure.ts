/** What the server is told of a task that failed, from whatever its executor threw. */
import { LoomError, messageOf } from "../base/index.js";
import { TaskError } from "../executors/index.js";
import { encodeFailureInfo } from "../protocol/index.js";

/** Whether the error is the task's own, not a bug of the worker. */
export function isTaskFailure(error: unknown): boolean {
  return error instanceof LoomError && error.code !== "internal";
}

/** An encoded `FailureInfo`. */
export function failureOf(taskType: string, error: unknown): Uint8Array {
  const end = error instanceof TaskError ? error.programEnd : undefined;
  return encodeFailureInfo({
    message: isTaskFailure(error)
      ? messageOf(error)
      : `${taskType}: internal error of the worker: ${messageOf(error)}; see its log`,
    exitStatus: end?.exitStatus,
    signal: end?.signal,
    stderr: end?.stderr,
  });
}
