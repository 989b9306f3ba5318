/** What must be true of the dynamic part of a plan between two events. Called by ../invariants.ts. */
import { TaskState } from "../../scheduler/index.js";
import type { CoreState } from "../core-state.js";
import type { PlanRecord } from "../records.js";
import { NONE } from "../task-table.js";
import { forEachOutstanding, isLive } from "./crossings.js";

/** How often each copy is needed without an edge. By row. */
export function countCrossings(core: CoreState, plan: PlanRecord): Map<number, number> {
  const needs = new Map<number, number>();
  const { incoming, coordinates } = plan.dynamic!;
  for (const crossings of incoming.values()) {
    for (const crossing of crossings) {
      if (!isLive(core, plan, crossing)) continue;
      forEachOutstanding(crossing, coordinates, (row) => {
        needs.set(row, (needs.get(row) ?? 0) + 1);
      });
    }
  }
  return needs;
}

/** Throws an Error that names the first contradiction. */
export function checkDynamicPart(core: CoreState, plan: PlanRecord): void {
  const { table } = core;
  const { templates, collectors, spaces, batches } = plan.dynamic!;
  const must = (condition: boolean, row: number, what: string): void => {
    if (!condition) throw new Error(`row ${row} (state ${table.state[row]}): ${what}`);
  };
  for (const task of templates.keys()) {
    const row = plan.firstRow + task;
    const { waiting, released, failed } = TaskState;
    const fine: number[] = [waiting, released, failed];
    must(fine.includes(table.state[row]), row, "is a template, but has been started");
  }
  for (const { task, pending } of collectors.values()) {
    const row = plan.firstRow + task;
    if (pending && core.isOpen(row)) {
      must(table.state[row] === TaskState.waiting, row, "collects, but has been started");
    }
  }
  for (const { members, blockCount } of spaces) {
    for (const { firstRows, task } of members) {
      must(firstRows.length === blockCount, plan.firstRow + task, "lacks a block of copies");
    }
  }
  let rows = 0;
  for (const { members } of spaces) {
    for (const { firstRows, space } of members) {
      firstRows.forEach((first, block) => {
        if (first !== NONE) rows += space.blockLength(block);
      });
    }
  }
  const used = batches.reduce((sum, batch) => sum + batch.plan.taskCount, 0);
  if (rows !== used) throw new Error(`plan ${plan.index}: ${used} rows of copies, counted ${rows}`);
}
