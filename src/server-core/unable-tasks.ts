/**
 * Tasks that no worker present could execute: how many wait for one that can, and what their client is
 * told when it submits them.
 */
import { TaskFlag, type TaskShape, TaskState } from "../scheduler/index.js";
import { clipped, countAble, describeInability, describeRequest } from "./ability.js";
import type { CoreState } from "./core-state.js";
import { labelOf } from "./giving-up.js";
import type { PlanRecord } from "./records.js";
import type { SymbolTable } from "./task-kinds.js";

/** Lines that a client is told of one plan, at most. */
const MAX_NOTICES = 5;

/** Ready tasks that wait for a worker that can execute them. */
export interface UnableTasks {
  /** What they ask for; "": nothing. */
  readonly request: string;
  /** Symbol number. */
  readonly taskType: number;
  readonly tasks: number;
}

/** By request and type. Looks only at queues of tasks that nobody could execute. */
export function countUnable(core: CoreState): UnableTasks[] {
  const { scheduler, table } = core;
  const { state, flags, taskClass } = table;
  const { list, shapes } = scheduler.classes;
  const found = new Map<string, { request: string; taskType: number; tasks: number }>();
  // A row may be in a queue twice, if it was used again.
  let counted: Uint8Array | undefined;
  for (const shape of shapes) {
    const queue = shape.light ? shape.ready : shape.heavy;
    if (queue.length === 0 || countAble(scheduler, shape) > 0) continue;
    counted ??= new Uint8Array(table.rowEnd);
    let tasks = 0;
    for (let i = 0; i < queue.length; i++) {
      const row = queue.at(i);
      if (counted[row] === 1 || list[taskClass[row]].shape !== shape) continue;
      if (state[row] !== TaskState.ready || flags[row] & TaskFlag.queued) continue;
      counted[row] = 1;
      tasks++;
    }
    if (tasks === 0) continue;
    // Light tasks of other priorities are other shapes.
    const { kind, taskType } = shape;
    const key = `${kind.index} ${taskType}`;
    const known = found.get(key);
    if (known !== undefined) known.tasks += tasks;
    else found.set(key, { request: describeRequest(kind.variants), taskType, tasks });
  }
  return [...found.values()].sort((a, b) => b.tasks - a.tasks);
}

/** Tells the client of the tasks of its plan, which was just accepted, that nobody could execute. */
export function tellUnable(
  core: CoreState,
  symbols: SymbolTable,
  plan: PlanRecord,
  shapes: ReadonlySet<TaskShape>,
): void {
  const { table, scheduler } = core;
  const found = new Map<TaskShape, { first: number; tasks: number }>();
  for (let row = plan.firstRow; row < plan.firstRow + plan.taskCount; row++) {
    const { shape } = scheduler.classes.list[table.taskClass[row]];
    if (!shapes.has(shape) || !core.isOpen(row)) continue;
    const known = found.get(shape);
    if (known === undefined) found.set(shape, { first: row, tasks: 1 });
    else known.tasks++;
  }
  let told = 0;
  for (const [shape, { first, tasks }] of found) {
    if (++told > MAX_NOTICES) break;
    const left = found.size - MAX_NOTICES;
    const others =
      told === MAX_NOTICES && left > 0 ? `; so do tasks with ${left} other requests` : "";
    const text = describeNotice(core, symbols, shape, first, tasks);
    core.outbox.tellUnable(plan.client.handle, shape.serial, text + others);
  }
}

function describeNotice(
  core: CoreState,
  symbols: SymbolTable,
  shape: TaskShape,
  first: number,
  tasks: number,
): string {
  const label = labelOf(core, first);
  const name = `task ${core.taskId(first)}${label === undefined ? "" : ` ${JSON.stringify(clipped(label))}`}`;
  const cause = describeInability(core, symbols, shape);
  if (tasks === 1) {
    return `${name} waits for a worker that can execute it, as ${cause}; start one, or release its result to cancel it`;
  }
  return `${tasks} tasks, the first is ${name}, wait for a worker that can execute them, as ${cause}; start one, or release their results to cancel them`;
}
