/**
 * A collecting loom/array/make gets its inputs: all copies, in order, in place of the templates that the client
 * gave. From then on it is a task like any other.
 */
import { TaskState } from "../../scheduler/index.js";
import type { CoreState } from "../core-state.js";
import type { PlanRecord } from "../records.js";
import { NONE } from "../task-table.js";
import { allocateEdges } from "./copy-batch.js";
import { releaseCopies } from "./crossings.js";
import { type Collector, type Copies, type DynamicPlan, findValue } from "./dynamic-plan.js";

/** All spaces that the collector takes copies of are complete. Call settle() afterwards. */
export function collect(core: CoreState, plan: PlanRecord, collector: Collector): void {
  const { table } = core;
  const dynamic = plan.dynamic!;
  const row = plan.firstRow + collector.task;
  const oldStart = table.inputStart[row];
  const oldCount = table.inputCount[row];
  const given = table.edgeInput.slice(oldStart, oldStart + oldCount);
  let total = 0;
  for (const input of given) total += findValue(plan, input)?.space.leafCount ?? 1;
  const start = allocateEdges(core, plan, total);
  let edge = start;
  for (const input of given) {
    const copies = findValue(plan, input);
    if (copies === undefined) table.edgeInput[edge++] = input;
    else edge = writeCopies(dynamic, copies, table.edgeInput, edge);
  }
  for (const input of new Set(given)) unlink(core, input, oldStart, oldStart + oldCount);
  linkAll(core, row, start, total);
  // After linking: copies must not seem to be needed by nobody.
  for (const input of given) core.releaseNeed(input);
  collector.pending = false;
  core.outbox.inputsReplaced?.(row);
  for (const crossing of dynamic.incoming.get(collector.task)!) {
    releaseCopies(core, crossing.from);
  }
  enqueue(core, row);
}

/** Writes the rows of all copies, the first source of their order varying slowest. */
function writeCopies(
  dynamic: DynamicPlan,
  { order, space, firstRows }: Copies,
  target: Uint32Array,
  start: number,
): number {
  const { coordinates, sources } = dynamic;
  let at = start;
  const visit = (level: number): void => {
    const source = order[level];
    const { elements } = sources[source];
    // Its ancestors come before it in every order.
    const count = elements.space.count[elements.space.findNode(coordinates)];
    if (level < order.length - 1) {
      for (let i = 0; i < count; i++) {
        coordinates[source] = i;
        visit(level + 1);
      }
    } else if (source === space.lastSource) {
      const first = firstRows[space.findBlock(coordinates)];
      for (let i = 0; i < count; i++) target[at++] = first + i;
    } else {
      for (let i = 0; i < count; i++) {
        coordinates[source] = i;
        const first = firstRows[space.findBlock(coordinates)];
        target[at++] = first + coordinates[space.lastSource];
      }
    }
  };
  visit(0);
  return at;
}

/** Takes edges `from` to `end` out of the list of the row's users. */
function unlink({ table }: CoreState, row: number, from: number, end: number): void {
  let tail = NONE;
  for (let edge = table.userHead[row]; edge !== NONE; edge = table.nextUser[edge]) {
    if (edge >= from && edge < end) continue;
    if (tail === NONE) table.userHead[row] = edge;
    else table.nextUser[tail] = edge;
    tail = edge;
  }
  if (tail === NONE) table.userHead[row] = NONE;
  else table.nextUser[tail] = NONE;
}

/** Makes the edges, whose inputs are written, those of the row. */
function linkAll({ table }: CoreState, row: number, start: number, count: number): void {
  const { state, edgeInput, edgeUser, nextUser, userHead, needed } = table;
  let unfinished = 0;
  let unplaced = 0;
  for (let edge = start + count - 1; edge >= start; edge--) {
    const input = edgeInput[edge];
    edgeUser[edge] = row;
    nextUser[edge] = userHead[input];
    userHead[input] = edge;
    needed[input]++;
    if (state[input] === TaskState.finished) continue;
    unfinished++;
    if (state[input] !== TaskState.assigned) unplaced++;
  }
  table.inputStart[row] = start;
  table.inputCount[row] = count;
  table.unfinished[row] = unfinished;
  table.unplaced[row] = unplaced;
}

/** Tells the scheduler of a waiting task that can go on. */
export function enqueue({ table, scheduler }: CoreState, row: number): void {
  if (table.unfinished[row] === 0) {
    table.state[row] = TaskState.ready;
    scheduler.taskReady(row);
  } else if (table.unplaced[row] === 0) {
    scheduler.taskPlaceable(row);
  }
}
