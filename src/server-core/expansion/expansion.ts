/**
 * The length of an object is known: makes the elements of the dslice or dget, and all copies that
 * can be made now. docs/dynamic.md says what users see.
 *
 * A copy is made as soon as the lengths that its index depends on are known, so work begins
 * while other lengths are still computed. What nobody needs any more is not made.
 */
import { TaskFlag } from "../../scheduler/index.js";
import type { CoreState } from "../core-state.js";
import type { PlanRecord } from "../records.js";
import { NONE } from "../task-table.js";
import { collect, enqueue } from "./collect.js";
import { releaseCopies, rowAt } from "./crossings.js";
import { runOf, type Source } from "./dynamic-plan.js";
import { DGET, DSLICE } from "./find-dynamic-part.js";
import type { IndexSpace } from "./index-space.js";
import { type MadeCopies, makeCopies } from "./make-copies.js";

/**
 * Slices for each core: whoever is done with one takes the next, so at the end cores wait for a
 * quarter of their share at most, and the cost of a slice is still small beside its work.
 */
const SLICES_PER_CORE = 4;
/** Tasks of one expansion, at most: a few gigabytes of the server's memory. */
const MAX_COPIES = 2 ** 25;
/** Inputs of these tasks. */
const MAX_EDGES = 2 ** 27;
const LENGTH_BYTES = 8;

/** Why the finished task is no valid dslice or dget; undefined: it is one, or another task. */
export function findLengthProblem(
  core: CoreState,
  row: number,
  frame: Uint8Array,
  inlineStart: number,
  inlineLength: number,
): string | undefined {
  const type = core.table.taskType[row];
  if (type !== DSLICE && type !== DGET) return undefined;
  if (inlineLength !== LENGTH_BYTES) return "its worker gave no length";
  const length = readLength(frame, inlineStart);
  if (!Number.isSafeInteger(length))
    return `its worker gave the length ${length}, which no object has`;
  if (type === DGET && length === 0) return "the input is empty, it has no element to get";
  const expansion = new Expansion(core, row, length);
  const { copies, edges } = expansion.measure();
  if (copies <= MAX_COPIES && edges <= MAX_EDGES) return undefined;
  const what =
    copies > MAX_COPIES ? `more than ${MAX_COPIES} tasks` : `tasks with over ${MAX_EDGES} inputs`;
  const advice = type === DGET ? "; use dslice" : "";
  return `the input has length ${length}, which would make ${what} at once${advice}`;
}

/** A dslice or dget has finished with a valid length. Call settle() afterwards. */
export function expand(core: CoreState, row: number, frame: Uint8Array, inlineStart: number): void {
  const type = core.table.taskType[row];
  if (type !== DSLICE && type !== DGET) return;
  new Expansion(core, row, readLength(frame, inlineStart)).run();
}

function readLength(bytes: Uint8Array, start: number): number {
  let length = 0;
  for (let i = LENGTH_BYTES - 1; i >= 0; i--) length = length * 256 + bytes[start + i];
  return length;
}

/** Enough for all cores, even if some slices take longer than others. */
function sliceCount(core: CoreState, length: number): number {
  let cores = 0;
  for (const { resources } of core.workers.values()) cores += resources.cpus;
  return Math.max(1, Math.min(length, SLICES_PER_CORE * cores));
}

class Expansion {
  private readonly plan: PlanRecord;
  private readonly source: Source;
  /** Number of elements. */
  private readonly count: number;
  /** By source: of its elements, only that counts of which this source is a copy. */
  private readonly isFixed: boolean[] = [];
  private readonly coordinates: Int32Array;

  constructor(
    private readonly core: CoreState,
    row: number,
    private readonly length: number,
  ) {
    this.plan = core.clientPlanOf(row);
    const { sourceOf, coordinates } = this.plan.dynamic!;
    this.source = sourceOf.get(core.indexInPlan(row))!;
    this.count = this.source.isSlice ? sliceCount(core, length) : length;
    this.coordinates = coordinates;
    const { copies } = core.planOf(row);
    if (copies === undefined) return;
    const run = runOf(copies, row);
    const { space } = copies.copies[run];
    space.readCoordinates(copies.blocks[run], coordinates);
    coordinates[space.lastSource] = row - copies.firstRows[run];
    for (const ancestor of space.sources) this.isFixed[ancestor] = true;
  }

  /** How many rows and edges run() makes; stops counting when there are too many. */
  measure(): { copies: number; edges: number } {
    const { table } = this.core;
    let copies = this.count;
    let edges = 0;
    for (const space of this.source.spaces) {
      if (copies > MAX_COPIES) break;
      let inputs = 0;
      for (const { task } of space.members) inputs += table.inputCount[this.plan.firstRow + task];
      this.walk(space, 0, 0, (_node, level) => {
        const indices = this.measureNode(space, level);
        copies += indices * Math.max(1, space.members.length);
        edges += indices * inputs;
      });
    }
    return { copies, edges };
  }

  run(): void {
    const { core } = this;
    const { spaces } = this.source;
    const made: MadeCopies[] = [];
    for (const space of spaces) {
      this.walk(space, 0, 0, (node, level) => this.open(space, node, level, made));
    }
    for (const { firstRow, count } of made) {
      for (let row = firstRow; row < firstRow + count; row++) enqueue(core, row);
    }
    for (const space of spaces) if (space.isComplete) this.completed(space);
  }

  /** Visits the nodes of the source's level that are opened now: there are several if others vary. */
  private walk(
    space: IndexSpace,
    level: number,
    node: number,
    visit: (node: number, level: number) => void,
  ): void {
    const source = space.sources[level];
    if (source === this.source.number) {
      visit(node, level);
      return;
    }
    const count = space.count[node];
    if (count === NONE) return;
    if (this.isFixed[source]) {
      this.walk(space, level + 1, space.child(node, this.coordinates[source]), visit);
      return;
    }
    for (let i = 0; i < count; i++) {
      this.coordinates[source] = i;
      this.walk(space, level + 1, space.child(node, i), visit);
    }
  }

  /** Number of elements of a source for the coordinates; NONE: not known yet. */
  private countOf(number: number): number {
    if (number === this.source.number) return this.count;
    const { space } = this.plan.dynamic!.sources[number].elements;
    const node = space.findNode(this.coordinates);
    return node === NONE ? NONE : space.count[node];
  }

  /** Indices that open() makes. */
  private measureNode(space: IndexSpace, level: number): number {
    const source = space.sources[level];
    const count = this.countOf(source);
    if (count === NONE) return 0;
    if (level === space.depth - 1) return count;
    let sum = count;
    for (let i = 0; i < count && sum <= MAX_COPIES; i++) {
      this.coordinates[source] = i;
      sum += this.measureNode(space, level + 1);
    }
    return sum;
  }

  /** Opens the node, and those below it of which the lengths are known already. */
  private open(space: IndexSpace, node: number, level: number, made: MadeCopies[]): void {
    const { core, plan, coordinates } = this;
    const source = space.sources[level];
    const count = this.countOf(source);
    if (count === NONE) return;
    if (level < space.depth - 1) {
      space.openInner(node, count);
      for (let i = 0; i < count; i++) {
        coordinates[source] = i;
        this.open(space, space.child(node, i), level + 1, made);
      }
      return;
    }
    const block = space.openLast(node, count);
    for (const copies of space.members) {
      const rows = makeCopies(core, plan, copies, block, count, this.length);
      if (rows === undefined) continue;
      made.push(rows);
      core.outbox.copiesMade?.(core.planOf(rows.firstRow), rows.firstRow, rows.count);
    }
    for (const { from, to } of space.immediate) {
      if (core.isOpen(plan.firstRow + to)) core.releaseNeed(rowAt(from, coordinates));
    }
  }

  /** No more copies will come in the space. */
  private completed(space: IndexSpace): void {
    const { core, plan } = this;
    const { table } = core;
    for (const { from, to } of space.late) {
      if (core.isOpen(plan.firstRow + to)) releaseCopies(core, from);
    }
    for (const { task, isElement } of space.members) {
      const row = plan.firstRow + task;
      if (isElement || !(table.flags[row] & TaskFlag.sink)) continue;
      // Its copies run for what they do; itself it never runs.
      table.flags[row] &= ~TaskFlag.sink;
      core.releaseHold(row);
    }
    for (const collector of space.collectors) {
      const isLast = --collector.missing === 0;
      if (isLast && core.isOpen(plan.firstRow + collector.task)) collect(core, plan, collector);
    }
  }
}
