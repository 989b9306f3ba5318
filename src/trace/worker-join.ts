/**
 * What a worker's file says, joined with the server's: times of executions in the server's time, cores,
 * transfers. Owns what bounds the worker's clock. Called by read-trace.ts.
 */
import type { ClockBounds, ClockOffset } from "./clock-alignment.js";
import { RunOutcome } from "./format.js";
import { GrowingColumns } from "./growing-columns.js";
import { TracedState } from "./model.js";
import type { ServerReading } from "./server-reading.js";
import { NO_ATTEMPT } from "./task-columns.js";
import type { WorkerReading } from "./worker-reading.js";

export type TransferColumns = ReturnType<typeof newTransfers>;

export function newTransfers() {
  const n = 1024;
  return new GrowingColumns({
    task: new Uint32Array(n),
    from: new Int16Array(n),
    to: new Int16Array(n),
    startMs: new Float64Array(n),
    endMs: new Float64Array(n),
    sizeBytes: new Float64Array(n),
    came: new Uint8Array(n),
  });
}

/** Where an execution is: the columns of its task, or those of executions that ended otherwise. */
interface Place {
  task: number;
  /** -1: it is in the task's columns. */
  execution: number;
}

/**
 * Fills what the worker knows.
 * @param place of the worker in `server.workers`
 * @param lightTasks those that it executed, in the order in which they finished
 */
export function joinWorker(
  server: ServerReading,
  place: number,
  worker: WorkerReading,
  lightTasks: Uint32Array,
  transfers: TransferColumns,
): ClockOffset {
  const offset = alignClock(server, place, worker, lightTasks);
  writeRuns(server, place, worker, offset);
  writeTransfers(server, place, worker, offset, transfers);
  const { light } = worker;
  for (let i = 0; i < light.count; i++) {
    light.columns.startMs[i] += offset.at(light.columns.startMs[i]);
  }
  return offset;
}

/** Sets `found`; false: the server knows of no such execution there. */
function findExecution(
  server: ServerReading,
  place: number,
  row: number,
  attempt: number,
  found: Place,
): boolean {
  const tasks = server.tasks.columns;
  const task = server.taskRows.findByAttempt(tasks, row, attempt);
  if (task === -1) return false;
  found.task = task;
  found.execution = -1;
  if (tasks.firstAttempt[task] !== NO_ATTEMPT && tasks.attempt[task] === attempt) {
    // The attempt may have ended without finishing the task: then it is among the executions.
    if (tasks.worker[task] === place) return true;
    const isUnknown = tasks.worker[task] === -1 && tasks.state[task] !== TracedState.waiting;
    if (isUnknown && tasks.lastExecution[task] === -1) {
      // It was sent there before tracing began.
      tasks.worker[task] = place;
      return true;
    }
  }
  const { columns } = server.executions;
  for (let at = tasks.lastExecution[task]; at !== -1; at = columns.previous[at]) {
    if (columns.attempt[at] !== attempt || columns.worker[at] !== place) continue;
    found.execution = at;
    return true;
  }
  return false;
}

/** The worker's executions that the server knows of, by their place in `runs`. */
function forEachRun(
  server: ServerReading,
  place: number,
  { count, columns }: WorkerReading["runs"],
  visit: (i: number, execution: Place) => void,
): void {
  const found: Place = { task: -1, execution: -1 };
  for (let i = 0; i < count; i++) {
    if (findExecution(server, place, columns.row[i], columns.attempt[i], found)) visit(i, found);
  }
}

function alignClock(
  server: ServerReading,
  place: number,
  { runs, light }: WorkerReading,
  lightTasks: Uint32Array,
): ClockOffset {
  const { clock: bounds, record } = server.workers[place];
  const tasks = server.tasks.columns;
  const executions = server.executions.columns;
  const its = runs.columns;
  forEachRun(server, place, runs, (i, { task, execution }) => {
    const start = its.startMs[i];
    const sent = execution === -1 ? tasks.assignedMs[task] : executions.assignedMs[execution];
    bounds.notBefore(start, sent);
    if (execution !== -1 || its.outcome[i] === RunOutcome.cancelled) return;
    bounds.notAfter(start + its.durationMs[i], tasks.knownMs[task]);
  });
  boundByLight(server, light, lightTasks, bounds);
  return bounds.fit(record.hostname === server.header.hostname);
}

/**
 * Light tasks are counted only. But none is executed before it was sent, nor known before it was executed: so
 * many as have been executed must have been sent, and as many as are known executed. Only if the file has them all.
 */
function boundByLight(
  server: ServerReading,
  light: WorkerReading["light"],
  lightTasks: Uint32Array,
  bounds: ClockBounds,
): void {
  const { startMs, durationMs, tasks: counts } = light.columns;
  let total = 0;
  for (let i = 0; i < light.count; i++) total += counts[i];
  if (total !== lightTasks.length || server.hasRepeated) return;
  const { assignedMs, knownMs } = server.tasks.columns;
  const sent = Float64Array.from(lightTasks, (task) =>
    orElse(assignedMs[task], Number.NEGATIVE_INFINITY),
  ).sort();
  const known = Float64Array.from(lightTasks, (task) =>
    orElse(knownMs[task], Number.POSITIVE_INFINITY),
  ).sort();
  let executed = 0;
  for (let i = 0; i < light.count; i++) {
    if (counts[i] === 0) continue;
    bounds.notAfter(startMs[i], known[executed]);
    executed += counts[i];
    bounds.notBefore(startMs[i] + durationMs[i], sent[executed - 1]);
  }
}

function orElse(value: number, otherwise: number): number {
  return Number.isNaN(value) ? otherwise : value;
}

function writeRuns(
  server: ServerReading,
  place: number,
  { runs }: WorkerReading,
  offset: ClockOffset,
): void {
  const tasks = server.tasks.columns;
  const executions = server.executions.columns;
  const its = runs.columns;
  forEachRun(server, place, runs, (i, { task, execution }) => {
    const startMs = its.startMs[i] + offset.at(its.startMs[i]);
    const endMs = startMs + its.durationMs[i];
    if (execution !== -1) {
      executions.startedMs[execution] = startMs;
      executions.endedMs[execution] = endMs;
      return;
    }
    tasks.startedMs[task] = startMs;
    tasks.finishedMs[task] = endMs;
    tasks.core[task] = its.core[i];
    tasks.cores[task] = its.cores[i];
    tasks.isExact[task] = 1;
  });
}

function writeTransfers(
  server: ServerReading,
  place: number,
  { transfers }: WorkerReading,
  offset: ClockOffset,
  target: TransferColumns,
): void {
  const its = transfers.columns;
  for (let i = 0; i < transfers.count; i++) {
    const startMs = its.startMs[i] + offset.at(its.startMs[i]);
    const task = server.taskRows.findByTime(server.tasks.columns, its.row[i], startMs);
    if (task === -1) continue;
    const at = target.add();
    const { columns } = target;
    columns.task[at] = task;
    columns.from[at] = server.findWorker(its.from[i]) ?? -1;
    columns.to[at] = place;
    columns.startMs[at] = startMs;
    columns.endMs[at] = startMs + its.durationMs[i];
    columns.sizeBytes[at] = its.sizeBytes[i];
    columns.came[at] = its.came[i];
  }
}

/** What the server knows of transfers to workers that left no file. */
export function addFetches(
  server: ServerReading,
  hasFile: (place: number) => boolean,
  target: TransferColumns,
): void {
  const { fetches, tasks } = server;
  const its = fetches.columns;
  for (let i = 0; i < fetches.count; i++) {
    if (hasFile(its.worker[i])) continue;
    const at = target.add();
    const { columns } = target;
    columns.task[at] = its.task[i];
    columns.from[at] = -1;
    columns.to[at] = its.worker[i];
    columns.startMs[at] = its.endMs[i] - its.durationMs[i];
    columns.endMs[at] = its.endMs[i];
    columns.sizeBytes[at] = tasks.columns.sizeBytes[its.task[i]];
    columns.came[at] = 1;
  }
}
