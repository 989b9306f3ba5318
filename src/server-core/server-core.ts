/**
 * The state machine of the server: events in (methods), effects out (ServerOutbox). It does no
 * I/O and knows no clock: the shell (src/server) or the simulator says what time it is.
 *
 * After a batch of events call schedule() once.
 */
import type { PlanColumns, TaskMessage } from "../protocol/index.js";
import { TaskFlag, TaskState } from "../scheduler/index.js";
import { type CoreOptions, CoreState } from "./core-state.js";
import {
  type FailureCause,
  rareFields,
  releaseClient,
  releaseResult,
  taskFailed,
} from "./giving-up.js";
import { checkInvariants } from "./invariants.js";
import type { ServerOutbox } from "./outbox.js";
import { objectFetched, taskFinished, taskStarted } from "./progress.js";
import type { ClientRecord, WorkerRecord } from "./records.js";
import { inputLost, objectLost, taskRetracted, workerLost } from "./recovery.js";
import { findRow, type PlanRefusal, type SymbolTable, submitPlan } from "./submit.js";
import type { FailureDetails } from "./task-failure.js";
import { NONE, type TaskTable } from "./task-table.js";

/** Where a result is, for somebody who wants to read it. */
export type ResultPlace =
  | { readonly kind: "unknown" }
  | { readonly kind: "open"; readonly row: number }
  | { readonly kind: "failed"; readonly failure: FailureDetails }
  | {
      readonly kind: "finished";
      readonly row: number;
      readonly attempt: number;
      /** A small result itself; else ask a holder. */
      readonly inline: Uint8Array | undefined;
      readonly holders: readonly number[];
    };

export class ServerCore {
  private readonly state: CoreState;

  constructor(
    outbox: ServerOutbox,
    private readonly symbols: SymbolTable,
    options: CoreOptions,
  ) {
    this.state = new CoreState(outbox, options);
  }

  /** The tasks, to read: an outbox encodes assignments from it. */
  get table(): TaskTable {
    return this.state.table;
  }

  get workers(): ReadonlyMap<number, WorkerRecord> {
    return this.state.workers;
  }

  get clients(): ReadonlyMap<number, ClientRecord> {
    return this.state.clients;
  }

  /** Tasks whose object exists. */
  get objectCount(): number {
    return this.state.objectCount;
  }

  /** Whether any task is waiting, ready or assigned. */
  get hasOpenTasks(): boolean {
    for (const client of this.state.clients.values()) if (client.openTasks > 0) return true;
    return false;
  }

  /** Tasks of which anything is kept. */
  get taskCount(): number {
    return this.state.taskCount;
  }

  /** Tasks sent to a worker and not finished: without cpus, and with. */
  loadOf(worker: number): { light: number; heavy: number } {
    const load = this.state.scheduler.workers[worker];
    return { light: load?.lightAssigned ?? 0, heavy: load?.heavyAssigned ?? 0 };
  }

  /** Cores that a task asks for. */
  cpusOf(row: number): number {
    const { scheduler, table } = this.state;
    return scheduler.classes.list[table.taskClass[row]].cpus;
  }

  /** The array and position where the task's config is: `[bytes, start, length]` of its plan. */
  configOf(row: number): { bytes: Uint8Array; start: number; length: number } {
    const { table } = this.state;
    const plan = this.state.planOf(row);
    if (plan.replacedConfig.size > 0) {
      const replaced = plan.replacedConfig.get(row);
      if (replaced !== undefined) return { bytes: replaced, start: 0, length: replaced.length };
    }
    const start = table.configStart[row];
    return { bytes: plan.bytes, start, length: table.configLength[row] };
  }

  /** The task's rare fields; undefined if it has none. */
  rareFieldsOf(row: number): TaskMessage | undefined {
    return rareFields(this.state, row);
  }

  /** The client whose task it is. */
  clientOf(row: number): number {
    return this.state.planOf(row).client.handle;
  }

  /** Whether the worker has this very attempt of the task now. */
  isAssigned(worker: number, row: number, attempt: number): boolean {
    const { table } = this.state;
    return (
      table.state[row] === TaskState.assigned &&
      table.worker[row] === worker &&
      table.attempt[row] === attempt
    );
  }

  /** The client's id of the task. */
  taskIdOf(row: number): number {
    return this.state.taskId(row);
  }

  addClient(handle: number, classic: boolean): void {
    this.state.clients.set(handle, {
      handle,
      classic,
      plans: [],
      nextId: 0,
      connected: true,
      finishedTasks: 0,
      failedTasks: 0,
      openTasks: 0,
    });
  }

  /** The client has gone: its work is cancelled, its objects are dropped. */
  removeClient(handle: number): void {
    const client = this.state.clients.get(handle);
    if (client !== undefined) releaseClient(this.state, client);
  }

  /** See submit.ts. Returns why the plan is refused, undefined when it is accepted. */
  submitPlan(
    handle: number,
    columns: PlanColumns,
    checkpoints: ReadonlyMap<number, Uint8Array> = new Map(),
  ): PlanRefusal | undefined {
    const client = this.state.clients.get(handle)!;
    return submitPlan(this.state, this.symbols, client, columns, checkpoints);
  }

  /** Where the client's task is; "unknown" also if it isn't a result that the client holds. */
  locate(handle: number, id: number): ResultPlace {
    const { table, failures } = this.state;
    const client = this.state.clients.get(handle);
    const row = client === undefined ? undefined : findRow(client, id);
    if (row === undefined || !(table.flags[row] & TaskFlag.held)) return { kind: "unknown" };
    if (table.state[row] === TaskState.failed)
      return { kind: "failed", failure: failures.get(row)! };
    if (table.state[row] !== TaskState.finished) return { kind: "open", row };
    const cell = table.inlineCell[row];
    return {
      kind: "finished",
      row,
      attempt: table.attempt[row],
      inline: cell === NONE ? undefined : table.inline.copy(cell),
      holders: table.holders(row),
    };
  }

  /** The row of any task of the client, and the worker and attempt if it is assigned. */
  findRunning(
    handle: number,
    id: number,
  ): { row: number; worker: number; attempt: number } | undefined {
    const { table } = this.state;
    const client = this.state.clients.get(handle);
    const row = client === undefined ? undefined : findRow(client, id);
    if (row === undefined || table.state[row] !== TaskState.assigned) return undefined;
    return { row, worker: table.worker[row], attempt: table.attempt[row] };
  }

  /** Asks for outbox.resultChanged(row), once. */
  watch(row: number): void {
    this.state.table.flags[row] |= TaskFlag.watched;
  }

  /** Releases a result; false if the client does not hold it. */
  release(handle: number, id: number): boolean {
    const client = this.state.clients.get(handle);
    const row = client === undefined ? undefined : findRow(client, id);
    if (row === undefined || !(this.state.table.flags[row] & TaskFlag.held)) return false;
    releaseResult(this.state, row);
    return true;
  }

  /** @param taskTypes symbol numbers of the task types that it offers */
  addWorker(index: number, address: string, cpus: number, taskTypes: Iterable<number>): void {
    this.state.workers.set(index, { index, cpus, address, finishedTasks: 0 });
    this.state.scheduler.addWorker(index, cpus, taskTypes);
  }

  /** The worker is gone. `reason` is shown to users, e.g. "worker 10.0.0.1:4711 disconnected". */
  removeWorker(index: number, reason: string): void {
    if (this.state.workers.has(index)) workerLost(this.state, index, reason);
  }

  taskFinished(
    worker: number,
    row: number,
    attempt: number,
    sizeBytes: number,
    durationUs: number,
    frame: Uint8Array,
    inlineStart: number,
    inlineLength: number,
  ): void {
    taskFinished(
      this.state,
      worker,
      row,
      attempt,
      sizeBytes,
      durationUs,
      frame,
      inlineStart,
      inlineLength,
    );
  }

  taskFailed(worker: number, row: number, attempt: number, cause: FailureCause): void {
    taskFailed(this.state, worker, row, attempt, cause);
  }

  taskStarted(worker: number, row: number, attempt: number): void {
    taskStarted(this.state, worker, row, attempt);
  }

  taskRetracted(worker: number, row: number, attempt: number): void {
    taskRetracted(this.state, worker, row, attempt);
  }

  inputLost(worker: number, row: number, attempt: number, inputRow: number, holder: number): void {
    inputLost(this.state, worker, row, attempt, inputRow, holder);
  }

  objectFetched(worker: number, row: number): void {
    objectFetched(this.state, worker, row);
  }

  /** A holder of a result does not have it, or can't be reached. */
  objectLost(row: number, holder: number): void {
    objectLost(this.state, row, holder);
  }

  /** Hands out tasks and forgets plans that nobody needs. Once after each batch of events. */
  schedule(nowMs: number): void {
    this.state.scheduler.runPass(nowMs);
    this.forgetPlans();
  }

  /** Forgets plans that nobody needs, as schedule() does: for who wants to count tasks now. */
  forgetPlans(): void {
    this.state.forgetPlans();
    this.state.retirement.advance(this.state.workers.keys());
  }

  /** The worker has answered a ping. */
  ponged(worker: number, serial: number): void {
    this.state.retirement.answered(worker, serial);
  }

  /** Throws if anything in the state contradicts itself. For tests: reads everything. */
  checkInvariants(): void {
    checkInvariants(this.state);
  }
}
