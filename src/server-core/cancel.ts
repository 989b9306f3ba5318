/**
 * Somebody other than the client ends tasks that are not done: they, and all that depends on them, fail
 * with the reason given. What only they needed is let go, as if the client had released them. Called
 * by interventions.ts.
 */
import type { CoreState } from "./core-state.js";
import { rowsOf } from "./expansion/index.js";
import { failTasks } from "./giving-up.js";
import type { ClientRecord, PlanRecord } from "./records.js";

/**
 * Cancels those of the tasks that are open; a task that is copied with all of its copies. Clients are told
 * as failTasks() does.
 * @returns number of tasks that have failed by it
 */
export function cancelTasks(core: CoreState, rows: readonly number[], reason: string): number {
  const byClient = new Map<ClientRecord, number[]>();
  const add = (row: number): void => {
    if (!core.isOpen(row)) return;
    const { client } = core.planOf(row);
    const others = byClient.get(client);
    if (others === undefined) byClient.set(client, [row]);
    else others.push(row);
  };
  for (const row of rows) {
    add(row);
    const plan = core.planOf(row);
    const copies = plan.dynamic?.templates.get(row - plan.firstRow);
    if (copies === undefined) continue;
    for (const { first, end } of rowsOf(copies)) for (let k = first; k < end; k++) add(k);
  }
  let cancelled = 0;
  for (const [client, open] of byClient) {
    const before = client.failedTasks;
    failTasks(core, open, undefined, { message: reason });
    cancelled += client.failedTasks - before;
  }
  return cancelled;
}

/** The same for all tasks of a plan, those that exist in the place of others included. */
export function cancelPlan(core: CoreState, plan: PlanRecord, reason: string): number {
  const rows: number[] = [];
  const batches = plan.dynamic?.batches.map((batch) => batch.plan) ?? [];
  for (const { firstRow, taskCount } of [plan, ...batches]) {
    for (let row = firstRow; row < firstRow + taskCount; row++) {
      if (core.isOpen(row)) rows.push(row);
    }
  }
  return cancelTasks(core, rows, reason);
}
