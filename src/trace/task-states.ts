/**
 * What no record says and follows from others, at the end of a trace: tasks that fail or are cancelled with
 * others, which are ready, when tasks ran of which no worker tells. Called by read-trace.ts.
 */
import { ExecutionEnd, TracedState } from "./model.js";
import type { ServerReading } from "./server-reading.js";

const { waiting, ready, assigned, finished, failed, cancelled } = TracedState;

/** Inputs of all tasks with those that were replaced; `start` has one entry more than there are tasks. */
export interface InputLists {
  readonly start: Uint32Array;
  readonly inputs: Uint32Array;
}

export function inputLists(server: ServerReading): InputLists {
  const { replacedInputs, inputs } = server;
  const { count } = server.tasks;
  const starts = server.tasks.columns.inputStart;
  const start = new Uint32Array(count + 1);
  start.set(starts.subarray(0, count));
  start[count] = server.inputCount;
  if (replacedInputs.size === 0) return { start, inputs: inputs.subarray(0, server.inputCount) };
  let total = server.inputCount;
  for (const [task, list] of replacedInputs) total += list.length - (start[task + 1] - start[task]);
  const all = new Uint32Array(total);
  const newStart = new Uint32Array(count + 1);
  let at = 0;
  for (let task = 0; task < count; task++) {
    newStart[task] = at;
    const list = replacedInputs.get(task) ?? inputs.subarray(start[task], start[task + 1]);
    all.set(list, at);
    at += list.length;
  }
  newStart[count] = at;
  return { start: newStart, inputs: all };
}

/** Settles the state of each task, and when it was ready. */
export function settleStates(server: ServerReading, lists: InputLists): void {
  settleTemplates(server);
  spreadFailures(server, lists);
  const { state, readyMs } = server.tasks.columns;
  const { start, inputs } = lists;
  for (let task = 0; task < server.tasks.count; task++) {
    if (!Number.isNaN(readyMs[task])) continue;
    let isReady = true;
    for (let i = start[task]; i < start[task + 1] && isReady; i++) {
      isReady = state[inputs[i]] === finished;
    }
    if (!isReady) continue;
    readyMs[task] = server.readyTime(task);
    if (state[task] === waiting) state[task] = ready;
  }
}

/**
 * A task with dynamic inputs does not run itself, and is let go when its copies are there: it has finished
 * when all of them have, and is cancelled if one is or has failed.
 */
function settleTemplates(server: ServerReading): void {
  const { plans, tasks } = server;
  const { isCopy, plan, id, state, attempts, knownMs } = tasks.columns;
  const states = new Map<number, number>();
  const templateOf = (task: number): number => {
    const { firstTask, idBase, taskCount } = plans[plan[task]];
    const index = id[task] - idBase;
    return index >= 0 && index < taskCount ? firstTask + index : -1;
  };
  for (let task = 0; task < tasks.count; task++) {
    if (isCopy[task] === 0) continue;
    const template = templateOf(task);
    if (template === -1 || attempts[template] > 0) continue;
    const before = states.get(template) ?? finished;
    const isLost = state[task] === failed || state[task] === cancelled;
    if (before === cancelled || isLost) states.set(template, cancelled);
    else states.set(template, state[task] === finished ? before : waiting);
  }
  for (const [template, its] of states) {
    if (state[template] === waiting || state[template] === cancelled) state[template] = its;
  }
  for (let task = 0; task < tasks.count; task++) {
    if (isCopy[task] === 0) continue;
    const template = templateOf(task);
    if (states.get(template) !== finished) continue;
    if (!(knownMs[template] >= knownMs[task])) knownMs[template] = knownMs[task];
  }
}

/** Tasks with inputs that failed, or are cancelled, will not run. */
function spreadFailures({ tasks }: ServerReading, { start, inputs }: InputLists): void {
  const { state } = tasks.columns;
  // Inputs come before their users, but for copies: more than one round is rare.
  for (let isSettled = false; !isSettled; ) {
    isSettled = true;
    for (let task = 0; task < tasks.count; task++) {
      if (state[task] !== waiting) continue;
      for (let i = start[task]; i < start[task + 1]; i++) {
        const its = state[inputs[i]];
        if (its !== failed && its !== cancelled) continue;
        state[task] = cancelled;
        isSettled = false;
        break;
      }
    }
  }
}

/** Times of tasks with requests of which no worker's file tells: those that the server had. */
export function estimateRuns({ tasks, executions }: ServerReading): void {
  const its = tasks.columns;
  for (let task = 0; task < tasks.count; task++) {
    const state = its.state[task];
    if (!Number.isNaN(its.finishedMs[task])) continue;
    const durationMs = its.durationUs[task] / 1000;
    // One that was sent to its worker before the trace began has no attempt in it, but took some time.
    const isHere = its.attempts[task] > 0 || durationMs > 0;
    if ((state !== finished && state !== failed) || !isHere) continue;
    const known = its.knownMs[task];
    its.finishedMs[task] = known;
    // As long as it was measured, or since the server was told that it starts.
    const startMs = durationMs > 0 ? known - durationMs : its.startedMs[task];
    const atLeast = Math.max(startMs, its.assignedMs[task] || Number.NEGATIVE_INFINITY);
    its.startedMs[task] = Number.isNaN(startMs) ? known : Math.min(atLeast, known);
  }
  const columns = executions.columns;
  for (let i = 0; i < executions.count; i++) {
    if (columns.end[i] !== ExecutionEnd.failed) continue;
    const task = columns.task[i];
    columns.startedMs[i] = its.startedMs[task];
    columns.endedMs[i] = its.finishedMs[task];
  }
}

/**
 * Cores of tasks of which no worker's file tells: as many as they asked for, unless they could have had one or
 * another number. A worker writes down which ones they were when a task has ended.
 */
export function estimateCores({ tasks, classes }: ServerReading): void {
  const its = tasks.columns;
  for (let task = 0; task < tasks.count; task++) {
    if (its.isExact[task] === 1 || Number.isNaN(its.startedMs[task])) continue;
    const [first, ...others] = classes.at(its.taskClass[task])?.variants ?? [];
    if (first === undefined || others.some(({ cpus }) => cpus !== first.cpus)) continue;
    its.cores[task] = first.cpus;
  }
}

/** Attempts that are still there when the trace ends. */
export function addOpenExecutions({ tasks, executions }: ServerReading): void {
  const its = tasks.columns;
  for (let task = 0; task < tasks.count; task++) {
    if (its.state[task] !== assigned) continue;
    const at = executions.add();
    const { columns } = executions;
    columns.task[at] = task;
    columns.worker[at] = its.worker[task];
    columns.assignedMs[at] = its.assignedMs[task];
    columns.startedMs[at] = its.startedMs[task];
    columns.endedMs[at] = its.finishedMs[task];
    columns.end[at] = ExecutionEnd.open;
  }
}
