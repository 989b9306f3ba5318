/**
 * What somebody other than its client may do to a task: look it up, cancel it, retry it. Part of
 * ServerCore, for the dashboard.
 */
import { cancelPlan, cancelTasks } from "./cancel.js";
import type { CoreState } from "./core-state.js";
import type { PlanRecord } from "./records.js";
import { retryTask } from "./retry.js";
import { findRow } from "./submit.js";
import type { FailureDetails } from "./task-failure.js";

export class Interventions {
  constructor(private readonly state: CoreState) {}

  /** The row of any task of the client; undefined: there is none, or its plan is forgotten. */
  findTask(handle: number, id: number): number | undefined {
    const client = this.state.clients.get(handle);
    return client === undefined ? undefined : findRow(client, id);
  }

  /** Why a result that a client holds has failed. */
  findFailure(row: number): FailureDetails | undefined {
    return this.state.failures.get(row);
  }

  /**
   * Ends those of the tasks that are not done, and what depends on them: they fail, with this reason as
   * the message. Returns how many have failed.
   */
  cancelTasks(rows: readonly number[], reason: string): number {
    return cancelTasks(this.state, rows, reason);
  }

  /** The same for all tasks of a plan. */
  cancelPlan(plan: PlanRecord, reason: string): number {
    return cancelPlan(this.state, plan, reason);
  }

  /**
   * Has a failed task executed once more, with what failed because of it. Returns how many tasks are
   * open again; a text: why none is. retry.ts says what the client is told.
   */
  retryTask(row: number): number | string {
    return retryTask(this.state, row);
  }
}
