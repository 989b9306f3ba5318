/**
 * A plan comes in: checks all of it, then puts it into the table. A refused plan leaves no trace.
 */
import { builtinSymbol, type PlanColumns, PlanTaskFlag } from "../protocol/index.js";
import { type TaskClass, TaskFlag, TaskState } from "../scheduler/index.js";
import type { CoreState } from "./core-state.js";
import { type DynamicPlan, findDynamicPart, holdBack } from "./expansion/index.js";
import { failDependents } from "./giving-up.js";
import { countAdded, PlanLabels } from "./label-counts.js";
import type { ClientRecord, PlanRecord } from "./records.js";
import { findClasses, nameOf, type PlanRefusal, type SymbolTable } from "./task-kinds.js";
import { NONE } from "./task-table.js";
import { tellUnable } from "./unable-tasks.js";

const OPEN = builtinSymbol("loom/data/open");
const RARE_FIELDS =
  PlanTaskFlag.checkpoint |
  PlanTaskFlag.label |
  PlanTaskFlag.metadata |
  PlanTaskFlag.once |
  PlanTaskFlag.timeLimit;

/** What the worker must know: it costs a message of its own in the assignment. */
const WORKER_FIELDS = PlanTaskFlag.checkpoint | PlanTaskFlag.once | PlanTaskFlag.timeLimit;
const PYTHON_CALL = builtinSymbol("loom/py/call");
const JAVASCRIPT_CALL = builtinSymbol("loom/js/call");

/** Ids are int32 on the wire, and so is the id after the last one. */
const MAX_ID = 0x7ffffffe;

/**
 * @param checkpoints paths of the checkpoint files that exist, by task index in the plan: these
 *   tasks are not executed, their files are opened instead
 */
export function submitPlan(
  core: CoreState,
  symbols: SymbolTable,
  client: ClientRecord,
  columns: PlanColumns,
  checkpoints: ReadonlyMap<number, Uint8Array>,
): PlanRefusal | undefined {
  const foreign = new Map<number, number>();
  const refusal = checkInputs(core, client, columns, foreign);
  if (refusal !== undefined) return refusal;
  const found = findClasses(core, symbols, columns);
  if ("message" in found) return found;
  const { classes, held, unableShapes } = found;
  if (columns.taskCount === 0) return undefined;
  const dynamic = findDynamicPart(columns, checkpoints);
  if (dynamic !== undefined && "problem" in dynamic) {
    for (const taskClass of held) core.scheduler.classes.release(taskClass);
    const { task, problem } = dynamic;
    return { taskId: columns.idBase + task, message: `${nameOf(columns, task)} ${problem}` };
  }
  const plan = addPlan(core, client, columns, dynamic, held);
  fillRows(core, plan, columns, classes, checkpoints);
  countAdded(core, plan, plan.firstRow, plan.taskCount);
  linkInputs(core, plan, columns, foreign, checkpoints);
  if (dynamic !== undefined) holdBack(core, plan, dynamic);
  const { scheduler } = core;
  if (classes.some((index) => !scheduler.classes.list[index].light)) {
    scheduler.planAdded(plan.firstRow, plan.taskCount, dynamic !== undefined);
  }
  if (checkpoints.size > 0) skipUnneeded(core, plan);
  start(core, plan);
  if (unableShapes.size > 0) tellUnable(core, symbols, plan, unableShapes);
  return undefined;
}

/** Finds the row of a client's task; undefined if the id is unknown or the plan is gone. */
export function findRow(client: ClientRecord, id: number): number | undefined {
  const { plans } = client;
  let low = 0;
  let high = plans.length - 1;
  while (low <= high) {
    const middle = (low + high) >> 1;
    const plan = plans[middle];
    if (id < plan.idBase) high = middle - 1;
    else if (id >= plan.idBase + plan.taskCount) low = middle + 1;
    else return plan.firstRow + id - plan.idBase;
  }
  return undefined;
}

function checkInputs(
  core: CoreState,
  client: ClientRecord,
  columns: PlanColumns,
  foreign: Map<number, number>,
): PlanRefusal | undefined {
  const { idBase, taskCount, inputStart, inputIds } = columns;
  const wrongIds = problemWithIds(client, idBase, taskCount);
  if (wrongIds !== undefined) {
    return { taskId: undefined, message: `the plan's ids begin at ${idBase}, but ${wrongIds}` };
  }
  for (let i = 0; i < taskCount; i++) {
    const id = idBase + i;
    for (let k = inputStart[i]; k < inputStart[i + 1]; k++) {
      const input = inputIds[k];
      if (input >= idBase) {
        if (input < id) continue;
        const what = input >= idBase + taskCount ? "is not in the plan" : "does not come before it";
        const message = `task ${id} has task ${input} as an input, which ${what}; a plan must be acyclic, with inputs before the tasks that use them`;
        return { taskId: id, message };
      }
      if (foreign.has(input)) continue;
      const row = findRow(client, input);
      if (row === undefined || !(core.table.flags[row] & TaskFlag.held)) {
        const message = `task ${id} has task ${input} as an input, which is not a result that is still held; it was released or never was a result`;
        return { taskId: id, message };
      }
      foreign.set(input, row);
    }
  }
  return undefined;
}

function problemWithIds(
  client: ClientRecord,
  idBase: number,
  taskCount: number,
): string | undefined {
  if (idBase < 0) return "ids are at least 0";
  if (idBase < client.nextId) {
    return `ids up to ${client.nextId - 1} have been used; number tasks on from there`;
  }
  if (idBase + taskCount <= MAX_ID + 1) return undefined;
  return `with ${taskCount} tasks they go beyond the last one, ${MAX_ID}; connect anew to begin at 0`;
}

function addPlan(
  core: CoreState,
  client: ClientRecord,
  columns: PlanColumns,
  dynamic: DynamicPlan | undefined,
  classes: Set<TaskClass>,
): PlanRecord {
  const { taskCount, idBase, inputStart, bytes, messageStart, messageLength } = columns;
  const edgeCount = inputStart[taskCount];
  const index = core.freePlanIndices.pop() ?? core.plans.length;
  const rare = columns.flags.some((flags) => (flags & RARE_FIELDS) !== 0);
  const plan: PlanRecord = {
    index,
    client,
    idBase,
    taskCount,
    firstRow: core.table.allocateRows(taskCount),
    firstEdge: core.table.allocateEdges(edgeCount),
    edgeCount,
    bytes,
    messages: rare ? { bytes, messageStart, messageLength } : undefined,
    replacedConfig: new Map(),
    active: taskCount,
    users: 0,
    uses: new Set(),
    foreignInputs: new Set(),
    failureTold: false,
    expectedMs: columns.expectedMs?.slice(0, taskCount),
    expectedBytes: columns.expectedBytes?.slice(0, taskCount),
    dynamic,
    classes,
    labels: new PlanLabels(),
    copies: undefined,
  };
  core.plans[index] = plan;
  if (plan.expectedMs !== undefined || plan.expectedBytes !== undefined) {
    core.declarations.any = true;
  }
  core.taskCount += taskCount;
  client.plans.push(plan);
  client.nextId = idBase + taskCount;
  client.openTasks += taskCount;
  return plan;
}

function fillRows(
  core: CoreState,
  plan: PlanRecord,
  columns: PlanColumns,
  classes: Uint16Array,
  checkpoints: ReadonlyMap<number, Uint8Array>,
): void {
  const { table } = core;
  const { firstRow, taskCount } = plan;
  const end = firstRow + taskCount;
  table.state.fill(TaskState.waiting, firstRow, end);
  table.taskClass.set(classes, firstRow);
  table.plan.fill(plan.index, firstRow, end);
  table.losses.fill(0, firstRow, end);
  table.worker.fill(NONE, firstRow, end);
  table.replicaHead.fill(NONE, firstRow, end);
  table.inlineCell.fill(NONE, firstRow, end);
  table.size.fill(0, firstRow, end);
  table.needed.fill(0, firstRow, end);
  table.userHead.fill(NONE, firstRow, end);
  table.configStart.set(columns.configStart.subarray(0, taskCount), firstRow);
  table.configLength.set(columns.configLength.subarray(0, taskCount), firstRow);
  for (let i = 0; i < taskCount; i++) {
    const row = firstRow + i;
    table.taskType[row] = columns.taskType[i];
    const given = columns.flags[i];
    table.flags[row] =
      (given & PlanTaskFlag.result ? TaskFlag.held : 0) |
      (hasExtras(given, columns.taskType[i]) ? TaskFlag.extras : 0);
  }
  if (checkpoints.size === 0) return;
  const { classes: known, kinds } = core.scheduler;
  for (const [i, path] of checkpoints) {
    const row = firstRow + i;
    const own = known.list[classes[i]];
    table.taskType[row] = OPEN;
    // It counts for its label still.
    const openClass = known.findOrCoarser(kinds.list[0], OPEN, own.label, 0) ?? own;
    core.holdClass(plan, openClass);
    table.taskClass[row] = openClass.index;
    table.flags[row] &= ~TaskFlag.extras;
    plan.replacedConfig.set(row, path);
  }
}

/** Function calls come by the hundred thousand, each with a label that only the server needs. */
function hasExtras(flags: number, taskType: number): boolean {
  if ((flags & WORKER_FIELDS) !== 0) return true;
  if ((flags & PlanTaskFlag.label) === 0) return false;
  return taskType !== PYTHON_CALL && taskType !== JAVASCRIPT_CALL;
}

/** Fills the edges and counts; inputs of tasks taken from a checkpoint are left out. */
function linkInputs(
  core: CoreState,
  plan: PlanRecord,
  columns: PlanColumns,
  foreign: ReadonlyMap<number, number>,
  checkpoints: ReadonlyMap<number, Uint8Array>,
): void {
  const { table } = core;
  const { firstRow, firstEdge, taskCount, idBase } = plan;
  const { inputStart, inputIds } = columns;
  const { state, edgeInput, edgeUser, nextUser, userHead, needed, flags } = table;
  const used = checkpoints.size > 0 ? new Uint8Array(taskCount) : undefined;
  // Backwards, so that each list of users is in ascending order.
  for (let i = taskCount - 1; i >= 0; i--) {
    const row = firstRow + i;
    const begin = inputStart[i];
    const fromCheckpoint = checkpoints.has(i);
    let unfinished = 0;
    let unplaced = 0;
    for (let k = inputStart[i + 1] - 1; k >= begin; k--) {
      const id = inputIds[k];
      if (used !== undefined && id >= idBase) used[id - idBase] = 1;
      if (fromCheckpoint) continue;
      const input = id >= idBase ? firstRow + id - idBase : foreign.get(id)!;
      const edge = firstEdge + k;
      edgeInput[edge] = input;
      edgeUser[edge] = row;
      nextUser[edge] = userHead[input];
      userHead[input] = edge;
      needed[input]++;
      if (state[input] !== TaskState.finished) {
        unfinished++;
        if (state[input] !== TaskState.assigned) unplaced++;
      }
      if (id < idBase) useForeign(core, plan, input);
    }
    table.inputStart[row] = firstEdge + begin;
    table.inputCount[row] = fromCheckpoint ? 0 : inputStart[i + 1] - begin;
    table.unfinished[row] = unfinished;
    table.unplaced[row] = unplaced;
    const isUsed = used === undefined ? userHead[row] !== NONE : used[i] === 1;
    if (!isUsed && !(flags[row] & TaskFlag.held)) flags[row] |= TaskFlag.sink;
  }
}

function useForeign(core: CoreState, plan: PlanRecord, row: number): void {
  plan.foreignInputs.add(row);
  const used = core.planOf(row);
  if (!plan.uses.has(used)) {
    plan.uses.add(used);
    used.users++;
  }
}

/** Tasks that only tasks taken from checkpoints needed are not executed. */
function skipUnneeded(core: CoreState, plan: PlanRecord): void {
  const { table } = core;
  for (let row = plan.firstRow + plan.taskCount - 1; row >= plan.firstRow; row--) {
    if (table.needed[row] === 0) core.releaseHold(row);
    core.settle();
  }
}

/** Queues what can run. A task that uses a failed result of an earlier plan fails at once. */
function start(core: CoreState, plan: PlanRecord): void {
  const { table, scheduler } = core;
  for (const input of plan.foreignInputs) {
    if (table.state[input] === TaskState.failed) failDependents(core, input);
  }
  for (let row = plan.firstRow; row < plan.firstRow + plan.taskCount; row++) {
    if (table.state[row] !== TaskState.waiting) continue;
    if (table.unfinished[row] === 0) {
      table.state[row] = TaskState.ready;
      scheduler.taskReady(row);
    } else if (table.unplaced[row] === 0) {
      scheduler.taskPlaceable(row);
    }
  }
}
