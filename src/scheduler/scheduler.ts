/**
 * Decides which worker gets which task. Called by the server core: tasks that become
 * ready or could be sent ahead, workers that come and go, and once per batch of events `runPass`,
 * which hands out tasks until workers have enough. docs/scheduling.md explains the algorithm.
 *
 * Three kinds of queues:
 * - per worker: tasks whose inputs are, or will be, at that worker. Served first, so chains and
 *   subtrees stay where their data is, and depth goes before breadth.
 * - per shape of tasks: ready tasks that may go anywhere.
 * - what has been sent (kept by the workers): 10 ms of work each, adapted to measured speed; the
 *   unstarted rest of it is taken back when other workers idle.
 */
import type { WorkerResources } from "../graph/index.js";
import { Estimates } from "./estimates.js";
import { expectNoInputs } from "./expected-inputs.js";
import { Guide } from "./guide.js";
import { bestVariant, HeavyTasks } from "./heavy-tasks.js";
import { LightTasks } from "./light-tasks.js";
import { noteDuration } from "./measured-duration.js";
import { preferredWorker, unfinishedAllAt } from "./placement.js";
import { Ranking } from "./ranking.js";
import { Rebalancing } from "./rebalance.js";
import { MAX_VARIANTS, RequestKinds, type RequestVariant } from "./request-kind.js";
import { SentTasks } from "./sent-tasks.js";
import type { TaskClass } from "./task-class.js";
import { MAX_CLASSES, TaskClasses } from "./task-classes.js";
import { TaskFlag, TaskState } from "./task-state.js";
import type { Declared, SchedulerActions, SchedulerOptions, TaskView } from "./task-view.js";
import { type NetworkModel, Transfers } from "./transfers.js";
import { WorkerIndex } from "./worker-index.js";
import { WorkerLoad } from "./worker-load.js";

/** Tasks handed out in one pass, at most: it takes some tens of milliseconds. */
const PASS_BUDGET = 50_000;

export class Scheduler {
  readonly classes: TaskClasses;
  readonly kinds: RequestKinds;
  readonly index = new WorkerIndex();
  readonly transfers = new Transfers();
  readonly ranking: Ranking;
  readonly estimates: Estimates;
  /** By worker index; undefined where the worker is gone. */
  readonly workers: (WorkerLoad | undefined)[] = [];
  /** The workers that are there. */
  alive: WorkerLoad[] = [];
  /** @internal Tasks that may still be handed out in this pass. */
  budget = 0;
  readonly guide = new Guide(this);
  /** @internal */
  readonly light = new LightTasks(this);
  private readonly sent = new SentTasks(this);
  private readonly heavy = new HeavyTasks(this);
  private readonly rebalancing = new Rebalancing(this);
  /** Workers at which something has happened since the last pass. */
  private readonly marked: WorkerLoad[] = [];
  /** Variants of tasks that were assigned with another one than the first. */
  private readonly variants = new Map<number, RequestVariant>();
  /** Shapes with ready tasks may be among these. */
  private readonly readyShapes = new Set<number>();
  /** @internal Of the pass. */
  nowMs = 0;

  constructor(
    readonly tasks: TaskView,
    readonly declared: Declared,
    readonly actions: SchedulerActions,
    options: SchedulerOptions = {},
  ) {
    const { maxClasses = MAX_CLASSES } = options;
    this.kinds = new RequestKinds(Math.min(maxClasses, MAX_VARIANTS), () =>
      this.classes.forgetIdle(),
    );
    this.classes = new TaskClasses(maxClasses, {
      classGone: (taskClass) => options.classGone?.(taskClass.index),
      shapeGone: ({ index, kind }) => {
        this.readyShapes.delete(index);
        this.kinds.release(kind);
      },
    });
    this.estimates = new Estimates(this.transfers, declared);
    this.ranking = new Ranking(tasks, this.classes, declared);
  }

  // --- workers -----------------------------------------------------------------------------

  addWorker(index: number, resources: WorkerResources, taskTypes: Iterable<number>): void {
    const types = [...taskTypes];
    const load = new WorkerLoad(index, resources, (name) => this.kinds.resourceId(name), types);
    this.workers[index] = load;
    this.alive.push(load);
    this.index.add(load, types);
    this.light.roomChanged(load);
    this.mark(load);
    this.guide.workersChanged();
  }

  /** Forgets the worker; ready tasks that were meant for it go elsewhere. */
  removeWorker(index: number): void {
    const load = this.workers[index];
    if (load === undefined) return;
    this.workers[index] = undefined;
    this.alive = this.alive.filter((other) => other !== load);
    this.index.remove(load);
    this.light.close(load);
    this.transfers.workerGone(index);
    this.guide.workersChanged();
    const rows = load.localHeavy.values();
    for (const queue of [load.localLight, load.ahead]) {
      while (queue.length > 0) rows.push(queue.popFront());
    }
    for (const row of rows.sort((a, b) => a - b)) {
      this.tasks.flags[row] &= ~TaskFlag.queued;
      if (this.tasks.state[row] === TaskState.ready) this.taskReady(row);
    }
  }

  /** Looks at the worker in the next pass. */
  mark(load: WorkerLoad): void {
    if (load.marked) return;
    load.marked = true;
    this.marked.push(load);
  }

  setNetwork(network: NetworkModel): void {
    this.transfers.setNetwork(network);
  }

  // --- plans -------------------------------------------------------------------------------

  /**
   * A plan with tasks with requests has come; its rows are filled, none is queued yet.
   * @param dynamic some of its tasks stand for others that will be made
   */
  planAdded(firstRow: number, count: number, dynamic: boolean): void {
    this.ranking.planAdded(firstRow, count, dynamic);
    if (!dynamic) this.guide.planAdded();
  }

  /** The plan is gone, its rows will be used again. */
  planRemoved(firstRow: number, count: number): void {
    this.ranking.planRemoved(firstRow);
    this.guide.planRemoved(firstRow, count);
  }

  // --- tasks -------------------------------------------------------------------------------

  /** All inputs of the task are finished. */
  taskReady(row: number): void {
    const { tasks } = this;
    if (tasks.flags[row] & TaskFlag.queued) return;
    const taskClass = this.classes.list[tasks.taskClass[row]];
    const planned = this.guide.workerFor(row);
    if (planned !== undefined && this.couldServe(planned, taskClass)) {
      this.queueLocally(row, planned, taskClass);
      return;
    }
    const { shape } = taskClass;
    if (shape.light) {
      if (tasks.inputCount[row] > 0) {
        const worker = this.workers[preferredWorker(tasks, row)];
        if (worker?.offers(shape.taskType)) {
          this.queueLocally(row, worker, taskClass);
          return;
        }
      }
      shape.ready.pushBack(row);
    } else {
      shape.heavy.push(row, this.keyOf(row, taskClass));
    }
    this.readyShapes.add(shape.index);
  }

  /**
   * All inputs of the waiting task are finished or assigned: it can be sent ahead when the
   * unfinished ones are all at one worker.
   */
  taskPlaceable(row: number): void {
    const { tasks } = this;
    if (tasks.flags[row] & TaskFlag.queued) return;
    // Planned ones wait where they will run, for inputs from wherever these are made.
    const planned = this.guide.workerFor(row);
    const worker = planned ?? this.workers[unfinishedAllAt(tasks, row)];
    if (worker === undefined) return;
    const taskClass = this.classes.list[tasks.taskClass[row]];
    if (!this.couldServe(worker, taskClass)) return;
    if (taskClass.light || planned !== undefined) {
      this.queueLocally(row, worker, taskClass);
      return;
    }
    tasks.flags[row] |= TaskFlag.queued;
    worker.ahead.pushBack(row);
    this.mark(worker);
  }

  /** The task was sent to the worker. */
  taskAssigned(row: number, worker: number): void {
    this.sent.add(row, this.workers[worker]!);
  }

  /** The last input of the assigned task is finished (`there`), or one is not any more. */
  inputsChanged(row: number, there: boolean): void {
    const load = this.workers[this.tasks.worker[row]];
    if (load !== undefined) this.sent.inputsChanged(row, load, there);
  }

  /** The worker says that the task is running. */
  taskStarted(row: number): void {
    const taskClass = this.classes.list[this.tasks.taskClass[row]];
    if (taskClass.light) return;
    taskClass.durations.started(this.nowMs);
    this.sent.started(row);
  }

  /**
   * The worker no longer has the task: it has finished, failed, was given back or cancelled.
   * @param durationUs execution time, 0 when not known
   * @param resultBytes size of its result; -1: it has not finished
   * @param inMemory whether the result takes memory; else it is in a file
   */
  taskUnassigned(
    row: number,
    worker: number,
    durationUs: number,
    resultBytes = -1,
    inMemory = true,
  ): void {
    const load = this.workers[worker];
    const wasPlanned = this.guide.isPlanned(row);
    this.guide.taskEnded(row);
    if (load !== undefined) {
      this.mark(load);
      const taskClass = this.classes.list[this.tasks.taskClass[row]];
      if (resultBytes >= 0) taskClass.addSize(resultBytes, inMemory);
      const estimateMs = this.estimates.durationMs(row, taskClass);
      this.sent.remove(row, load);
      if (taskClass.light) {
        if (durationUs > 0) taskClass.durations.add(durationUs / 1000);
      } else {
        if (resultBytes < 0) expectNoInputs(this, row, load);
        noteDuration(this, row, load, { ms: durationUs / 1000, estimateMs, wasPlanned });
        load.forgetEnded(this.tasks);
      }
    }
    if (this.variants.size > 0) this.variants.delete(row);
  }

  /** The worker has fetched the object of the row. `durationMs` 0: not measured. */
  objectArrived(row: number, worker: number, durationMs: number): void {
    const load = this.workers[worker];
    const bytes = this.tasks.size[row];
    if (load !== undefined) this.transfers.arrived(row, bytes, load, durationMs);
  }

  /** The object of the row exists no more. */
  objectGone(row: number): void {
    this.transfers.forget(row, this.workers);
  }

  /** The worker says how many bytes of objects it has in memory. */
  memoryReported(worker: number, bytes: number): void {
    const load = this.workers[worker];
    if (load === undefined) return;
    load.memory.reported(bytes);
    load.loadChanged();
    this.mark(load);
  }

  /** The variant of its request with which the task was, or would be, assigned. */
  variantOf(row: number): RequestVariant {
    const chosen = this.variants.size > 0 ? this.variants.get(row) : undefined;
    return chosen ?? this.classes.list[this.tasks.taskClass[row]].shape.kind.variants[0];
  }

  /** Place of a task with a request in the order: the largest first. */
  keyOf(row: number, taskClass: TaskClass): number {
    return taskClass.base + this.tasks.rank[row];
  }

  // --- passes --------------------------------------------------------------------------------

  /** Hands out tasks. True: there is more to do, call again soon. */
  runPass(nowMs: number): boolean {
    this.nowMs = nowMs;
    this.estimates.nowMs = nowMs;
    this.estimates.pass++;
    this.budget = PASS_BUDGET;
    if (this.ranking.advance(nowMs)) this.heavy.ranksChanged();
    if (this.alive.length === 0) return false;
    const searching = this.guide.advance(nowMs);
    this.serveMarked();
    this.light.serve(this.readyShapes);
    if (!this.guide.holdsBack) this.heavy.serve(this.readyShapes);
    // What was sent may have made chains placeable.
    if (this.marked.length > 0) this.serveMarked();
    this.light.noteBlocked(nowMs);
    this.rebalancing.advance(nowMs);
    return searching || this.budget <= 0;
  }

  /** @internal Sends the task to the worker, with the variant of its request that fits there best. */
  assign(row: number, load: WorkerLoad, variant?: RequestVariant): void {
    this.budget--;
    const { shape } = this.classes.list[this.tasks.taskClass[row]];
    if (!shape.light) {
      const { variants } = shape.kind;
      const chosen = variant ?? bestVariant(load, variants);
      if (chosen !== variants[0]) this.variants.set(row, chosen);
    }
    this.actions.assign(row, load.index);
  }

  /** @internal Sends a task from the worker's own queue; one that can't go there (any more) goes elsewhere. */
  serveQueued(row: number, load: WorkerLoad): void {
    const { tasks } = this;
    tasks.flags[row] &= ~TaskFlag.queued;
    const taskClass = this.classes.list[tasks.taskClass[row]];
    if (this.sendable(row, load, taskClass)) {
      this.assign(row, load);
    } else if (tasks.state[row] === TaskState.ready) {
      const { shape } = taskClass;
      if (shape.light) shape.ready.pushBack(row);
      else shape.heavy.push(row, this.keyOf(row, taskClass));
      this.readyShapes.add(shape.index);
    }
  }

  /** @internal Sends what queues at the worker, as far as it has room. */
  serveLocal(load: WorkerLoad): void {
    this.light.serveLocal(load);
    this.heavy.serveLocal(load);
  }

  /** @internal Queues the ready task at the worker where the lookahead wants it. */
  queueAsPlanned(row: number, load: WorkerLoad): void {
    const taskClass = this.classes.list[this.tasks.taskClass[row]];
    if (this.couldServe(load, taskClass)) this.queueLocally(row, load, taskClass);
  }

  /** @internal Queues the task at the worker where its inputs are. */
  queueLocally(row: number, load: WorkerLoad, taskClass: TaskClass): void {
    this.tasks.flags[row] |= TaskFlag.queued;
    if (taskClass.light) load.localLight.pushBack(row);
    else load.localHeavy.push(row, this.keyOf(row, taskClass));
    this.mark(load);
  }

  /**
   * @internal Whether the task from the worker's queue may be sent there now: ready, or all it waits for is
   * there. Checked late, as queues are not searched when a task's state changes; the row may even
   * belong to another task by now.
   */
  sendable(row: number, load: WorkerLoad, taskClass: TaskClass): boolean {
    const { tasks } = this;
    const state = tasks.state[row];
    if (state === TaskState.ready) return this.couldServe(load, taskClass);
    return (
      state === TaskState.waiting &&
      tasks.unplaced[row] === 0 &&
      (this.guide.workerFor(row) === load || unfinishedAllAt(tasks, row) === load.index) &&
      this.couldServe(load, taskClass)
    );
  }

  private couldServe(load: WorkerLoad, { shape }: TaskClass): boolean {
    if (!load.offers(shape.taskType)) return false;
    const { variants } = shape.kind;
    if (variants.length === 0) return true;
    return load.couldServe(variants[0]) || variants.some((variant) => load.couldServe(variant));
  }

  private serveMarked(): void {
    const { marked } = this;
    // A task that is sent may make others placeable: its worker comes to the end again.
    let i = 0;
    for (; i < marked.length && this.budget > 0; i++) {
      const load = marked[i];
      load.marked = false;
      if (this.workers[load.index] !== load) continue;
      load.notePass(this.nowMs);
      this.light.roomChanged(load);
      this.serveLocal(load);
    }
    // Where the budget ran out, and what was not looked at, is for the next pass.
    const rest = this.budget > 0 ? [] : marked.slice(Math.max(0, i - 1));
    for (const load of rest) load.marked = true;
    marked.length = 0;
    for (const load of rest) marked.push(load);
  }
}
