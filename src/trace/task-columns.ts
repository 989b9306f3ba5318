/**
 * The columns of tasks and executions while a trace is read. Owns which there are and what they are before
 * something is known; server-reading.ts and worker-join.ts fill them.
 */
import { UNKNOWN_CORE } from "./format.js";
import { GrowingColumns } from "./growing-columns.js";

const FIRST_CAPACITY = 1024;
export const NO_ATTEMPT = 0xffffffff;

export type TaskColumns = ReturnType<typeof taskColumns>;
export type ExecutionColumns = ReturnType<typeof executionColumns>;

export function newTasks(): GrowingColumns<TaskColumns> {
  return new GrowingColumns(taskColumns());
}

export function newExecutions(): GrowingColumns<ExecutionColumns> {
  return new GrowingColumns(executionColumns());
}

/** What the live page has of a task, too. */
export function commonTaskColumns() {
  const n = FIRST_CAPACITY;
  return {
    plan: new Uint32Array(n),
    id: new Int32Array(n),
    isCopy: new Uint8Array(n),
    taskType: new Uint16Array(n),
    taskClass: new Uint32Array(n),
    state: new Uint8Array(n),
    submittedMs: new Float64Array(n),
    readyMs: new Float64Array(n),
    assignedMs: new Float64Array(n),
    startedMs: new Float64Array(n),
    finishedMs: new Float64Array(n),
    knownMs: new Float64Array(n),
    worker: new Int16Array(n),
    core: new Uint16Array(n),
    cores: new Uint16Array(n),
    attempts: new Uint16Array(n),
    sizeBytes: new Float64Array(n),
  };
}

function taskColumns() {
  const n = FIRST_CAPACITY;
  return {
    ...commonTaskColumns(),
    inputStart: new Uint32Array(n),
    // The following are only for reading.
    row: new Uint32Array(n),
    /** The task that had the row before; -1: none. */
    previous: new Int32Array(n),
    /** NO_ATTEMPT: it was never sent to a worker. */
    firstAttempt: new Uint32Array(n),
    /** The one that is in the columns, or the last. */
    attempt: new Uint32Array(n),
    /** As its worker measured it; 0: not measured. */
    durationUs: new Uint32Array(n),
    /** Where its label is; 0: it has none. */
    labelAt: new Uint32Array(n),
    /** The last of its executions that ended otherwise; -1: none. */
    lastExecution: new Int32Array(n),
    /** 1: its worker's file says when it ran. */
    isExact: new Uint8Array(n),
  };
}

function executionColumns() {
  const n = FIRST_CAPACITY;
  return {
    task: new Uint32Array(n),
    worker: new Int16Array(n),
    assignedMs: new Float64Array(n),
    startedMs: new Float64Array(n),
    endedMs: new Float64Array(n),
    end: new Uint8Array(n),
    // The following are only for reading.
    attempt: new Uint32Array(n),
    /** The one before of the same task; -1: none. */
    previous: new Int32Array(n),
  };
}

/** Of tasks that have just been added. */
export function fillUnknown(columns: TaskColumns, first: number, end: number): void {
  columns.readyMs.fill(Number.NaN, first, end);
  columns.knownMs.fill(Number.NaN, first, end);
  columns.assignedMs.fill(Number.NaN, first, end);
  columns.startedMs.fill(Number.NaN, first, end);
  columns.finishedMs.fill(Number.NaN, first, end);
  columns.sizeBytes.fill(Number.NaN, first, end);
  columns.worker.fill(-1, first, end);
  columns.core.fill(UNKNOWN_CORE, first, end);
  columns.firstAttempt.fill(NO_ATTEMPT, first, end);
  columns.previous.fill(-1, first, end);
  columns.lastExecution.fill(-1, first, end);
}
