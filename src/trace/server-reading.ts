/**
 * The server's file of a trace → columns. It gives the order of things: which task a row is, where each
 * attempt was sent, how it ended. What workers know better is joined later (worker-join.ts), what follows
 * from inputs is derived at the end (task-states.ts). Called by read-trace.ts.
 */
import { decodeFailureInfo } from "../protocol/index.js";
import { DamagedTrace } from "./damaged-trace.js";
import { UNKNOWN_CORE } from "./format.js";
import { GrowingColumns, longer } from "./growing-columns.js";
import { ExecutionEnd, type TracedFailure, TracedState } from "./model.js";
import { ServerNames } from "./server-names.js";
import type { TracedRows } from "./server-trace-writer.js";
import { fillUnknown, NO_ATTEMPT, newExecutions, newTasks } from "./task-columns.js";
import { TaskRows } from "./task-rows.js";
import { TextStore } from "./text-store.js";
import type { TraceVisitor } from "./trace-decoder.js";

const OPEN = TracedState.waiting;

export interface ReadPlan {
  client: number;
  idBase: number;
  firstTask: number;
  taskCount: number;
  submittedMs: number;
}

export class ServerReading extends ServerNames implements TraceVisitor {
  readonly tasks = newTasks();
  readonly executions = newExecutions();
  readonly taskRows = new TaskRows();
  readonly texts = new TextStore();
  readonly metadataAt = new Map<number, number>();
  readonly plans: ReadPlan[] = [];
  readonly failures: TracedFailure[] = [];
  readonly passes = new GrowingColumns({
    atMs: new Float64Array(1024),
    durationMs: new Float32Array(1024),
    assigned: new Uint32Array(1024),
  });
  /** Transfers as the server knows of them, for workers without a file. */
  readonly fetches = new GrowingColumns({
    task: new Uint32Array(256),
    worker: new Int16Array(256),
    endMs: new Float64Array(256),
    durationMs: new Float64Array(256),
  });
  /** Tasks in the order in which they finished or failed; some several times. */
  readonly endings = new GrowingColumns({ task: new Uint32Array(1024) });
  inputs = new Uint32Array(1024);
  inputCount = 0;
  /** Of tasks that got others later. */
  readonly replacedInputs = new Map<number, Uint32Array>();
  /** Some tasks were executed again after they had finished. */
  hasRepeated = false;
  /** Records that name rows of which no task is known. */
  unknownRows = 0;
  // --- attempts --------------------------------------------------------------------------------

  assigned(row: number, attempt: number, worker: number): void {
    const task = this.taskRows.find(row);
    if (task === -1) throw new DamagedTrace(`row ${row} is assigned, which is no task`);
    const place = this.placeOf(worker);
    const { columns } = this.tasks;
    const state = columns.state[task];
    if (state === TracedState.assigned) this.endAttempt(task, ExecutionEnd.retracted);
    // Its result was lost.
    if (state === TracedState.finished && columns.attempts[task] > 0) this.againAfterFinish(task);
    columns.state[task] = TracedState.assigned;
    columns.assignedMs[task] = this.nowMs;
    columns.worker[task] = place;
    this.workers[place].assigned++;
    this.begin(task, attempt);
  }

  started(row: number, attempt: number): void {
    const task = this.current(row, attempt);
    if (task !== -1) this.tasks.columns.startedMs[task] = this.nowMs;
  }

  finished(row: number, attempt: number, durationUs: number, sizeBytes: number): void {
    if (!(sizeBytes >= 0 && sizeBytes <= Number.MAX_SAFE_INTEGER)) {
      throw new DamagedTrace(`a result of ${sizeBytes} bytes can't be`);
    }
    const task = this.current(row, attempt);
    if (task === -1) return;
    const { columns } = this.tasks;
    columns.state[task] = TracedState.finished;
    columns.knownMs[task] = this.nowMs;
    columns.durationUs[task] = durationUs;
    columns.sizeBytes[task] = sizeBytes;
    this.ended(task);
  }

  failed(row: number, attempt: number, failure: Uint8Array): void {
    let info: TracedFailure["info"];
    try {
      info = decodeFailureInfo(failure);
    } catch {
      throw new DamagedTrace("what is said of a failure can't be read");
    }
    const task = this.current(row, attempt);
    if (task === -1) return;
    const { columns } = this.tasks;
    columns.state[task] = TracedState.failed;
    columns.knownMs[task] = this.nowMs;
    this.failures.push({ task, worker: columns.worker[task], atMs: this.nowMs, info });
    this.addExecution(task, ExecutionEnd.failed);
    this.ended(task);
  }

  retracted(row: number, attempt: number): void {
    const task = this.current(row, attempt);
    if (task !== -1) this.endAttempt(task, ExecutionEnd.retracted);
  }

  inputLost(row: number, attempt: number): void {
    const task = this.current(row, attempt);
    if (task !== -1) this.endAttempt(task, ExecutionEnd.inputLost);
  }

  cancelled(row: number, attempt: number): void {
    const task = this.current(row, attempt);
    if (task === -1) return;
    this.endAttempt(task, ExecutionEnd.cancelled);
    // Unless it is sent to a worker once more: it was only called back then.
    this.tasks.columns.state[task] = TracedState.cancelled;
  }

  letGo(row: number): void {
    const task = this.find(row);
    if (task === -1) return;
    const { state } = this.tasks.columns;
    // Unless it is sent to a worker later: it was retried then.
    if (state[task] === OPEN) state[task] = TracedState.cancelled;
  }

  fetched(row: number, worker: number, durationUs: number): void {
    const task = this.find(row);
    const place = this.placeOf(worker);
    if (task === -1) return;
    const at = this.fetches.add();
    const { columns } = this.fetches;
    columns.task[at] = task;
    columns.worker[at] = place;
    columns.endMs[at] = this.nowMs;
    columns.durationMs[at] = durationUs / 1000;
  }

  pass(durationUs: number, assignedTasks: number): void {
    const at = this.passes.add();
    const { columns } = this.passes;
    columns.atMs[at] = this.nowMs;
    columns.durationMs[at] = durationUs / 1000;
    columns.assigned[at] = assignedTasks;
  }

  /** The task, if this is its attempt that runs; -1: it has another one by now, or is done. */
  private current(row: number, attempt: number): number {
    const task = this.find(row);
    if (task === -1) return -1;
    const { columns } = this.tasks;
    const state = columns.state[task];
    if (state === TracedState.assigned) return columns.attempt[task] === attempt ? task : -1;
    if (state !== OPEN || columns.attempts[task] > 0) return -1;
    // It was sent to its worker before tracing began.
    columns.state[task] = TracedState.assigned;
    this.begin(task, attempt);
    return task;
  }

  private begin(task: number, attempt: number): void {
    const { columns } = this.tasks;
    columns.attempt[task] = attempt;
    if (columns.firstAttempt[task] === NO_ATTEMPT) columns.firstAttempt[task] = attempt;
    columns.attempts[task] = Math.min(columns.attempts[task] + 1, 0xffff);
  }

  private ended(task: number): void {
    this.tasks.columns.readyMs[task] = this.readyTime(task);
    this.leaveWorker(task);
    const at = this.endings.add();
    this.endings.columns.task[at] = task;
  }

  /** The attempt has ended without finishing the task, which is open again. */
  private endAttempt(task: number, end: number): void {
    this.leaveWorker(task);
    this.addExecution(task, end);
    this.clearAttempt(task);
    this.tasks.columns.state[task] = OPEN;
  }

  private againAfterFinish(task: number): void {
    this.hasRepeated = true;
    const { columns } = this.tasks;
    const at = this.addExecution(task, ExecutionEnd.finished);
    this.executions.columns.endedMs[at] = columns.knownMs[task];
    this.clearAttempt(task);
  }

  private clearAttempt(task: number): void {
    const { columns } = this.tasks;
    columns.worker[task] = -1;
    columns.assignedMs[task] = Number.NaN;
    columns.startedMs[task] = Number.NaN;
    columns.knownMs[task] = Number.NaN;
    columns.readyMs[task] = Number.NaN;
    columns.durationUs[task] = 0;
    columns.core[task] = UNKNOWN_CORE;
  }

  protected workerLost(place: number): void {
    const worker = this.workers[place];
    const { columns, count } = this.tasks;
    for (let task = 0; worker.assigned > 0 && task < count; task++) {
      if (columns.worker[task] !== place || columns.state[task] !== TracedState.assigned) continue;
      this.endAttempt(task, ExecutionEnd.workerLost);
    }
  }

  private leaveWorker(task: number): void {
    const place = this.tasks.columns.worker[task];
    if (place !== -1) this.workers[place].assigned--;
  }

  private addExecution(task: number, end: number): number {
    const at = this.executions.add();
    const { columns } = this.executions;
    const its = this.tasks.columns;
    columns.task[at] = task;
    columns.worker[at] = its.worker[task];
    columns.assignedMs[at] = its.assignedMs[task];
    columns.startedMs[at] = its.startedMs[task];
    columns.endedMs[at] = this.nowMs;
    columns.end[at] = end;
    columns.attempt[at] = its.attempt[task];
    columns.previous[at] = its.lastExecution[task];
    its.lastExecution[task] = at;
    return at;
  }

  /** When the inputs were known to be there: the last of them, or the submission. */
  readyTime(task: number): number {
    const { knownMs, submittedMs, inputStart } = this.tasks.columns;
    const replaced = this.replacedInputs.get(task);
    const inputs = replaced ?? this.inputs;
    const start = replaced === undefined ? inputStart[task] : 0;
    const last = task + 1 < this.tasks.count ? inputStart[task + 1] : this.inputCount;
    const end = replaced === undefined ? last : replaced.length;
    let readyMs = submittedMs[task];
    for (let i = start; i < end; i++) {
      const known = knownMs[inputs[i]];
      // NaN: it was there before tracing began.
      if (known > readyMs) readyMs = known;
    }
    return readyMs;
  }

  // --- tasks -----------------------------------------------------------------------------------

  rows(rows: TracedRows): void {
    const { taskType, firstRow, templates, idBase, state } = rows;
    const count = taskType.length;
    // Before anything is changed: it may refuse the record.
    this.planOf(rows, this.tasks.count, count);
    const first = this.tasks.add(count);
    const { columns } = this.tasks;
    const end = first + count;
    fillUnknown(columns, first, end);
    columns.plan.fill(rows.plan, first, end);
    columns.isCopy.fill(templates === undefined ? 0 : 1, first, end);
    columns.taskType.set(taskType, first);
    columns.submittedMs.fill(this.nowMs, first, end);
    for (let i = 0; i < count; i++) {
      const task = first + i;
      const row = firstRow + i;
      columns.taskClass[task] = this.classAt(rows.taskClass[i]);
      columns.id[task] = idBase + (templates === undefined ? i : templates[i]);
      if (state[i] === 1) columns.state[task] = TracedState.finished;
      else if (state[i] === 2) columns.state[task] = TracedState.failed;
      columns.row[task] = row;
      const before = this.taskRows.find(row);
      columns.previous[task] = before;
      if (before !== -1) this.forgotten(before);
      this.taskRows.set(row, task);
    }
    this.addInputs(rows, first);
  }

  private planOf(rows: TracedRows, firstTask: number, count: number): void {
    const { plans } = this;
    if (rows.plan > plans.length) throw new DamagedTrace(`plan ${rows.plan} comes too early`);
    const isWhole = rows.templates === undefined;
    const known = plans.at(rows.plan);
    if (known !== undefined && (!isWhole || known.taskCount > 0)) return;
    plans[rows.plan] = {
      client: rows.client,
      idBase: rows.idBase,
      firstTask,
      taskCount: isWhole ? count : 0,
      submittedMs: this.nowMs,
    };
  }

  private addInputs({ inputCount, inputs }: TracedRows, first: number): void {
    const total = this.inputCount + inputs.length;
    if (total > this.inputs.length) {
      this.inputs = longer(this.inputs, Math.max(total, 2 * this.inputs.length));
    }
    const { inputStart } = this.tasks.columns;
    let from = 0;
    let to = this.inputCount;
    for (let i = 0; i < inputCount.length; i++) {
      inputStart[first + i] = to;
      for (const end = from + inputCount[i]; from < end; from++) {
        const input = this.find(inputs[from]);
        if (input !== -1) this.inputs[to++] = input;
      }
    }
    this.inputCount = to;
  }

  /** Its row is used again: its plan is gone. */
  private forgotten(task: number): void {
    const { state } = this.tasks.columns;
    if (state[task] === TracedState.assigned) this.endAttempt(task, ExecutionEnd.cancelled);
    if (state[task] === OPEN) state[task] = TracedState.cancelled;
  }

  labels(firstRow: number, lengths: Uint32Array, texts: Uint8Array): void {
    let at = 0;
    for (let i = 0; i < lengths.length; i++) {
      const length = lengths[i];
      if (length === 0) continue;
      const task = this.find(firstRow + i);
      if (task !== -1) this.tasks.columns.labelAt[task] = this.texts.put(texts, at, length);
      at += length;
    }
  }

  inputsReplaced(row: number, inputs: Uint32Array): void {
    const task = this.find(row);
    if (task === -1) return;
    const found = Array.from(inputs, (input) => this.find(input)).filter((input) => input !== -1);
    this.replacedInputs.set(task, Uint32Array.from(found));
  }

  metadata(row: number, metadata: Uint8Array): void {
    const task = this.find(row);
    if (task !== -1) this.metadataAt.set(task, this.texts.put(metadata, 0, metadata.length));
  }

  private find(row: number): number {
    const task = this.taskRows.find(row);
    if (task === -1) this.unknownRows++;
    return task;
  }
}
