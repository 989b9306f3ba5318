/**
 * The contract between a worker and the ways to execute a task (built-in, program, later
 * JavaScript and Python). Owns no implementation.
 */
import { LoomError } from "../base/index.js";
import type { DataObject } from "../object-store/index.js";

/** One attempt to execute one task, with everything it needs. */
export interface TaskExecution {
  readonly row: number;
  readonly attempt: number;
  /** Symbol of the task type, e.g. "loom/run/run". */
  readonly taskType: string;
  readonly config: Uint8Array;
  readonly inputs: readonly DataObject[];
  /** Cores the task holds; 0 = a light task. */
  readonly cpus: number;
  /** Numbers of the cores it holds, empty when nothing is pinned. */
  readonly cores: readonly number[];
  readonly label: string | undefined;
  /**
   * Calls back at most once when the task is cancelled (or the worker stops). The executor
   * then stops its work, kills the process group, and settles its promise with any
   * error.
   */
  onCancel(callback: () => void): void;
}

/** Part of what a running program has written. */
export interface OutputPart {
  readonly bytes: Uint8Array;
  /** Bytes written so far. */
  readonly totalSize: number;
  readonly ended: boolean;
}

/** Executes tasks of some types. */
export interface Executor {
  readonly taskTypes: readonly string[];
  /**
   * Returns the result, at once for short work (then nothing is allocated for waiting) or
   * as a promise. Throws or rejects with a TaskError when the task fails; any other error
   * fails the task too, with its stack in the log.
   */
  execute(task: TaskExecution): DataObject | Promise<DataObject>;
  /** What the running task has written to a stream; undefined: not running here. */
  readOutput?(
    row: number,
    attempt: number,
    stream: "stdout" | "stderr",
    offset: number,
    maxBytes: number,
  ): Promise<OutputPart | undefined>;
  /** Ends everything that runs and all helper processes. */
  close(): Promise<void>;
}

/** For programs: how the program ended. */
export interface ProgramEnd {
  readonly exitStatus?: number;
  /** E.g. "SIGKILL". */
  readonly signal?: string;
  /** First 128 KiB of standard error. */
  readonly stderr?: Uint8Array;
}

/** A task failed; `message` is shown to the user as it is and may have several lines. */
export class TaskError extends LoomError {
  override readonly name = "TaskError";
  constructor(
    message: string,
    readonly programEnd?: ProgramEnd,
    options?: ErrorOptions,
  ) {
    super("task", message, options);
  }
}
