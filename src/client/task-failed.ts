/** The error for failed tasks. Owns its fields and message; the session makes it. */
import { LoomError } from "../base/index.js";
import { describeTask } from "../graph/index.js";
import type { ErrorMessage } from "../protocol/index.js";
import { describeEnd, type ExecutionInfo, executionFrom } from "./execution-info.js";

/** What is known about a failed task. */
export interface TaskFailure {
  taskId: number;
  label: string | undefined;
  taskType: string;
  worker: string | undefined;
  reason: string;
  exitStatus: number | undefined;
  signal: string | undefined;
  stderr: string;
  execution?: ExecutionInfo | undefined;
}

/**
 * A task failed, and with it all results that need it: `wait`, `fetch` and `gather` of
 * their futures reject with this. `code` is "task".
 */
export class TaskFailed extends LoomError {
  override readonly name = "TaskFailed";
  /** Id of the task that failed: not always that of a future, it may be an input of it. */
  readonly taskId: number;
  readonly label: string | undefined;
  /** Symbol of its type, e.g. "loom/run/run". */
  readonly taskType: string;
  /** Address of the worker that ran it; undefined if it failed before it got to one. */
  readonly worker: string | undefined;
  /**
   * What the worker said; several lines are possible. `message` is this with task and worker, and with
   * how it died, as far as that is known, in the last line.
   */
  readonly reason: string;
  /** What is known of its execution; undefined if it was not executed. */
  readonly execution: ExecutionInfo | undefined;
  /** Programs: exit status, undefined if it was ended by a signal or never started. */
  readonly exitStatus: number | undefined;
  /** The signal that ended the program, or the process of the function, e.g. "SIGKILL". */
  readonly signal: string | undefined;
  /** Programs: standard error, of more than 128 KiB its beginning and end; functions whose process died: its last lines; else "". */
  readonly stderr: string;

  constructor(failure: TaskFailure) {
    const task = describeTask({ type: failure.taskType, label: failure.label });
    const place = failure.worker === undefined ? "" : ` on worker ${failure.worker}`;
    const end = describeEnd(failure);
    const reason = end === undefined ? failure.reason : `${failure.reason.trimEnd()}\n${end}`;
    super("task", `${task} failed${place}: ${reason}`);
    this.taskId = failure.taskId;
    this.label = failure.label;
    this.taskType = failure.taskType;
    this.worker = failure.worker;
    this.reason = failure.reason;
    this.exitStatus = failure.exitStatus;
    this.signal = failure.signal;
    this.stderr = failure.stderr;
    this.execution = failure.execution;
  }
}

/** From a TASK_FAILED, or the ERROR for a READ of a failed result. */
export function taskFailedFrom(error: ErrorMessage): TaskFailed {
  return new TaskFailed({
    taskId: error.id,
    label: error.label || undefined,
    taskType: error.taskType,
    worker: error.worker || undefined,
    reason: error.errorMsg,
    // An unset optional number is on the prototype, as 0.
    exitStatus: Object.hasOwn(error, "exitStatus") ? error.exitStatus : undefined,
    signal: error.signal || undefined,
    stderr: Buffer.from(error.stderr).toString(),
    execution: executionFrom(error.execution),
  });
}
