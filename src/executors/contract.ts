/**
 * The contract between a worker and the ways to execute a task (built-in, program, functions in
 * JavaScript and Python, extensions). Owns no implementation.
 */
import { LoomError } from "../base/index.js";
import type { DataObject } from "../object-store/index.js";
import type { ReturnedTask } from "./functions/reply-reader.js";
import type { TaskGrant } from "./task-grant.js";

/** One attempt to execute one task, with everything it needs. */
export interface TaskExecution {
  readonly row: number;
  readonly attempt: number;
  /** Symbol of the task type, e.g. "loom/run/run". */
  readonly taskType: string;
  readonly config: Uint8Array;
  readonly inputs: readonly DataObject[];
  /** What the task holds; undefined: nothing, it is a light task. */
  readonly grant: TaskGrant | undefined;
  /** Cores among that. */
  readonly cpus: number;
  /** It holds what is held by the task that findLeader() gave. */
  readonly sharesCores: boolean;
  /** Numbers of the cores it holds, empty when nothing is pinned. */
  readonly cores: readonly number[];
  readonly label: string | undefined;
  /** The client's id of the task; 0 for built-in tasks and programs. */
  readonly taskId: number;
  /** 1; more after it was lost with a worker, for functions and extensions. Unlike `attempt`, for users. */
  readonly execution: number;
  /** Milliseconds that it may take; 0 = no limit. Kept by the worker by cancelling the task. */
  readonly timeLimitMs: number;
  /** It must not be executed a second time, whatever happens to its executor. */
  readonly once: boolean;
  /**
   * Calls back at most once when the task is cancelled (or its time is over, or the worker stops). The
   * executor then stops its work, kills the process group, and settles its promise with any
   * error. A later callback replaces an earlier one.
   */
  onCancel(callback: (reason: CancelReason) => void): void;
  /** For executors whose `execute` gave undefined: one of these must be called, once, later. */
  finish(result: DataObject | ReturnedTask, durationUs: number): void;
  fail(error: unknown): void;
  /** A line for the worker's log and the client; levels from 1 (debug) to 5 (critical). */
  log(level: number, text: string): void;
}

/** Why a task is cancelled. */
export type CancelReason = "unwanted" | "time limit";

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
   * as a promise, or undefined: the task's `finish` or `fail` will be called. Throws or rejects with a TaskError when the task fails; any other error
   * fails the task too, with its stack in the log.
   */
  execute(task: TaskExecution): DataObject | Promise<DataObject> | undefined;
  /** Its tasks run in the worker's process: one that crashes, or blocks for ever, takes the worker with it. */
  readonly runsInWorker?: boolean;
  /** It keeps time limits itself, as its tasks may wait before they start. */
  readonly keepsTimeLimits?: boolean;
  /**
   * A task that it executes, behind which one more of the same type and with the same request may be
   * given to it now: both hold the same, one is executed after the other.
   */
  findLeader?(): TaskExecution | undefined;
  /**
   * The tasks that are being executed in processes now, each with one from which the others can be
   * found: they have its group or session, or were started by it.
   */
  runningProcesses?(): Iterable<{ readonly task: TaskExecution; readonly pid: number }>;
  /** Sends what it has gathered: called once when a run of `execute` calls ends. */
  flush?(): void;
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

/** How the program, or the process of a function, ended. */
export interface ProgramEnd {
  readonly exitStatus?: number;
  /** E.g. "SIGKILL". */
  readonly signal?: string;
  /** Programs: standard error, of more than 128 KiB its beginning and end; processes of functions: its last lines, at most 64 KiB. */
  readonly stderr?: Uint8Array;
  /** It was ended because it took longer than that. */
  readonly timeLimitMs?: number;
  /** The signal was the worker's. */
  readonly killedByWorker?: boolean;
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
