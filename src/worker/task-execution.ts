/** One task as its executor sees it, with the means to cancel it. Made by task-runner.ts. */
import type { TaskExecution } from "../executors/index.js";
import type { DataObject } from "../object-store/index.js";
import { decodeTaskExtras } from "../protocol/index.js";
import type { WorkerTask } from "../worker-core/index.js";

const NO_CORES: readonly number[] = [];
const NO_BYTES = new Uint8Array(0);

/** @internal */
export class RunningTask implements TaskExecution {
  readonly row: number;
  readonly attempt: number;
  readonly config: Uint8Array;
  readonly cpus: number;
  readonly cores: readonly number[];
  readonly label: string | undefined = undefined;
  /** Where the result is to be written before the task counts as finished. */
  readonly checkpointPath: string | undefined = undefined;
  private cancelCallback: (() => void) | undefined = undefined;
  private cancelled = false;

  /** @param coreNumbers of each core slot; empty when nothing is pinned */
  constructor(
    task: WorkerTask,
    readonly taskType: string,
    readonly inputs: readonly DataObject[],
    coreNumbers: readonly number[],
  ) {
    this.row = task.row;
    this.attempt = task.attempt;
    const { configStart, configLength } = task;
    this.config =
      configLength === 0 ? NO_BYTES : task.frame.subarray(configStart, configStart + configLength);
    this.cpus = task.cpus;
    this.cores =
      task.cores.length === 0 || coreNumbers.length === 0
        ? NO_CORES
        : task.cores.map((slot) => coreNumbers[slot]);
    if (task.extrasLength > 0) {
      const end = task.extrasStart + task.extrasLength;
      const extras = decodeTaskExtras(task.frame.subarray(task.extrasStart, end));
      if (extras.label !== "") this.label = extras.label;
      if (extras.checkpointPath !== "") this.checkpointPath = extras.checkpointPath;
    }
  }

  onCancel(callback: () => void): void {
    if (this.cancelled) callback();
    else this.cancelCallback = callback;
  }

  cancel(): void {
    this.cancelled = true;
    const callback = this.cancelCallback;
    this.cancelCallback = undefined;
    callback?.();
  }
}
