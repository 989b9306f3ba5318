/**
 * What a plan would take: simulates the cluster, event by event. Workers download the inputs of
 * their tasks as soon as they exist, by priority; a task starts when its inputs are local and
 * cores are free, the prepared one of the highest priority first, others that fit may go before
 * it. Owns: cores and the order of events at one instant. Does not own: downloads (Copies), rates
 * (FairNetwork), where tasks go. Called by the search, thousands of times: one object, its arrays
 * are used again by each `begin`, and no event allocates.
 *
 * Tasks may start out without a worker: then a Binder gives them one when they are ready.
 */
import { Copies } from "./copies.js";
import { OrderedList } from "./ordered-list.js";
import { TimeHeap } from "./time-heap.js";
import type { Workload } from "./workload.js";

/** Steps after which the search looks whether its budget is used up. */
export const SLICE = 1000;

/** Places tasks during the simulation. */
export interface Binder {
  /** All inputs of a task without a worker exist. */
  taskReady(task: number): void;
  /** A task has ended. */
  taskEnded(task: number): void;
  /** Time has come to call `assign` of the evaluator for any of the ready tasks. */
  bind(): void;
}

export class Evaluator {
  /** When the last task ended; Infinity: given up, as the limit would be exceeded. */
  makespanMs = 0;
  nowMs = 0;
  readonly startMs: Float64Array;
  readonly endMs: Float64Array;
  /** The task that a start waited for: it made the last input or freed the cores; -1: none. */
  readonly waitedFor: Int32Array;
  /** Where tasks are: the given workers, and the choices of the Binder. */
  readonly worker: Int32Array;
  readonly freeCpus: Int32Array;
  readonly copies: Copies;

  /**
   * Factors of the durations, for a trial; none: durations are as estimated. In a trial those that become
   * prepared in one instant start in the wrong order, too: nobody knows of which one a worker hears first.
   */
  stretch: Float64Array | undefined;

  private events = 0;
  private priority: Float64Array = new Float64Array(0);
  private limitMs = 0;
  private binder: Binder | undefined;
  private unfinished = 0;
  private readonly missing: Int32Array;
  private readonly unmade: Int32Array;
  private readonly prepared: OrderedList[];
  /** Tasks that have become prepared in this instant, not in the lists above yet. */
  private readonly arriving: number[] = [];
  /** Workers whose cores have become free in this instant. */
  private readonly freed: number[] = [];
  /** For each of them the last task that freed some. */
  private readonly freedBy: Int32Array;
  /** Ends of tasks, by the number of their start; of equal times the first started ends first. */
  private readonly ends: TimeHeap;
  private readonly started: Int32Array;
  private starts = 0;

  /** @param fair max-min fair rates; false: cheaper ones that come near */
  constructor(
    private readonly load: Workload,
    fair = true,
  ) {
    const { taskCount, workerCount } = load;
    this.startMs = new Float64Array(taskCount);
    this.endMs = new Float64Array(taskCount);
    this.waitedFor = new Int32Array(taskCount);
    this.worker = new Int32Array(taskCount);
    this.missing = new Int32Array(taskCount);
    this.unmade = new Int32Array(taskCount);
    this.freeCpus = new Int32Array(workerCount);
    this.prepared = Array.from({ length: workerCount }, () => new OrderedList());
    this.freedBy = new Int32Array(workerCount);
    this.ends = new TimeHeap(taskCount);
    this.started = new Int32Array(taskCount);
    this.copies = new Copies(load, (task, object) => this.inputIsLocal(task, object), fair);
  }

  /** Steps done since the evaluator was made. */
  get work(): number {
    return this.events + this.copies.work;
  }

  /**
   * Starts a simulation.
   *
   * @param worker per task; -1: the binder will say
   * @param limitMs the simulation is given up when it must take longer
   */
  begin(worker: Int32Array, priority: Float64Array, limitMs: number, binder?: Binder): void {
    const { load } = this;
    const { taskCount, problem, plannable } = load;
    this.nowMs = 0;
    this.makespanMs = 0;
    this.unfinished = 0;
    this.priority = priority;
    this.limitMs = limitMs;
    this.binder = binder;
    this.worker.set(worker);
    this.ends.clear();
    this.starts = 0;
    this.arriving.length = 0;
    this.freed.length = 0;
    for (let w = 0; w < load.workerCount; w++) {
      this.freeCpus[w] = problem.workerCpus[w];
      this.prepared[w].clear();
      this.freedBy[w] = -1;
    }
    for (let t = 0; t < taskCount; t++) {
      this.missing[t] = load.inputStart[t + 1] - load.inputStart[t];
      this.unmade[t] = this.missing[t];
      this.waitedFor[t] = -1;
      if (plannable[t] === 0) {
        this.worker[t] = -1;
        continue;
      }
      this.unfinished++;
      if (problem.runningAt[t] < 0) continue;
      this.worker[t] = problem.runningAt[t];
      this.missing[t] = 0;
      this.unmade[t] = 0;
      this.startTask(t);
    }
    this.copies.reset(this.worker, priority);
    for (let o = 0; o < load.objectCount; o++) {
      if (problem.objectProducer[o] >= 0) continue;
      for (let k = load.userStart[o]; k < load.userStart[o + 1]; k++) this.unmade[load.users[k]]--;
      this.copies.addExisting(o);
    }
    for (let i = 0; i < load.movable.length; i++) {
      const task = load.movable[i];
      if (this.worker[task] >= 0) this.need(task);
      else if (this.unmade[task] === 0) this.becomeReady(task);
    }
    binder?.bind();
    // All of the first ones are listed before any starts: the highest priority goes first.
    for (const task of this.arriving) {
      if (problem.cpus[task] === 0) this.startTask(task);
      else this.prepared[this.worker[task]].add(task, priority[task]);
    }
    this.arriving.length = 0;
    for (let w = 0; w < load.workerCount; w++) this.startPrepared(w);
    this.copies.settle(0);
  }

  /** Goes on until it ends, or about `budget` steps are done; whether it ended. */
  advance(budget: number): boolean {
    const stopAt = this.work + budget;
    const { ends, copies } = this;
    while (this.unfinished > 0 && this.makespanMs !== Number.POSITIVE_INFINITY) {
      if (this.work >= stopAt) return false;
      const nextMs = Math.min(ends.firstMs, copies.nextMs);
      // Only a Binder that leaves ready tasks alone can bring this about.
      if (nextMs === Number.POSITIVE_INFINITY) this.makespanMs = nextMs;
      this.nowMs = nextMs;
      while (ends.size > 0 && ends.firstMs === nextMs) this.taskEnded(this.started[ends.pop()]);
      if (copies.nextMs === nextMs) copies.finish(nextMs);
      this.binder?.bind();
      this.startTasks();
      copies.settle(nextMs);
    }
    return true;
  }

  /** Gives a task without a worker one. Called by the Binder. */
  assign(task: number, worker: number): void {
    this.worker[task] = worker;
    this.need(task);
  }

  private becomeReady(task: number): void {
    // Below zero: said once, though the task may use several outputs of one task.
    this.unmade[task] = -1;
    this.binder?.taskReady(task);
  }

  /** A task has got its worker: whatever it needs and exists comes, or is there. */
  private need(task: number): void {
    const { inputStart, inputs } = this.load;
    if (this.missing[task] === 0) {
      this.prepare(task);
      return;
    }
    for (let i = inputStart[task]; i < inputStart[task + 1]; i++) {
      this.copies.want(i, inputs[i], task, this.unmade[task] <= 0);
    }
  }

  private inputIsLocal(task: number, object: number): void {
    if (--this.missing[task] > 0) return;
    this.waitedFor[task] = this.load.problem.objectProducer[object];
    this.prepare(task);
  }

  private prepare(task: number): void {
    this.arriving.push(task);
  }

  /** Tasks prepared before go first, then those of this instant in the order they came. */
  private startTasks(): void {
    const { freed, arriving, freeCpus } = this;
    const { cpus } = this.load.problem;
    for (let i = 0; i < freed.length; i++) this.startPrepared(freed[i]);
    if (this.stretch !== undefined && arriving.length > 1) {
      arriving.sort((a, b) => this.priority[a] - this.priority[b]);
    }
    for (let i = 0; i < arriving.length; i++) {
      const task = arriving[i];
      const worker = this.worker[task];
      if (cpus[task] === 0 || cpus[task] <= freeCpus[worker]) this.startTask(task);
      else this.prepared[worker].add(task, this.priority[task]);
    }
    for (let i = 0; i < freed.length; i++) this.freedBy[freed[i]] = -1;
    freed.length = 0;
    arriving.length = 0;
  }

  private startPrepared(worker: number): void {
    const { cpus } = this.load.problem;
    const list = this.prepared[worker];
    const cause = this.freedBy[worker];
    for (let i = 0; i < list.size; ) {
      const task = list.items[i];
      if (this.freeCpus[worker] <= 0) break;
      if (cpus[task] > this.freeCpus[worker]) {
        i++;
        continue;
      }
      list.removeAt(i);
      if (cause >= 0) this.waitedFor[task] = cause;
      this.startTask(task);
    }
  }

  private startTask(task: number): void {
    const { load, nowMs } = this;
    this.events++;
    const worker = this.worker[task];
    const endMs = nowMs + load.durationAt(task, worker) * (this.stretch?.[task] ?? 1);
    this.startMs[task] = nowMs;
    this.endMs[task] = endMs;
    this.freeCpus[worker] -= load.problem.cpus[task];
    this.started[this.starts] = task;
    this.ends.push(endMs, this.starts++);
    if (nowMs + load.tailMs[task] > this.limitMs) this.makespanMs = Number.POSITIVE_INFINITY;
    else if (endMs > this.makespanMs) this.makespanMs = endMs;
  }

  private taskEnded(task: number): void {
    const { load, binder, copies } = this;
    const { outputs, outputStart, users, userStart, userInput } = load;
    const worker = this.worker[task];
    this.events++;
    this.unfinished--;
    this.freeCpus[worker] += load.problem.cpus[task];
    binder?.taskEnded(task);
    if (this.freedBy[worker] < 0) this.freed.push(worker);
    this.freedBy[worker] = task;
    for (let i = outputStart[task]; i < outputStart[task + 1]; i++) {
      const object = outputs[i];
      copies.addMade(object, worker);
      this.events += userStart[object + 1] - userStart[object];
      for (let k = userStart[object]; k < userStart[object + 1]; k++) this.unmade[users[k]]--;
    }
    for (let i = outputStart[task]; i < outputStart[task + 1]; i++) {
      const object = outputs[i];
      for (let k = userStart[object]; k < userStart[object + 1]; k++) {
        const user = users[k];
        const unmade = this.unmade[user];
        if (this.worker[user] >= 0) copies.want(userInput[k], object, user, unmade === 0);
        else if (unmade === 0 && load.plannable[user] === 1) this.becomeReady(user);
      }
    }
  }
}
