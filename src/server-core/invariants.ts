/** What must be true between two events. Tests check it after each. */
import { type TaskClass, TaskFlag, TaskState } from "../scheduler/index.js";
import type { CoreState } from "./core-state.js";
import { checkDynamicPart, countCrossings } from "./expansion/index.js";
import { checkLabelCounts } from "./label-invariants.js";
import type { PlanRecord } from "./records.js";
import { NONE } from "./task-table.js";

/** Throws an Error that names the first contradiction. */
export function checkInvariants(core: CoreState): void {
  const { table } = core;
  checkClasses(core);
  let objects = 0;
  let tasks = 0;
  const cpus = new Map<number, number>();
  const retracting = new Map<number, number>();
  const light = new Map<number, number>();
  for (const plan of core.plans) {
    if (plan?.dynamic !== undefined) checkDynamicPart(core, plan);
  }
  const crossings = new Map<number, number>();
  for (const plan of core.plans) {
    if (plan?.dynamic === undefined) continue;
    for (const [row, count] of countCrossings(core, plan)) crossings.set(row, count);
  }
  const actives = new Map<PlanRecord, number>();
  for (const plan of core.plans) {
    if (plan === undefined) continue;
    let active = 0;
    tasks += plan.taskCount;
    for (let row = plan.firstRow; row < plan.firstRow + plan.taskCount; row++) {
      const state = table.state[row];
      const held = (table.flags[row] & TaskFlag.held) !== 0;
      const must = (condition: boolean, what: string): void => {
        if (!condition) throw new Error(`row ${row} (state ${state}): ${what}`);
      };
      must(state !== TaskState.free, "is free, but its plan exists");
      must(core.planOf(row) === plan, "belongs to another plan");
      if (state !== TaskState.released && (state !== TaskState.failed || held)) active++;
      if (core.isOpen(row)) checkOpen(core, row, must);
      let needed = crossings.get(row) ?? 0;
      for (let edge = table.userHead[row]; edge !== NONE; edge = table.nextUser[edge]) {
        must(table.edgeInput[edge] === row, `edge ${edge} in its list is another's`);
        if (core.isOpen(table.edgeUser[edge])) needed++;
      }
      must(table.needed[row] === needed, `needed is ${table.needed[row]}, open users ${needed}`);
      if (core.isOpen(row) || state === TaskState.finished) {
        const sink = (table.flags[row] & TaskFlag.sink) !== 0;
        must(needed > 0 || held || sink, "nobody needs it");
      }
      if (state === TaskState.finished) {
        objects++;
        const there = table.worker[row] !== NONE || table.inlineCell[row] !== NONE;
        must(there, "is finished, but its object is nowhere");
        for (const holder of table.holders(row))
          must(core.workers.has(holder), "held by no worker");
      } else {
        must(table.inlineCell[row] === NONE, "has a small result, but is not finished");
        must(table.replicaHead[row] === NONE, "has replicas, but is not finished");
      }
      must(core.failures.has(row) === (state === TaskState.failed && held), "failure record");
      if (state === TaskState.assigned) {
        const worker = table.worker[row];
        must(core.workers.has(worker), "is assigned to a worker that is gone");
        const taskClass = core.scheduler.classes.list[table.taskClass[row]];
        if (taskClass.light) light.set(worker, (light.get(worker) ?? 0) + 1);
        else {
          const variant = core.scheduler.variantOf(row);
          if (table.unfinished[row] === 0) cpus.set(worker, (cpus.get(worker) ?? 0) + variant.cpus);
          if (table.flags[row] & TaskFlag.retracting) {
            must(
              (table.flags[row] & TaskFlag.started) === 0,
              "has started, but is to be given back",
            );
            retracting.set(worker, (retracting.get(worker) ?? 0) + variant.cpus);
          }
        }
      }
    }
    const whole = plan.copies?.origin ?? plan;
    actives.set(whole, (actives.get(whole) ?? 0) + active);
  }
  for (const [plan, active] of actives) {
    if (plan.active !== active) {
      throw new Error(`plan ${plan.index}: active is ${plan.active}, counted ${active}`);
    }
  }
  if (objects !== core.objectCount) {
    throw new Error(`objectCount is ${core.objectCount}, counted ${objects}`);
  }
  if (tasks !== core.taskCount) throw new Error(`taskCount is ${core.taskCount}, counted ${tasks}`);
  checkLabelCounts(core);
  for (const load of core.scheduler.alive) {
    const { index, cpusAssigned, cpusRetracting } = load;
    const lightAssigned = load.light.assigned;
    if (lightAssigned !== (light.get(index) ?? 0)) {
      throw new Error(`worker ${index}: ${lightAssigned} light tasks, counted ${light.get(index)}`);
    }
    if (cpusRetracting !== (retracting.get(index) ?? 0)) {
      throw new Error(`worker ${index}: ${cpusRetracting} cpus coming back, not as counted`);
    }
    if (cpusAssigned !== (cpus.get(index) ?? 0)) {
      throw new Error(`worker ${index}: ${cpusAssigned} cpus, counted ${cpus.get(index)}`);
    }
  }
}

/** Templates, and collectors that do not have their inputs yet. */
function isHeldBack({ dynamic, firstRow }: PlanRecord, row: number): boolean {
  if (dynamic === undefined) return false;
  const task = row - firstRow;
  return dynamic.templates.has(task) || dynamic.collectors.get(task)?.pending === true;
}

function checkOpen(
  core: CoreState,
  row: number,
  must: (condition: boolean, what: string) => void,
): void {
  const { table } = core;
  let unfinished = isHeldBack(core.planOf(row), row) ? 1 : 0;
  let unplaced = unfinished;
  const end = table.inputStart[row] + table.inputCount[row];
  for (let edge = table.inputStart[row]; edge < end; edge++) {
    const state = table.state[table.edgeInput[edge]];
    must(state !== TaskState.released && state !== TaskState.free, "an input is released");
    must(state !== TaskState.failed, "an input has failed");
    if (state === TaskState.finished) continue;
    unfinished++;
    if (state !== TaskState.assigned) unplaced++;
  }
  must(table.unfinished[row] === unfinished, `unfinished ${table.unfinished[row]}: ${unfinished}`);
  must(table.unplaced[row] === unplaced, `unplaced ${table.unplaced[row]}: ${unplaced}`);
  const state = table.state[row];
  if (state === TaskState.ready) must(unfinished === 0, "is ready, but waits for inputs");
  if (state === TaskState.waiting) must(unfinished > 0, "is waiting, but for nothing");
}

/** The class of each row is held by its plan, and nothing is held or kept for nothing. */
function checkClasses({ plans, table, scheduler }: CoreState): void {
  const { classes, kinds } = scheduler;
  const held: TaskClass[] = [];
  for (const plan of plans) {
    if (plan === undefined) continue;
    if (plan.copies === undefined) held.push(...plan.classes);
    for (let row = plan.firstRow; row < plan.firstRow + plan.taskCount; row++) {
      const taskClass = classes.list[table.taskClass[row]];
      if (!plan.classes.has(taskClass)) {
        throw new Error(`row ${row} has class ${taskClass.index}, which its plan does not hold`);
      }
      if (taskClass.shape.taskType !== table.taskType[row]) {
        throw new Error(`row ${row} has a class of another task type`);
      }
    }
  }
  classes.check(held);
  kinds.check(classes.knownShapes().map(({ kind }) => kind));
}
