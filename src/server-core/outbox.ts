/**
 * What the server core wants done: the shell (src/server) carries it out, tests and the
 * simulator record it. Calls are in order; those to one worker must reach it in that order.
 */
import type { PlanRecord } from "./records.js";
import type { FailureDetails } from "./task-failure.js";

export interface ServerOutbox {
  /** Send the task to the worker; all about it is in the table, inputs as they are right now. */
  assignTask(worker: number, row: number): void;
  /** Have the worker fetch the finished object: the task `user`, which needs it, will be assigned there. */
  prefetchObject(worker: number, row: number, user: number): void;
  /** The worker's copy of the object is not needed any more. */
  dropObject(worker: number, row: number): void;
  /** Ask for the task back if it has not started. */
  retractTask(worker: number, row: number, attempt: number): void;
  /** Ask the worker for a pong with this serial number, never 0. */
  ping(worker: number, serial: number): void;
  /** Stop the task and forget it. */
  cancelTask(worker: number, row: number, attempt: number): void;
  /** Tell the client that a result it holds, made by `row`, is finished. Once per result. */
  tellFinished(client: number, taskId: number, row: number): void;
  /** Tell the client that a task failed, and with it the results listed. */
  tellFailed(client: number, failure: FailureDetails, lostResults: number[]): void;
  /**
   * Warn the client: tasks of a plan that was accepted have to wait for a worker that can execute
   * them. `shape` is the same for the same request and type.
   */
  tellUnable(client: number, shape: number, notice: string): void;
  /** The state of a row flagged `watched` has changed: finished or failed or gone. */
  resultChanged(row: number): void;
  /** For traces: the task, which no worker has, will not be executed. */
  letGo?(row: number): void;
  /** For traces: rows that are copies have been made and linked. */
  copiesMade?(plan: PlanRecord, firstRow: number, count: number): void;
  /** For traces: the task has all copies as its inputs now. */
  inputsReplaced?(row: number): void;
}
