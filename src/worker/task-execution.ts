/** One task as its executor sees it, with the means to cancel it. Made by task-runner.ts. */
import type { CancelReason, FunctionResult, TaskExecution, TaskGrant } from "../executors/index.js";
import type { DataObject } from "../object-store/index.js";
import { decodeTaskExtras } from "../protocol/index.js";
import type { WorkerTask } from "../worker-core/index.js";
import type { MemoryCurve } from "./memory-curve.js";
import type { TaskGrants } from "./task-grants.js";

const NO_CORES: readonly number[] = [];
const NO_BYTES = new Uint8Array(0);

/** Where a task's outcome and its log lines go: the runner. */
export interface TaskOwner {
  taskFinished(task: RunningTask, result: FunctionResult, durationUs: number): void;
  taskFailed(task: RunningTask, error: unknown): void;
  taskLogged(task: RunningTask, level: number, text: string): void;
}

/** @internal */
export class RunningTask implements TaskExecution {
  readonly row: number;
  readonly attempt: number;
  readonly config: Uint8Array;
  readonly grant: TaskGrant | undefined;
  readonly cpus: number;
  readonly cores: readonly number[];
  readonly taskId: number;
  readonly execution: number;
  readonly label: string | undefined = undefined;
  readonly timeLimitMs: number = 0;
  readonly once: boolean = false;
  /** Where the result is to be written before the task counts as finished. */
  readonly checkpointPath: string | undefined = undefined;
  /** Objects that were made on the way to the result, to be discarded after it is stored. */
  leftovers: DataObject[] | undefined = undefined;
  /** Fires at the end of the time limit. */
  timer: NodeJS.Timeout | undefined = undefined;
  /** When it was given to its executor, on the clock of performance.now(); 0: it has ended at once. */
  startedMs = 0;
  /** Measured if it takes long. */
  memory: MemoryCurve | undefined = undefined;
  cancelReason: CancelReason | undefined = undefined;
  private cancelCallback: ((reason: CancelReason) => void) | undefined = undefined;

  /** @param coreNumbers of each core slot; empty when nothing is pinned */
  constructor(
    private readonly owner: TaskOwner,
    readonly task: WorkerTask,
    readonly taskType: string,
    readonly inputs: readonly DataObject[],
    coreNumbers: readonly number[],
    readonly sharesCores: boolean,
    grants: TaskGrants,
  ) {
    this.row = task.row;
    this.attempt = task.attempt;
    this.taskId = task.taskId;
    this.execution = task.losses + 1;
    const { configStart, configLength } = task;
    this.config =
      configLength === 0 ? NO_BYTES : task.frame.subarray(configStart, configStart + configLength);
    this.grant = task.held === undefined ? undefined : grants.of(task.held);
    this.cpus = task.cpus;
    const { cores } = task;
    this.cores =
      cores.length === 0 || coreNumbers.length === 0
        ? NO_CORES
        : cores.map((slot) => coreNumbers[slot]);
    if (task.extrasLength > 0) {
      const end = task.extrasStart + task.extrasLength;
      const extras = decodeTaskExtras(task.frame.subarray(task.extrasStart, end));
      if (extras.label !== "") this.label = extras.label;
      if (extras.checkpointPath !== "") this.checkpointPath = extras.checkpointPath;
      this.timeLimitMs = extras.timeLimitMs;
      this.once = extras.once;
    }
  }

  onCancel(callback: (reason: CancelReason) => void): void {
    if (this.cancelReason !== undefined) callback(this.cancelReason);
    else this.cancelCallback = callback;
  }

  cancel(reason: CancelReason): void {
    this.cancelReason = reason;
    const callback = this.cancelCallback;
    this.cancelCallback = undefined;
    callback?.(reason);
  }

  finish(result: FunctionResult, durationUs: number): void {
    this.owner.taskFinished(this, result, durationUs);
  }

  fail(error: unknown): void {
    this.owner.taskFailed(this, error);
  }

  log(level: number, text: string): void {
    this.owner.taskLogged(this, level, text);
  }
}
