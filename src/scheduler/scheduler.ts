/**
 * Decides which worker gets which task. Called by the server core: tasks that become
 * ready or could be sent ahead, workers that come and go, and once per batch of events `runPass`,
 * which hands out tasks until workers have enough.
 *
 * Three kinds of queues:
 * - per worker: tasks whose inputs are, or will be, at that worker. Served first, so chains and
 *   subtrees stay where their data is, and depth goes before breadth.
 * - per class of tasks: ready tasks that may go anywhere.
 * - what has been sent (kept by the workers): 10 ms of work each, adapted to measured speed; the
 *   unstarted rest of it is taken back when other workers idle.
 */
import { heavyWorkerFor, preferredWorker, unfinishedAllAt } from "./placement.js";
import { stealHeavy, stealLight } from "./rebalance.js";
import { type TaskClass, TaskClasses } from "./task-class.js";
import { TaskFlag, TaskState } from "./task-state.js";
import type { SchedulerActions, TaskView } from "./task-view.js";
import { WorkerLoad } from "./worker-load.js";

/** Tasks sent ahead for each core, at most: functions may take a microsecond. */
const MAX_AHEAD = 512;

export class Scheduler {
  readonly classes = new TaskClasses();
  /** By worker index; undefined where the worker is gone. */
  readonly workers: (WorkerLoad | undefined)[] = [];
  /** The workers that are there. */
  alive: WorkerLoad[] = [];
  private nextLightWorker = 0;
  /** Time of the last pass. */
  private nowMs = 0;

  constructor(
    readonly tasks: TaskView,
    readonly actions: SchedulerActions,
  ) {}

  addWorker(index: number, cpus: number, taskTypes: Iterable<number>): void {
    const load = new WorkerLoad(index, cpus, taskTypes);
    this.workers[index] = load;
    this.alive.push(load);
  }

  /** Forgets the worker; ready tasks that were meant for it go elsewhere. */
  removeWorker(index: number): void {
    const load = this.workers[index];
    if (load === undefined) return;
    this.workers[index] = undefined;
    this.alive = this.alive.filter((other) => other !== load);
    for (const queue of [load.localLight, load.localHeavy]) {
      while (queue.length > 0) {
        const row = queue.popFront();
        this.tasks.flags[row] &= ~TaskFlag.queued;
        if (this.tasks.state[row] === TaskState.ready) this.taskReady(row);
      }
    }
  }

  /** All inputs of the task are finished. */
  taskReady(row: number): void {
    const { tasks } = this;
    if (tasks.flags[row] & TaskFlag.queued) return;
    const taskClass = this.classes.list[tasks.taskClass[row]];
    if (taskClass.light && tasks.inputCount[row] > 0) {
      const worker = this.workers[preferredWorker(tasks, row)];
      if (worker?.offers(taskClass.taskType)) {
        this.queueLocally(row, worker, taskClass);
        return;
      }
    }
    taskClass.ready.pushBack(row);
  }

  /**
   * All inputs of the waiting task are finished or assigned: it can be sent ahead when the
   * unfinished ones are all at one worker.
   */
  taskPlaceable(row: number): void {
    const { tasks } = this;
    if (tasks.flags[row] & TaskFlag.queued) return;
    const worker = this.workers[unfinishedAllAt(tasks, row)];
    if (worker === undefined) return;
    const taskClass = this.classes.list[tasks.taskClass[row]];
    if (taskClass.cpus <= worker.cpus && worker.offers(taskClass.taskType)) {
      this.queueLocally(row, worker, taskClass);
    }
  }

  /** The task was sent to the worker (counts it). */
  taskAssigned(row: number, worker: number): void {
    const load = this.workers[worker]!;
    const taskClass = this.classes.list[this.tasks.taskClass[row]];
    if (taskClass.light) {
      load.lightAssigned++;
    } else {
      load.cpusAssigned += taskClass.cpus;
      load.heavyAssigned++;
      load.heavySent.push(row);
    }
  }

  /**
   * The worker no longer has the task: it has finished, failed, was given back or cancelled.
   * @param durationUs execution time, 0 when not known
   */
  taskUnassigned(row: number, worker: number, durationUs: number): void {
    const load = this.workers[worker];
    if (load === undefined) return;
    const taskClass = this.classes.list[this.tasks.taskClass[row]];
    if (durationUs > 0) taskClass.addDuration(durationUs / 1000);
    if (taskClass.light) {
      load.lightFinished();
    } else {
      load.cpusAssigned -= taskClass.cpus;
      load.heavyAssigned--;
      if (durationUs > 0) load.heavyFinished = true;
      if (this.tasks.flags[row] & TaskFlag.retracting) load.cpusRetracting -= taskClass.cpus;
      if (load.heavySent.length > 64 && load.heavySent.length > 2 * load.heavyAssigned) {
        this.compactHeavySent(load);
      }
    }
  }

  /** Hands out tasks. */
  runPass(nowMs: number): void {
    this.nowMs = nowMs;
    if (this.alive.length === 0) return;
    for (const load of this.alive) {
      load.notePass(nowMs);
      this.serveLocal(load);
    }
    for (const taskClass of this.classes.list) {
      if (taskClass.ready.length === 0) continue;
      if (taskClass.light) this.serveLight(taskClass);
    }
    this.serveHeavy();
    if (this.alive.length > 1) {
      stealLight(this);
      stealHeavy(this);
    }
  }

  /** Queues the task at the worker where its inputs are. */
  queueLocally(row: number, load: WorkerLoad, taskClass: TaskClass): void {
    this.tasks.flags[row] |= TaskFlag.queued;
    (taskClass.light ? load.localLight : load.localHeavy).pushBack(row);
  }

  /**
   * Whether the task from the worker's queue may be sent there now: ready, or all it waits for is
   * there. Checked late, as queues are not searched when a task's state changes; the row may even
   * belong to another task by now.
   */
  private sendable(row: number, load: WorkerLoad, taskClass: TaskClass): boolean {
    const { tasks } = this;
    if (taskClass.cpus > load.cpus || !load.offers(taskClass.taskType)) return false;
    const state = tasks.state[row];
    if (state === TaskState.ready) return true;
    return (
      state === TaskState.waiting &&
      tasks.unplaced[row] === 0 &&
      unfinishedAllAt(tasks, row) === load.index
    );
  }

  /** The cores of work that a worker may have been sent, counting tasks of this class. */
  cpuLimit(load: WorkerLoad, taskClass: TaskClass): number {
    const ahead = Math.min(MAX_AHEAD, Math.max(1, 10 / taskClass.durationMs));
    return load.cpus * (1 + ahead);
  }

  /**
   * How long a task of this class takes at a busy worker: as past ones did, but at least as long
   * as nothing has ended there, for those that run now may take longer than any before.
   */
  turnMs(load: WorkerLoad, taskClass: TaskClass): number {
    return Math.max(taskClass.durationMs, load.quietMs(this.nowMs));
  }

  /** How long such a task would wait there before it starts. */
  waitMs(load: WorkerLoad, taskClass: TaskClass): number {
    return (load.cpusAssigned / load.cpus) * this.turnMs(load, taskClass);
  }

  private serveLocal(load: WorkerLoad): void {
    const { tasks } = this;
    const light = load.localLight;
    // assign() may append to the queue: a task that is sent makes the next of its chain placeable.
    for (let room = load.lightRoom; light.length > 0 && room > 0; room--) {
      const row = light.popFront();
      tasks.flags[row] &= ~TaskFlag.queued;
      this.serveOne(row, load);
    }
    if (light.length > 0) {
      load.windowFull();
      if (load.lightRoom === 0) load.windowBlocked(this.nowMs);
    }
    const heavy = load.localHeavy;
    while (heavy.length > 0) {
      const row = heavy.front();
      const taskClass = this.classes.list[tasks.taskClass[row]];
      if (
        this.sendable(row, load, taskClass) &&
        load.cpusAssigned + taskClass.cpus > this.cpuLimit(load, taskClass)
      ) {
        break;
      }
      heavy.popFront();
      tasks.flags[row] &= ~TaskFlag.queued;
      this.serveOne(row, load);
    }
  }

  /** Sends a task from the worker's own queue; one that can't go there (any more) goes elsewhere. */
  private serveOne(row: number, load: WorkerLoad): void {
    const taskClass = this.classes.list[this.tasks.taskClass[row]];
    if (this.sendable(row, load, taskClass)) this.actions.assign(row, load.index);
    else if (this.tasks.state[row] === TaskState.ready) taskClass.ready.pushBack(row);
  }

  /**
   * Light tasks from the class's queue go to the workers in runs of neighbours: a run's
   * dependents have their inputs together.
   */
  private serveLight(taskClass: TaskClass): void {
    const { alive, actions, tasks } = this;
    const { ready } = taskClass;
    let open = 0;
    for (const load of alive) {
      if (load.lightRoom > 0 && load.offers(taskClass.taskType)) open++;
    }
    if (open === 0) {
      for (const load of alive) {
        if (load.offers(taskClass.taskType)) load.windowBlocked(this.nowMs);
      }
      return;
    }
    const run = Math.ceil(ready.length / open);
    for (let i = 0; i < alive.length && ready.length > 0; i++) {
      const load = alive[this.nextLightWorker++ % alive.length];
      if (!load.offers(taskClass.taskType)) continue;
      let room = Math.min(load.lightRoom, run);
      while (room > 0 && ready.length > 0) {
        const row = ready.popFront();
        if (tasks.state[row] !== TaskState.ready) continue;
        if (tasks.taskClass[row] !== taskClass.index) continue;
        actions.assign(row, load.index);
        room--;
      }
      if (ready.length > 0 && room === 0) load.windowFull();
      // What it was sent may have made more placeable here: depth first.
      this.serveLocal(load);
    }
  }

  /** Tasks with cpus, in the order in which they were submitted as far as they fit. */
  private serveHeavy(): void {
    const blocked = new Set<TaskClass>();
    for (;;) {
      let next: TaskClass | undefined;
      for (const taskClass of this.classes.list) {
        if (taskClass.light || blocked.has(taskClass)) continue;
        this.skipStale(taskClass);
        if (taskClass.ready.length === 0) continue;
        if (next === undefined || taskClass.ready.front() < next.ready.front()) next = taskClass;
      }
      if (next === undefined) return;
      const row = next.ready.front();
      const worker = heavyWorkerFor(this, row, next);
      if (worker === undefined) {
        blocked.add(next);
        continue;
      }
      next.ready.popFront();
      if (worker.fits) this.actions.assign(row, worker.load.index);
      else this.queueLocally(row, worker.load, next);
    }
  }

  private skipStale(taskClass: TaskClass): void {
    const { ready } = taskClass;
    while (ready.length > 0 && this.tasks.state[ready.front()] !== TaskState.ready)
      ready.popFront();
  }

  private compactHeavySent(load: WorkerLoad): void {
    const { state, worker } = this.tasks;
    load.heavySent = load.heavySent.filter(
      (row) => state[row] === TaskState.assigned && worker[row] === load.index,
    );
  }
}
