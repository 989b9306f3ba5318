/**
 * Needs that no edge stands for yet (see dynamic-plan.ts): whether they are there, and how they end
 * when a task downstream will not be executed.
 */
import type { CoreState } from "../core-state.js";
import type { PlanRecord } from "../records.js";
import { NONE } from "../task-table.js";
import type { Copies, Crossing, DynamicPlan } from "./dynamic-plan.js";

/** Whether it counts for copies that are made now, and for those there are of which it has not ended. */
export function isLive(core: CoreState, plan: PlanRecord, crossing: Crossing): boolean {
  const { to, space } = crossing;
  if (!core.isOpen(plan.firstRow + to)) return false;
  return space === undefined ? plan.dynamic!.collectors.get(to)!.pending : !space.isComplete;
}

/** Row of the copy for the coordinates, which must be there. */
export function rowAt({ space, firstRows }: Copies, coordinates: Int32Array): number {
  return firstRows[space.findBlock(coordinates)] + coordinates[space.lastSource];
}

/** One need less of each copy that there is. Call settle() afterwards. */
export function releaseCopies(core: CoreState, copies: Copies): void {
  forEachCopy(copies, (row) => core.releaseNeed(row));
}

function forEachCopy({ space, firstRows }: Copies, visit: (row: number) => void): void {
  for (let block = 0; block < firstRows.length; block++) {
    const first = firstRows[block];
    if (first === NONE) continue;
    const end = first + space.blockLength(block);
    for (let row = first; row < end; row++) visit(row);
  }
}

/** Copies for which a crossing has not ended. */
export function forEachOutstanding(
  crossing: Crossing,
  coordinates: Int32Array,
  visit: (row: number) => void,
): void {
  const { from, space } = crossing;
  if (space === undefined || !space.immediate.includes(crossing)) {
    forEachCopy(from, visit);
    return;
  }
  const { firstRows } = from;
  for (let block = 0; block < firstRows.length; block++) {
    if (firstRows[block] === NONE) continue;
    from.space.readCoordinates(block, coordinates);
    const length = from.space.blockLength(block);
    for (let i = 0; i < length; i++) {
      coordinates[from.space.lastSource] = i;
      if (space.findBlock(coordinates) === NONE) visit(firstRows[block] + i);
    }
  }
}

/**
 * The plan's templates are never started, and collectors not before they have their inputs: they seem
 * to wait for one input more than they have.
 */
export function holdBack(core: CoreState, plan: PlanRecord, dynamic: DynamicPlan): void {
  const { unfinished, unplaced } = core.table;
  for (const tasks of [dynamic.templates, dynamic.collectors]) {
    for (const task of tasks.keys()) {
      unfinished[plan.firstRow + task]++;
      unplaced[plan.firstRow + task]++;
    }
  }
}

/** An open task of the client's plan is about to be given up: what it keeps of copies ends. */
export function endCrossings(core: CoreState, plan: PlanRecord, row: number): void {
  const { incoming, coordinates } = plan.dynamic!;
  for (const crossing of incoming.get(row - plan.firstRow) ?? []) {
    if (!isLive(core, plan, crossing)) continue;
    forEachOutstanding(crossing, coordinates, (copy) => core.releaseNeed(copy));
  }
}
