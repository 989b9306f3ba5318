/**
 * The dynamic part of a plan: which tasks are sources (dslice, dget), templates (tasks downstream of
 * them, of which copies are made) and collectors (loom/array/make, which takes all copies). Owns
 * these records, which are made when the plan is submitted (find-dynamic-part.ts) and belong to the
 * client's plan.
 *
 * Sources whose input is not dynamic, and collectors, are executed themselves; templates never are. A
 * template stays `waiting` until nobody downstream needs further copies of it: so it keeps what the
 * copies to come will need, failures go through it, and it is released when it is not needed, by the rules for all tasks.
 *
 * A crossing is a need that no edge stands for yet: copies that are there are needed by copies (or
 * the collector) that will be made when more lengths are known. Each counts in `needed` of all
 * copies of its `from`, until it ends.
 */
import type { PlanRecord } from "../records.js";
import { NONE } from "../task-table.js";
import type { CopyBatch } from "./copy-batch.js";
import type { IndexSpace } from "./index-space.js";

/** All copies of one template, or all elements of one source. */
export interface Copies {
  /** Index of the template or source in its plan. */
  readonly task: number;
  readonly isElement: boolean;
  readonly space: IndexSpace;
  /** The sources in the order in which their elements vary in a collecting array, slowest first. */
  readonly order: readonly number[];
  /** Row of the first copy of each block of the space; NONE: they were not needed any more. */
  readonly firstRows: number[];
  readonly outgoing: Crossing[];
}

export interface Crossing {
  readonly from: Copies;
  /** Index of the task: a template, a source that is one (for its elements), or a collector. */
  readonly to: number;
  /** Where the copies to come are; undefined: they are collected. */
  readonly space: IndexSpace | undefined;
}

/** A dslice or dget. */
export interface Source {
  /** Its number among the plan's sources. */
  readonly number: number;
  /** Index in the plan. */
  readonly task: number;
  readonly isSlice: boolean;
  readonly elements: Copies;
  /** The spaces with a level for it, its elements' own first. */
  spaces: readonly IndexSpace[];
}

/** A loom/array/make with copies among its inputs. */
export interface Collector {
  readonly task: number;
  /** Its inputs are not known yet. */
  pending: boolean;
  /** Spaces of inputs that are not complete. */
  missing: number;
}

export interface DynamicPlan {
  readonly sources: readonly Source[];
  /** By task index. */
  readonly sourceOf: ReadonlyMap<number, Source>;
  /** Tasks of which copies are made, sources among them. By task index. */
  readonly templates: ReadonlyMap<number, Copies>;
  /** What users of a task get one of: copies of a template, elements of a source. By task index. */
  readonly values: ReadonlyMap<number, Copies>;
  readonly collectors: ReadonlyMap<number, Collector>;
  /** By the index of the task they lead to. */
  readonly incoming: ReadonlyMap<number, readonly Crossing[]>;
  /** Smaller ones first. */
  readonly spaces: readonly IndexSpace[];
  /** Rows that were made for it. */
  readonly batches: CopyBatch[];
  /** Scratch: by source, the index of the element. */
  readonly coordinates: Int32Array;
}

/** Of rows that are copies: which run of neighbours is what. Ascending. */
export interface CopyRuns {
  /** The client's plan. */
  readonly origin: PlanRecord;
  readonly firstRows: number[];
  readonly copies: Copies[];
  readonly blocks: number[];
}

/** The copies that stand for the row's task; undefined: it is outside of the dynamic part. */
export function findValue(plan: PlanRecord, row: number): Copies | undefined {
  const isOwn = row >= plan.firstRow && row < plan.firstRow + plan.taskCount;
  return isOwn ? plan.dynamic!.values.get(row - plan.firstRow) : undefined;
}

/** The rows of all copies that there are, as runs of neighbours. */
export function* rowsOf({ firstRows, space }: Copies): Iterable<{ first: number; end: number }> {
  for (let block = 0; block < firstRows.length; block++) {
    const first = firstRows[block];
    if (first !== NONE) yield { first, end: first + space.blockLength(block) };
  }
}

/** The indices of a copy, those of the source that varies slowest in arrays first. */
export function readIndices(runs: CopyRuns, row: number): number[] {
  const run = runOf(runs, row);
  const { order, space } = runs.copies[run];
  const { coordinates } = runs.origin.dynamic!;
  space.readCoordinates(runs.blocks[run], coordinates);
  coordinates[space.lastSource] = row - runs.firstRows[run];
  return order.map((source) => coordinates[source]);
}

/** Position of the run that the row is in. */
export function runOf(runs: CopyRuns, row: number): number {
  const { firstRows } = runs;
  let low = 0;
  let high = firstRows.length - 1;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (firstRows[middle] <= row) low = middle;
    else high = middle - 1;
  }
  return low;
}

/** Of neighbouring rows: the index in the client's plan of what each is a copy of. */
export function tasksInCopies(runs: CopyRuns, firstRow: number, count: number): Uint32Array {
  const tasks = new Uint32Array(count);
  const { firstRows, copies } = runs;
  let run = runOf(runs, firstRow);
  for (let i = 0; i < count; i++) {
    while (run + 1 < firstRows.length && firstRows[run + 1] <= firstRow + i) run++;
    tasks[i] = copies[run].task;
  }
  return tasks;
}
