/**
 * The state machine of the server: events in (methods), effects out (ServerOutbox). It does no
 * I/O and knows no clock: the shell (src/server) or the simulator says what time it is.
 *
 * After a batch of events call schedule() once.
 */
import type { ConcreteRequest, WorkerResources } from "../graph/index.js";
import type { Explanation, PlanColumns, TaskMessage } from "../protocol/index.js";
import { type NetworkModel, TaskFlag, TaskState } from "../scheduler/index.js";
import { type CoreOptions, CoreState } from "./core-state.js";
import { findLengthProblem } from "./expansion/index.js";
import { explain, explainOwn } from "./explain/index.js";
import {
  type FailureCause,
  labelOf,
  metadataOf,
  rareFields,
  releaseClient,
  releaseResult,
  taskFailed,
} from "./giving-up.js";
import { Interventions } from "./interventions.js";
import { checkInvariants } from "./invariants.js";
import { ClientLabels, countsOfClients, countsOfPlan, type LabelCount } from "./label-counts.js";
import type { ServerOutbox } from "./outbox.js";
import { objectFetched, taskFinished, taskStarted } from "./progress.js";
import type { ClientRecord, PlanRecord, WorkerRecord } from "./records.js";
import { inputLost, objectLost, taskRetracted, workerLost } from "./recovery.js";
import { locate, type ResultPlace } from "./result-place.js";
import { findRow, submitPlan } from "./submit.js";
import type { PlanRefusal, SymbolTable } from "./task-kinds.js";
import type { TaskTable } from "./task-table.js";
import { countUnable, type UnableTasks } from "./unable-tasks.js";

/** What the tasks of a class have in common. */
export interface TaskClassView {
  /** Up to its first ":"; "": none. */
  readonly label: string;
  readonly priority: number;
  /** What they ask for, in order of preference. */
  readonly variants: readonly ConcreteRequest[];
}

export class ServerCore {
  private readonly state: CoreState;
  /** What somebody other than its client does to a task. */
  readonly interventions: Interventions;

  constructor(
    outbox: ServerOutbox,
    private readonly symbols: SymbolTable,
    options: CoreOptions,
  ) {
    this.state = new CoreState(outbox, options);
    this.interventions = new Interventions(this.state);
  }

  /** The tasks, to read: an outbox encodes assignments from it. */
  get table(): TaskTable {
    return this.state.table;
  }

  /** By plan index; undefined where the plan is gone. */
  get plans(): readonly (PlanRecord | undefined)[] {
    return this.state.plans;
  }

  getTaskClass(index: number): TaskClassView {
    const { classes } = this.state.scheduler;
    const { label, priority, shape } = classes.list[index];
    const { variants } = shape.kind;
    return { label: classes.labelText(label) ?? "", priority, variants };
  }

  /**
   * The classes of the plan's tasks. When all plans with a class are gone another one, that is another
   * object, may get its number.
   */
  classesOf(plan: PlanRecord): Iterable<{ readonly index: number }> {
    return (plan.copies?.origin ?? plan).classes;
  }

  /** Numbers of classes are below this. */
  get taskClassCount(): number {
    return this.state.scheduler.classes.list.length;
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
    return { light: load?.light.assigned ?? 0, heavy: load?.heavyAssigned ?? 0 };
  }

  /** What the assigned task holds while it runs; undefined: nothing, it is a light task. */
  requestOf(row: number): ConcreteRequest | undefined {
    const { scheduler, table } = this.state;
    if (scheduler.classes.list[table.taskClass[row]].light) return undefined;
    return scheduler.variantOf(row);
  }

  /**
   * Place of a task with a request in the order in which its worker starts tasks: the largest first. User
   * priority, then rank, which is told as a logarithm: in 32 bits there would be nothing left of it.
   */
  priorityOf(row: number): number {
    const { scheduler, table } = this.state;
    const { priority } = scheduler.classes.list[table.taskClass[row]];
    return priority * 64 + Math.log2(1 + 1000 * table.rank[row]);
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

  /** The task's metadata as its client has sent it; undefined if it has none. */
  metadataOf(row: number): Uint8Array | undefined {
    return metadataOf(this.state, row);
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
      labels: new ClientLabels(this.state.scheduler.classes),
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

  /** Ready tasks that no connected worker could execute, by request and type. */
  unableTasks(): UnableTasks[] {
    return countUnable(this.state);
  }

  /**
   * Numbers of tasks by label: of one client, or of all that are connected. 200 labels at most, those beyond
   * are summed up as "(others)".
   */
  labelCounts(handle?: number): LabelCount[] {
    const { clients } = this.state;
    const client = handle === undefined ? undefined : clients.get(handle);
    const asked = handle === undefined ? clients.values() : client === undefined ? [] : [client];
    return countsOfClients(asked, this.symbols);
  }

  /** The same of one plan. */
  labelCountsOf(plan: PlanRecord): LabelCount[] {
    return countsOfPlan(plan, this.symbols);
  }

  /** Rows of the tasks that run, and when they were heard to have started: the longest running first. */
  get runningSince(): ReadonlyMap<number, number> {
    return this.state.runningSince;
  }

  /** The task's label, all of it; undefined: it has none. */
  labelOf(row: number): string | undefined {
    return labelOf(this.state, row);
  }

  /**
   * What becomes of tasks, and why. A text: why nothing can be said.
   * @param query an id, looked for in all clients; "CLIENT:ID"; or a label
   */
  explain(query: string): Explanation | string {
    return explain(this.state, this.symbols, query);
  }

  /** The same for a task of the client. */
  explainOwn(client: number, id: number): Explanation | string {
    return explainOwn(this.state, this.symbols, client, id);
  }

  /** Where the client's task is; "unknown" also if it isn't a result that the client holds. */
  locate(handle: number, id: number): ResultPlace {
    return locate(this.state, handle, id);
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
  addWorker(
    index: number,
    address: string,
    resources: WorkerResources,
    taskTypes: Iterable<number>,
  ): void {
    this.state.workers.set(index, { index, resources, address, finishedTasks: 0, memoryBytes: 0 });
    this.state.scheduler.addWorker(index, resources, taskTypes);
  }

  /** What the network can do, where that is known; else it is measured. */
  setNetwork(network: NetworkModel): void {
    this.state.scheduler.setNetwork(network);
  }

  /** The worker is gone. `reason` is shown to users, e.g. "worker 10.0.0.1:4711 disconnected". */
  removeWorker(index: number, reason: string): void {
    if (this.state.workers.has(index)) workerLost(this.state, index, reason);
  }

  /** @param inlineLength bytes of a small result; -1: not small; -2: not small and in a file */
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
    const { state } = this;
    const isCounted = this.isAssigned(worker, row, attempt);
    const problem = isCounted
      ? findLengthProblem(state, row, frame, inlineStart, inlineLength)
      : undefined;
    if (problem !== undefined) {
      state.outbox.dropObject(worker, row);
      taskFailed(state, worker, row, attempt, { message: problem });
      return;
    }
    taskFinished(
      state,
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

  /** @param durationMs of the transfer; 0: not measured */
  objectFetched(worker: number, row: number, durationMs = 0): void {
    objectFetched(this.state, worker, row, durationMs);
  }

  /** The worker has so many bytes of objects in memory. */
  memoryReported(worker: number, bytes: number): void {
    const record = this.state.workers.get(worker);
    if (record !== undefined) record.memoryBytes = bytes;
    this.state.scheduler.memoryReported(worker, bytes);
  }

  /** A holder of a result does not have it, or can't be reached. */
  objectLost(row: number, holder: number): void {
    objectLost(this.state, row, holder);
  }

  /**
   * Hands out tasks and forgets plans that nobody needs. Once after each batch of events. True: there is
   * more to do than fits into one pass, call it again soon.
   */
  schedule(nowMs: number): boolean {
    this.state.nowMs = nowMs;
    const more = this.state.scheduler.runPass(nowMs);
    this.forgetPlans();
    return more;
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
