/** The errors of calls that did not end by themselves. Owns their texts. Used by function-pool.ts. */
import { type CancelReason, type ProgramEnd, TaskError, type TaskExecution } from "../contract.js";

/** Of standard error, in messages; all that is kept is told besides. */
const SHOWN_LINES = 20;
const SHOWN_LENGTH = 4096;

/**
 * The process of a call has ended.
 * @param ready it has executed calls; false: it could not be started
 * @param reason e.g. "it was killed by SIGKILL"
 */
export function deathError(
  language: string,
  ready: boolean,
  reason: string,
  end: ProgramEnd,
): TaskError {
  const what = ready
    ? `The ${language} process that executed the function died: ${reason}`
    : `The ${language} process for functions cannot be started: ${reason}`;
  const stderr = lastLines(end.stderr);
  return new TaskError(stderr === "" ? what : `${what}\nStderr:\n${stderr}`, end);
}

/** The call was cancelled, or its time is over. */
export function cancelledError(
  { timeLimitMs }: Pick<TaskExecution, "timeLimitMs">,
  reason: CancelReason,
): TaskError {
  if (reason === "unwanted") return new TaskError("The task was cancelled");
  return new TaskError(`Time limit of ${timeLimitMs} ms exceeded`, { timeLimitMs });
}

function lastLines(stderr: Uint8Array | undefined): string {
  if (stderr === undefined) return "";
  const lines = Buffer.from(stderr).toString().split("\n");
  return lines.slice(-SHOWN_LINES).join("\n").slice(-SHOWN_LENGTH);
}
