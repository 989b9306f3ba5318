/** The facts about one task, by its state. Their words are in sentences.ts. */
import type {
  AssignedTask,
  Causes,
  CopyCounts,
  ExplainedTask,
  FailedTask,
  FinishedTask,
  ReadyTask,
  ReleasedTask,
  TaskExplanation,
  WaitingTask,
} from "../../protocol/index.js";
import { TaskFlag, TaskState, type WorkerLoad } from "../../scheduler/index.js";
import { countAble, describeRequest } from "../ability.js";
import type { CoreState } from "../core-state.js";
import { type Copies, rowsOf } from "../expansion/index.js";
import { metadataOf } from "../giving-up.js";
import type { FailureDetails } from "../task-failure.js";
import type { SymbolTable } from "../task-kinds.js";
import { NONE } from "../task-table.js";
import { findCauses, findCopies } from "./causes.js";
import { describeLoad, explainWorkers } from "./explain-workers.js";
import { readMetadata } from "./metadata.js";
import { describe, type Facts } from "./sentences.js";
import { referenceOf, stateOf } from "./task-reference.js";

const MAX_INPUTS_TOLD = 10;
const MAX_INPUTS_COUNTED = 1000;
const MAX_CAUSES_TOLD = 5;
const MAX_ADDRESSES = 10;
/** Edges of a task that are looked at, copies that are counted, entries of queues that are searched. */
const MAX_STEPS = 1_000_000;
/** Tasks among whose results a failure is looked for. */
const MAX_DEPENDENTS = 1000;

export function explainTask(core: CoreState, symbols: SymbolTable, row: number): TaskExplanation {
  const facts = factsOf(core, symbols, row);
  return { ...facts, ...describe(facts) } as TaskExplanation;
}

function factsOf(core: CoreState, symbols: SymbolTable, row: number): Facts {
  const { table, scheduler } = core;
  const taskClass = scheduler.classes.list[table.taskClass[row]];
  const request = describeRequest(taskClass.shape.kind.variants);
  const copies = findCopies(core, row);
  const metadata = metadataOf(core, row);
  const base = {
    ...referenceOf(core, symbols, row),
    ...(request === "" ? {} : { request }),
    priority: taskClass.priority,
    losses: table.losses[row],
    ...(metadata === undefined ? {} : { metadata: readMetadata(metadata) }),
    ...(copies === undefined ? {} : { copies: countCopies(core, copies) }),
  };
  switch (base.state) {
    case "waiting":
      return { ...base, state: base.state, ...factsOfWaiting(core, symbols, row) };
    case "ready":
      return { ...base, state: base.state, ...factsOfReady(core, symbols, row) };
    case "assigned":
      return { ...base, state: base.state, ...factsOfAssigned(core, row) };
    case "finished":
      return { ...base, state: base.state, ...factsOfFinished(core, row) };
    case "failed":
      return { ...base, state: base.state, ...factsOfFailed(core, row) };
    case "released":
      return { ...base, state: base.state, ...factsOfReleased(core, symbols, row, base.copies) };
  }
}

type Own<T> = Omit<T, keyof TaskExplanation>;

function factsOfWaiting(core: CoreState, symbols: SymbolTable, row: number): Own<WaitingTask> {
  const { table, scheduler } = core;
  const start = table.inputStart[row];
  const end = start + Math.min(table.inputCount[row], MAX_STEPS);
  const told = new Set<number>();
  let unfinishedInputs = 0;
  for (let edge = start; edge < end; edge++) {
    const input = table.edgeInput[edge];
    if (table.state[input] === TaskState.finished) continue;
    unfinishedInputs++;
    if (told.size < MAX_INPUTS_TOLD) told.add(input);
  }
  const { shape } = scheduler.classes.list[table.taskClass[row]];
  const able = countAble(scheduler, shape);
  return {
    inputs: table.inputCount[row],
    unfinishedInputs,
    firstUnfinished: [...told].map((input) => referenceOf(core, symbols, input)),
    causes: causesOf(core, symbols, row),
    ...(able > 0 ? {} : { workers: explainWorkers(core, symbols, row) }),
  };
}

function causesOf(core: CoreState, symbols: SymbolTable, row: number): Causes {
  const { unable, ready, assigned, complete } = findCauses(core, row);
  const first = [unable, ready, assigned]
    .flatMap((rows) => rows.slice(0, MAX_CAUSES_TOLD))
    .slice(0, MAX_CAUSES_TOLD)
    .map((cause) => {
      const { summary } = explainTask(core, symbols, cause);
      return { ...referenceOf(core, symbols, cause), summary };
    });
  return {
    unable: unable.length,
    ready: ready.length,
    assigned: assigned.length,
    first,
    complete,
  };
}

function factsOfReady(core: CoreState, symbols: SymbolTable, row: number): Own<ReadyTask> {
  const { table, scheduler } = core;
  const { guide } = scheduler;
  const taskClass = scheduler.classes.list[table.taskClass[row]];
  const { shape } = taskClass;
  const queued = (table.flags[row] & TaskFlag.queued) !== 0;
  const queue = queued ? findQueue(core, row, taskClass.light) : undefined;
  const planned = guide.workerFor(row);
  const addressOf = (load: WorkerLoad) => core.workers.get(load.index)!.address;
  return {
    readyAlike: Math.max(1, shape.light ? shape.ready.length : shape.heavy.length),
    rankMs: table.rank[row],
    ...(queue === undefined ? {} : { queuedAt: addressOf(queue) }),
    ...(planned === undefined ? {} : { plannedFor: addressOf(planned) }),
    heldBack: !taskClass.light && guide.holdsBack,
    workers: explainWorkers(core, symbols, row),
  };
}

/** The worker in whose queue the row is. */
function findQueue({ scheduler }: CoreState, row: number, light: boolean): WorkerLoad | undefined {
  let steps = MAX_STEPS;
  return scheduler.alive.find((load) => {
    const queue = light ? load.localLight : load.localHeavy;
    steps -= 1 + queue.length;
    return steps > 0 && queue.includes(row);
  });
}

function factsOfAssigned(core: CoreState, row: number): Own<AssignedTask> {
  const { table, scheduler } = core;
  const load = scheduler.workers[table.worker[row]]!;
  const taskClass = scheduler.classes.list[table.taskClass[row]];
  return {
    worker: core.workers.get(load.index)!.address,
    started: (table.flags[row] & TaskFlag.started) !== 0,
    unfinishedInputs: table.unfinished[row],
    inputsElsewhere: countInputsElsewhere(core, row),
    ...(taskClass.light ? {} : { load: describeLoad(taskClass, load) }),
    askedBack: (table.flags[row] & TaskFlag.retracting) !== 0,
    tasksThere: load.light.assigned + load.heavyAssigned,
  };
}

/** Inputs that exist and that the worker of the task does not hold. */
function countInputsElsewhere({ table }: CoreState, row: number): number {
  const start = table.inputStart[row];
  const end = start + Math.min(table.inputCount[row], MAX_INPUTS_COUNTED);
  let count = 0;
  for (let edge = start; edge < end; edge++) {
    const input = table.edgeInput[edge];
    if (table.state[input] !== TaskState.finished || table.inlineCell[input] !== NONE) continue;
    if (!table.holds(table.worker[row], input)) count++;
  }
  return count;
}

function factsOfFinished(core: CoreState, row: number): Own<FinishedTask> {
  const { table } = core;
  const holders = table.holders(row).slice(0, MAX_ADDRESSES);
  return {
    sizeBytes: table.size[row],
    holders: holders.map((worker) => core.workers.get(worker)!.address),
    atServer: table.inlineCell[row] !== NONE,
  };
}

function factsOfFailed(core: CoreState, row: number): Own<FailedTask> {
  const failure = findFailure(core, row);
  if (failure === undefined) return {};
  const { taskId, label, message } = failure;
  const worker = failure.worker === undefined ? undefined : core.workers.get(failure.worker);
  return {
    failedTask: { id: taskId, ...(label === undefined ? {} : { label }) },
    message,
    ...(worker === undefined ? {} : { worker: worker.address }),
  };
}

/** Where all copies are known, the task itself is not needed any more. */
function factsOfReleased(
  core: CoreState,
  symbols: SymbolTable,
  row: number,
  copies: CopyCounts | undefined,
): Own<ReleasedTask> {
  if (copies === undefined) return {};
  const { waiting, ready, assigned } = copies;
  return waiting + ready + assigned === 0 ? {} : { causes: causesOf(core, symbols, row) };
}

/** Failures are kept with the results that clients hold: the task's own, or one that needs it. */
function findFailure({ failures, table }: CoreState, start: number): FailureDetails | undefined {
  const visited = new Set([start]);
  for (const row of visited) {
    const failure = failures.get(row);
    if (failure !== undefined) return failure;
    for (let edge = table.userHead[row]; edge !== NONE; edge = table.nextUser[edge]) {
      if (visited.size >= MAX_DEPENDENTS) break;
      const user = table.edgeUser[edge];
      if (table.state[user] === TaskState.failed) visited.add(user);
    }
  }
  return undefined;
}

function countCopies(core: CoreState, copies: Copies): CopyCounts {
  const states: Record<ExplainedTask["state"], number> = {
    waiting: 0,
    ready: 0,
    assigned: 0,
    finished: 0,
    failed: 0,
    released: 0,
  };
  let total = 0;
  for (const { first, end } of rowsOf(copies)) {
    for (let row = first; row < end && total < MAX_STEPS; row++, total++) {
      states[stateOf(core, row)]++;
    }
  }
  return { total, ...states };
}
