/**
 * All state of the server core, and the elementary steps that several events share. The
 * events themselves are in submit.ts, progress.ts, giving-up.ts and recovery.ts; server-core.ts
 * is the entrance.
 */
import {
  type Declared,
  Scheduler,
  type TaskClass,
  TaskFlag,
  TaskState,
} from "../scheduler/index.js";
import { endCrossings, retireBatch, runOf } from "./expansion/index.js";
import { countCancelled, countStopped } from "./label-counts.js";
import { LossHistory } from "./loss-history.js";
import type { ServerOutbox } from "./outbox.js";
import type { ClientRecord, PlanRecord, WorkerRecord } from "./records.js";
import { RowRetirement } from "./row-retirement.js";
import type { FailureDetails } from "./task-failure.js";
import { NONE, TaskTable } from "./task-table.js";

export interface CoreOptions {
  /** How often a task may be lost with its worker before it fails. */
  maxLosses: number;
  /** Classes of tasks (request, type, label, priority) in use at once. Default: 65,536, the most. */
  maxClasses?: number;
}

export class CoreState {
  readonly table = new TaskTable();
  readonly scheduler: Scheduler;
  /** What plans declare of their tasks, as the scheduler asks for it. */
  readonly declarations: Declared & { any: boolean };
  readonly retirement: RowRetirement;
  readonly clients = new Map<number, ClientRecord>();
  /** By plan index; undefined where the plan is gone. */
  readonly plans: (PlanRecord | undefined)[] = [];
  readonly freePlanIndices: number[] = [];
  readonly workers = new Map<number, WorkerRecord>();
  readonly lossHistory = new LossHistory();
  /** Why results that clients hold have failed, by row. */
  readonly failures = new Map<number, FailureDetails>();
  /** Number of tasks whose object exists. */
  objectCount = 0;
  /** When tasks that run were heard to have started, by row: the longest running first. */
  readonly runningSince = new Map<number, number>();
  /** The time of the last scheduling pass. */
  nowMs = 0;
  /** Number of rows of plans that exist. */
  taskCount = 0;
  /** Rows whose last need has gone, to be looked at by settle(). */
  private readonly unneeded: number[] = [];
  /** Plans that may be forgotten, to be looked at by forgetPlans(). */
  readonly emptyPlans: PlanRecord[] = [];

  constructor(
    readonly outbox: ServerOutbox,
    readonly options: CoreOptions,
  ) {
    this.retirement = new RowRetirement(this.table, outbox);
    const declared = {
      any: false,
      durationMs: (row: number) => this.declared(row, this.planOf(row).expectedMs),
      resultBytes: (row: number) => this.declared(row, this.planOf(row).expectedBytes),
    };
    this.declarations = declared;
    this.scheduler = new Scheduler(
      this.table,
      declared,
      {
        assign: (row, worker) => this.assign(row, worker),
        retract: (row, worker) => {
          this.table.flags[row] |= TaskFlag.retracting;
          outbox.retractTask(worker, row, this.table.attempt[row]);
        },
        prefetch: (row, worker, user) => outbox.prefetchObject(worker, row, user),
      },
      {
        maxClasses: options.maxClasses,
        classGone: (index) => {
          for (const { labels } of this.clients.values()) labels.classGone(index);
        },
      },
    );
  }

  /** The plan has tasks of the class. */
  holdClass(plan: PlanRecord, taskClass: TaskClass): void {
    if (plan.classes.has(taskClass)) return;
    plan.classes.add(taskClass);
    this.scheduler.classes.hold(taskClass);
  }

  private declared(row: number, column: Float32Array | Float64Array | undefined): number {
    return column === undefined ? Number.NaN : column[this.indexInPlan(row)];
  }

  planOf(row: number): PlanRecord {
    return this.plans[this.table.plan[row]]!;
  }

  /** The plan that the client submitted, if the row is a copy that of its template. */
  clientPlanOf(row: number): PlanRecord {
    const plan = this.planOf(row);
    return plan.copies === undefined ? plan : plan.copies.origin;
  }

  /** Index of the task, or of the one it is a copy of, in the client's plan. */
  indexInPlan(row: number): number {
    const { copies, firstRow } = this.planOf(row);
    return copies === undefined ? row - firstRow : copies.copies[runOf(copies, row)].task;
  }

  /** The client's id of the task; copies have that of their template. */
  taskId(row: number): number {
    return this.planOf(row).idBase + this.indexInPlan(row);
  }

  /** Waiting, ready or assigned: its inputs are needed. */
  isOpen(row: number): boolean {
    const state = this.table.state[row];
    return state === TaskState.waiting || state === TaskState.ready || state === TaskState.assigned;
  }

  /** Sends the task to the worker; its users may then be sent ahead. */
  private assign(row: number, worker: number): void {
    const { table, scheduler } = this;
    table.attempt[row]++;
    table.state[row] = TaskState.assigned;
    table.flags[row] &= ~(TaskFlag.started | TaskFlag.retracting);
    table.worker[row] = worker;
    scheduler.taskAssigned(row, worker);
    this.outbox.assignTask(worker, row);
    for (let edge = table.userHead[row]; edge !== NONE; edge = table.nextUser[edge]) {
      const user = table.edgeUser[edge];
      if (!this.isOpen(user)) continue;
      if (--table.unplaced[user] === 0 && table.state[user] === TaskState.waiting) {
        scheduler.taskPlaceable(user);
      }
    }
  }

  /** One open user less needs the row's object. Call settle() afterwards. */
  releaseNeed(row: number): void {
    if (--this.table.needed[row] === 0) this.unneeded.push(row);
  }

  /** The row was held and is not any more. Call settle() afterwards. */
  releaseHold(row: number): void {
    if (this.table.needed[row] === 0) this.unneeded.push(row);
  }

  /** Drops the objects and cancels the tasks that nobody needs any more, and what only they needed. */
  settle(): void {
    const { table, unneeded } = this;
    while (unneeded.length > 0) {
      const row = unneeded.pop()!;
      if (table.needed[row] > 0 || table.flags[row] & (TaskFlag.held | TaskFlag.sink)) continue;
      if (table.state[row] === TaskState.finished) {
        this.dropObject(row);
      } else if (this.isOpen(row)) {
        this.stopOpen(row);
        countCancelled(this, row);
        table.state[row] = TaskState.released;
        this.deactivate(row);
      }
    }
  }

  /** An open task will not be executed: takes it from its worker and lets its inputs go. */
  stopOpen(row: number): void {
    const { table } = this;
    const plan = this.planOf(row);
    if (plan.dynamic !== undefined) endCrossings(this, plan, row);
    if (table.state[row] === TaskState.assigned) {
      this.outbox.cancelTask(table.worker[row], row, table.attempt[row]);
      countStopped(this, row);
      this.scheduler.taskUnassigned(row, table.worker[row], 0);
      table.worker[row] = NONE;
    } else this.outbox.letGo?.(row);
    plan.client.openTasks--;
    this.releaseInputs(row);
  }

  /** The row does not need its inputs any more. Call settle() afterwards. */
  releaseInputs(row: number): void {
    const { table } = this;
    const end = table.inputStart[row] + table.inputCount[row];
    for (let edge = table.inputStart[row]; edge < end; edge++) {
      this.releaseNeed(table.edgeInput[edge]);
    }
  }

  /** Frees all copies of the object of a finished task. */
  private dropObject(row: number): void {
    const { table } = this;
    if (table.replicaHead[row] === NONE) {
      if (table.worker[row] >= 0) this.outbox.dropObject(table.worker[row], row);
    } else {
      for (const worker of table.holders(row)) this.outbox.dropObject(worker, row);
    }
    this.forgetObject(row);
    table.state[row] = TaskState.released;
    this.deactivate(row);
  }

  /** Removes what the table says of the object of a finished task. */
  forgetObject(row: number): void {
    const { table } = this;
    this.scheduler.objectGone(row);
    if (table.replicaHead[row] !== NONE) {
      table.replicas.clear(table.replicaHead[row]);
      table.replicaHead[row] = NONE;
    }
    if (table.inlineCell[row] !== NONE) {
      table.inline.remove(table.inlineCell[row]);
      table.inlineCell[row] = NONE;
    }
    table.worker[row] = NONE;
    this.objectCount--;
  }

  /** One row less keeps its plan. */
  deactivate(row: number): void {
    const plan = this.clientPlanOf(row);
    if (--plan.active === 0) this.emptyPlans.push(plan);
  }

  /** Forgets the plans of which nothing is needed any more; their rows will be used again. */
  forgetPlans(): void {
    const { emptyPlans } = this;
    while (emptyPlans.length > 0) {
      const plan = emptyPlans.pop()!;
      if (plan.active > 0 || plan.users > 0 || this.plans[plan.index] !== plan) continue;
      for (const row of plan.foreignInputs) unlinkUsers(this, row, plan);
      for (const batch of plan.dynamic?.batches ?? []) {
        this.forgetRows(batch.plan);
        retireBatch(this, batch);
      }
      this.forgetRows(plan);
      this.scheduler.planRemoved(plan.firstRow, plan.taskCount);
      for (const taskClass of plan.classes) this.scheduler.classes.release(taskClass);
      this.retirement.retire(plan);
      this.plans[plan.index] = undefined;
      this.freePlanIndices.push(plan.index);
      const siblings = plan.client.plans;
      const at = siblings.indexOf(plan);
      if (at >= 0) siblings.splice(at, 1);
      for (const used of plan.uses) {
        if (--used.users === 0 && used.active === 0) emptyPlans.push(used);
      }
    }
  }

  private forgetRows({ firstRow, taskCount }: PlanRecord): void {
    this.table.state.fill(TaskState.free, firstRow, firstRow + taskCount);
    this.taskCount -= taskCount;
  }
}

/** Takes the edges of a plan that goes away, and of its copies, out of the list of a row's users. */
function unlinkUsers(core: CoreState, row: number, plan: PlanRecord): void {
  const { table } = core;
  let head = NONE;
  let tail = NONE;
  for (let edge = table.userHead[row]; edge !== NONE; edge = table.nextUser[edge]) {
    if (core.clientPlanOf(table.edgeUser[edge]) === plan) continue;
    if (tail === NONE) head = edge;
    else table.nextUser[tail] = edge;
    tail = edge;
  }
  if (tail !== NONE) table.nextUser[tail] = NONE;
  table.userHead[row] = head;
}
