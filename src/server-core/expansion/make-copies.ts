/**
 * Makes the copies of a task for one block of indices: fills their rows and connects them with
 * their inputs, which are copies themselves, elements, or tasks outside of the dynamic part.
 */
import { builtinSymbol } from "../../protocol/index.js";
import { TaskFlag, TaskState } from "../../scheduler/index.js";
import type { CoreState } from "../core-state.js";
import { countAdded } from "../label-counts.js";
import type { PlanRecord } from "../records.js";
import { NONE } from "../task-table.js";
import { type AllocatedCopies, allocateCopies } from "./copy-batch.js";
import { isLive, rowAt } from "./crossings.js";
import { type Copies, type DynamicPlan, findValue } from "./dynamic-plan.js";

const GET = builtinSymbol("loom/base/get");
const SLICE = builtinSymbol("loom/base/slice");
const U64_BYTES = 8;

/** Rows that have just been made. */
export interface MadeCopies {
  readonly firstRow: number;
  readonly count: number;
}

/**
 * Makes the copies for the block at the plan's `coordinates`; undefined if nobody needs them.
 * They are not queued yet.
 * @param length of the object that the last source is applied to, if that is what these are elements of
 */
export function makeCopies(
  core: CoreState,
  plan: PlanRecord,
  copies: Copies,
  block: number,
  count: number,
  length: number,
): MadeCopies | undefined {
  const { table } = core;
  const { task, isElement } = copies;
  const dynamic = plan.dynamic!;
  const template = plan.firstRow + task;
  const isNeeded = isElement ? table.needed[template] > 0 : core.isOpen(template);
  copies.firstRows.push(NONE);
  if (!isNeeded) return undefined;
  const isSlice = isElement && dynamic.sourceOf.get(task)!.isSlice;
  const configBytes = isElement ? (isSlice ? 2 : 1) * U64_BYTES : 0;
  const inputCount = table.inputCount[template];
  const made = allocateCopies(core, plan, copies, block, count, inputCount, configBytes);
  const { firstRow } = made;
  copies.firstRows[block] = firstRow;
  table.fillLike(template, firstRow, count);
  const end = firstRow + count;
  table.plan.fill(made.batch.plan.index, firstRow, end);
  table.state.fill(TaskState.waiting, firstRow, end);
  if (isElement) {
    table.flags.fill(0, firstRow, end);
    const type = isSlice ? SLICE : GET;
    table.taskType.fill(type, firstRow, end);
    table.taskClass.fill(elementClass(core, plan, template, type), firstRow, end);
    fillConfigs(core, made, count, isSlice ? length : undefined);
  } else {
    const kept = table.flags[template] & (TaskFlag.extras | TaskFlag.sink);
    table.flags.fill(kept, firstRow, end);
  }
  countAdded(core, plan, firstRow, count);
  let crossings = 0;
  for (const crossing of copies.outgoing) if (isLive(core, plan, crossing)) crossings++;
  table.needed.fill(crossings, firstRow, end);
  link(core, plan, dynamic, copies, made, count);
  return { firstRow, count };
}

/** Elements are light tasks, with the priority of their source. */
function elementClass(core: CoreState, plan: PlanRecord, source: number, type: number): number {
  const { classes, kinds } = core.scheduler;
  const own = classes.list[core.table.taskClass[source]];
  const found = classes.findOrCoarser(kinds.list[0], type, 0, own.priority) ?? own;
  core.holdClass(plan, found);
  return found.index;
}

/** `length` undefined: each gets its index. Else they get ranges that cover it, as equal as possible. */
function fillConfigs(
  core: CoreState,
  { batch, firstRow }: AllocatedCopies,
  count: number,
  length: number | undefined,
): void {
  const { configStart, configLength } = core.table;
  const { plan, configBytes } = batch;
  const { bytes } = plan;
  let at = (firstRow - plan.firstRow) * configBytes;
  for (let i = 0; i < count; i++) {
    configStart[firstRow + i] = at;
    configLength[firstRow + i] = configBytes;
    if (length === undefined) {
      writeU64(bytes, at, i);
    } else {
      writeU64(bytes, at, Math.floor((i * length) / count));
      writeU64(bytes, at + U64_BYTES, Math.floor(((i + 1) * length) / count));
    }
    at += configBytes;
  }
}

function writeU64(bytes: Uint8Array, at: number, value: number): void {
  for (let i = at; value > 0; i++) {
    bytes[i] = value % 256;
    value = Math.floor(value / 256);
  }
}

/** Connects the copies with their inputs. */
function link(
  core: CoreState,
  plan: PlanRecord,
  dynamic: DynamicPlan,
  copies: Copies,
  made: AllocatedCopies,
  count: number,
): void {
  const { table } = core;
  const { firstRow, firstEdge } = made;
  const template = plan.firstRow + copies.task;
  const inputCount = table.inputCount[template];
  // Input k of copy i is row base[k] + i * stride[k].
  const base = new Float64Array(inputCount);
  const stride = new Uint8Array(inputCount);
  for (let k = 0; k < inputCount; k++) {
    const input = table.edgeInput[table.inputStart[template] + k];
    const value = findValue(plan, input);
    base[k] = input;
    if (value === undefined) continue;
    // Spaces with this last level have it last as well: their copies for this block are neighbours.
    const varies = value.space.lastSource === copies.space.lastSource;
    stride[k] = varies ? 1 : 0;
    base[k] = varies
      ? value.firstRows[value.space.findBlock(dynamic.coordinates)]
      : rowAt(value, dynamic.coordinates);
  }
  const { state, edgeInput, edgeUser, nextUser, userHead, needed } = table;
  // Backwards, so that each list of users is in ascending order.
  for (let i = count - 1; i >= 0; i--) {
    const row = firstRow + i;
    const start = firstEdge + i * inputCount;
    let unfinished = 0;
    let unplaced = 0;
    for (let k = inputCount - 1; k >= 0; k--) {
      const input = base[k] + i * stride[k];
      const edge = start + k;
      edgeInput[edge] = input;
      edgeUser[edge] = row;
      nextUser[edge] = userHead[input];
      userHead[input] = edge;
      needed[input]++;
      if (state[input] === TaskState.finished) continue;
      unfinished++;
      if (state[input] !== TaskState.assigned) unplaced++;
    }
    table.inputStart[row] = start;
    table.inputCount[row] = inputCount;
    table.unfinished[row] = unfinished;
    table.unplaced[row] = unplaced;
  }
}
