/**
 * What a waiting task waits for in the end: the tasks among its inputs, their inputs and so on that do
 * not wait for others themselves. Of a dslice's or dget's dependents, also their copies.
 */
import { TaskState } from "../../scheduler/index.js";
import { countAble } from "../ability.js";
import type { CoreState } from "../core-state.js";
import { type Copies, rowsOf } from "../expansion/index.js";

/** Tasks looked at. */
const MAX_VISITED = 10_000;
/** Inputs and copies of these that are looked at. */
const MAX_STEPS = 200_000;

export interface FoundCauses {
  /** Rows: ready ones that nobody could execute, other ready ones, assigned ones. */
  readonly unable: readonly number[];
  readonly ready: readonly number[];
  readonly assigned: readonly number[];
  readonly complete: boolean;
}

export function findCauses(core: CoreState, start: number): FoundCauses {
  const { table, scheduler } = core;
  const unable: number[] = [];
  const ready: number[] = [];
  const assigned: number[] = [];
  const visited = new Set([start]);
  let steps = MAX_STEPS;
  let complete = true;
  const visit = (row: number): void => {
    if (!core.isOpen(row) || visited.has(row)) return;
    if (visited.size >= MAX_VISITED) complete = false;
    else visited.add(row);
  };
  // A set is gone through in the order of insertion, with what is added meanwhile.
  for (const row of visited) {
    const state = table.state[row];
    if (state === TaskState.assigned) assigned.push(row);
    else if (state === TaskState.ready) {
      const { shape } = scheduler.classes.list[table.taskClass[row]];
      if (countAble(scheduler, shape) === 0) unable.push(row);
      else ready.push(row);
    } else {
      const end = table.inputStart[row] + table.inputCount[row];
      for (let edge = table.inputStart[row]; edge < end && steps > 0; edge++, steps--) {
        visit(table.edgeInput[edge]);
      }
      const copies = findCopies(core, row);
      if (copies === undefined) continue;
      for (const { first, end: last } of rowsOf(copies)) {
        for (let copy = first; copy < last && steps > 0; copy++, steps--) visit(copy);
      }
    }
  }
  return { unable, ready, assigned, complete: complete && steps > 0 };
}

/** The copies that are executed in place of the row's task; undefined: it is executed itself. */
export function findCopies(core: CoreState, row: number): Copies | undefined {
  const plan = core.planOf(row);
  return plan.dynamic?.templates.get(row - plan.firstRow);
}
