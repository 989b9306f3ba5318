import type { ExecutionMessage } from "../protocol/index.js";

/** Why a task failed, as it is told to its client. */
export interface FailureDetails {
  /** The client's id of the task that failed. */
  readonly taskId: number;
  readonly label: string | undefined;
  /** Symbol number. */
  readonly taskType: number;
  /** Index of the worker on which it failed, undefined if it was not on one. */
  readonly worker: number | undefined;
  readonly message: string;
  readonly exitStatus?: number;
  readonly signal?: string;
  readonly stderr?: Uint8Array;
  /** What the worker knows of that execution besides. */
  readonly execution?: ExecutionMessage | undefined;
}
