/**
 * First plans: list scheduling (HEFT) with an estimate of the network. Tasks are taken by rank and
 * go where they end first by what is known of cores, of copies, and of how long each worker still
 * sends and receives. It works in both directions: forwards a task follows its inputs, backwards
 * (time runs from the end of the plan) it follows its users, which keeps together what is merged
 * later. Called by the portfolio; the evaluator then says what the plans are worth.
 */
import type { Workload } from "./workload.js";

export interface ListOptions {
  /** Order: largest first; must not put a task before what it follows. */
  readonly rank: Float64Array;
  readonly backwards: boolean;
  /** Transfers count this many times what they take. */
  readonly transferWeight: number;
  /** Only these workers, unless a task can't run on any of them. */
  readonly workers: Uint16Array;
}

export class ListScheduler {
  /** The result: worker per task, and when it ends, from the beginning (or begins, from the end). */
  readonly worker: Int32Array;
  readonly endMs: Float64Array;
  /** Steps done since it was made. */
  work = 0;

  private backwards = false;
  private workers: Uint16Array = new Uint16Array(0);
  private msPerByte = 0;
  private readonly order: Uint32Array;
  private placed = 0;
  /** By worker the times when its cores become free, ascending. */
  private readonly coreMs: Float64Array[];
  /** Until when each worker receives (backwards: sends) for its own tasks, and for others. */
  private readonly ownMs: Float64Array;
  private readonly otherMs: Float64Array;

  // Copies, those of an object form a list: forwards where it will be when, backwards where it is
  // wanted until when.
  private copies = 0;
  private readonly firstCopy: Int32Array;
  private readonly nextCopy: Int32Array;
  private readonly copyAt: Int32Array;
  private readonly copyMs: Float64Array;

  // Transfers of the task that is being placed, from (to) any worker that has (wants) no copy.
  private count = 0;
  private readonly object: number[] = [];
  private readonly other: number[] = [];
  private readonly readyMs: number[] = [];
  private readonly takesMs: number[] = [];
  private leastMs = 0;
  private totalMs = 0;
  /** Workers that have (want) a copy: those with the number of the task. */
  private readonly mark: Int32Array;
  private readonly marked: number[] = [];

  constructor(private readonly load: Workload) {
    const { taskCount, workerCount, objectCount, problem } = load;
    this.worker = new Int32Array(taskCount);
    this.endMs = new Float64Array(taskCount);
    this.order = load.movable.slice();
    this.coreMs = Array.from(
      { length: workerCount },
      (_, w) => new Float64Array(problem.workerCpus[w]),
    );
    this.ownMs = new Float64Array(workerCount);
    this.otherMs = new Float64Array(workerCount);
    this.firstCopy = new Int32Array(objectCount);
    this.nextCopy = new Int32Array(load.inputs.length);
    this.copyAt = new Int32Array(load.inputs.length);
    this.copyMs = new Float64Array(load.inputs.length);
    this.mark = new Int32Array(workerCount);
  }

  begin(options: ListOptions): void {
    const { load } = this;
    const { problem, place } = load;
    const { rank, backwards } = options;
    this.workers = options.workers;
    this.backwards = backwards;
    this.msPerByte = load.msPerByte * options.transferWeight;
    this.placed = 0;
    this.copies = 0;
    this.worker.fill(-1);
    this.firstCopy.fill(-1);
    this.ownMs.fill(0);
    this.otherMs.fill(0);
    this.mark.fill(-1);
    for (const cores of this.coreMs) cores.fill(0);
    for (let t = 0; t < load.taskCount; t++) {
      const at = problem.runningAt[t];
      if (at < 0) continue;
      this.worker[t] = at;
      this.endMs[t] = load.durationMs[t];
      // Backwards a task that runs is far away.
      if (!backwards) this.takeCores(at, problem.cpus[t], this.endMs[t]);
    }
    const step = backwards ? -1 : 1;
    this.order.sort((a, b) => rank[b] - rank[a] || step * (place[a] - place[b]));
  }

  /** Places tasks until all have a worker, or about `budget` steps are done; whether all have. */
  advance(budget: number): boolean {
    const stopAt = this.work + budget;
    while (this.placed < this.order.length) {
      if (this.work >= stopAt) return false;
      this.place(this.order[this.placed++]);
    }
    return true;
  }

  private place(task: number): void {
    const { load, workers, marked } = this;
    const cpus = load.problem.cpus[task];
    if (this.backwards) this.gatherOutputs(task);
    else this.gatherInputs(task);
    this.work += 1 + (workers.length + this.count) / 32;
    let best = -1;
    let bestMs = Number.POSITIVE_INFINITY;
    // Workers with copies first: of equally good ones, one of them.
    for (let i = 0; i < marked.length; i++) {
      const at = marked[i];
      if (!workers.includes(at) || !load.canRun(task, at)) continue;
      const endMs = this.findEnd(at, cpus, true) + load.durationAt(task, at);
      if (endMs < bestMs) {
        best = at;
        bestMs = endMs;
      }
    }
    for (let i = 0; i < workers.length; i++) {
      const at = workers[i];
      if (this.mark[at] === task) continue;
      const durationMs = load.durationAt(task, at);
      const dataMs = Math.max(this.leastMs, this.ownMs[at] + this.totalMs);
      // The same bounds hold for most workers, and rule them out.
      if (dataMs + durationMs >= bestMs || !load.canRun(task, at)) continue;
      const endMs = this.findEnd(at, cpus, false) + durationMs;
      if (endMs < bestMs) {
        best = at;
        bestMs = endMs;
      }
    }
    for (let at = 0; best < 0; at++) if (load.canRun(task, at)) best = at;
    this.commit(task, best);
  }

  /** Inputs, from where they are made (or held). */
  private gatherInputs(task: number): void {
    const { inputs, inputStart, problem } = this.load;
    this.clear();
    for (let i = inputStart[task]; i < inputStart[task + 1]; i++) {
      const object = inputs[i];
      const producer = problem.objectProducer[object];
      for (let copy = this.firstCopy[object]; copy >= 0; copy = this.nextCopy[copy]) {
        this.markWorker(this.copyAt[copy], task);
      }
      if (producer >= 0) {
        this.markWorker(this.worker[producer], task);
        this.addTransfer(object, this.worker[producer], this.endMs[producer]);
        continue;
      }
      const { holderStart, holders } = problem;
      let source = -1;
      for (let k = holderStart[object]; k < holderStart[object + 1]; k++) {
        this.markWorker(holders[k], task);
        if (source < 0 || this.otherMs[holders[k]] < this.otherMs[source]) source = holders[k];
      }
      if (source >= 0) this.addTransfer(object, source, 0);
    }
  }

  /** Outputs, to each worker that wants them. */
  private gatherOutputs(task: number): void {
    const { outputs, outputStart } = this.load;
    this.clear();
    for (let i = outputStart[task]; i < outputStart[task + 1]; i++) {
      for (let copy = this.firstCopy[outputs[i]]; copy >= 0; copy = this.nextCopy[copy]) {
        this.markWorker(this.copyAt[copy], task);
        this.addTransfer(outputs[i], this.copyAt[copy], this.copyMs[copy]);
      }
    }
  }

  private clear(): void {
    this.count = 0;
    this.leastMs = 0;
    this.totalMs = 0;
    this.marked.length = 0;
  }

  private markWorker(worker: number, task: number): void {
    if (this.mark[worker] === task) return;
    this.mark[worker] = task;
    this.marked.push(worker);
  }

  private addTransfer(object: number, other: number, readyMs: number): void {
    const takesMs = this.load.objectBytes[object] * this.msPerByte;
    const i = this.count++;
    this.object[i] = object;
    this.other[i] = other;
    this.readyMs[i] = readyMs;
    this.takesMs[i] = takesMs;
    this.totalMs += takesMs;
    this.leastMs = Math.max(this.leastMs, Math.max(readyMs, this.otherMs[other]) + takesMs);
  }

  /** When a task could start at a worker; `marked`: it has (wants) some of the copies. */
  private findEnd(at: number, cpus: number, marked: boolean): number {
    let startMs = cpus === 0 ? 0 : this.coreMs[at][cpus - 1];
    let ownMs = this.ownMs[at];
    this.work += this.count / 16;
    for (let i = 0; i < this.count; i++) {
      const localMs = marked ? this.findLocal(i, at) : -1;
      if (localMs >= 0) {
        startMs = Math.max(startMs, localMs);
        continue;
      }
      ownMs = Math.max(ownMs, this.readyMs[i], this.otherMs[this.other[i]]) + this.takesMs[i];
      startMs = Math.max(startMs, ownMs);
    }
    return startMs;
  }

  /** When transfer i is not needed at a worker: since when it has the object; -1: it is needed. */
  private findLocal(i: number, at: number): number {
    if (this.other[i] === at) return this.readyMs[i];
    if (this.backwards) return -1;
    const object = this.object[i];
    for (let copy = this.firstCopy[object]; copy >= 0; copy = this.nextCopy[copy]) {
      if (this.copyAt[copy] === at) return this.copyMs[copy];
    }
    const { holderStart, holders } = this.load.problem;
    for (let k = holderStart[object]; k < holderStart[object + 1]; k++) {
      if (holders[k] === at) return 0;
    }
    return -1;
  }

  private commit(task: number, at: number): void {
    const { load, backwards } = this;
    const cpus = load.problem.cpus[task];
    const marked = this.mark[at] === task;
    let startMs = cpus === 0 ? 0 : this.coreMs[at][cpus - 1];
    for (let i = 0; i < this.count; i++) {
      const localMs = marked ? this.findLocal(i, at) : -1;
      if (localMs >= 0) {
        startMs = Math.max(startMs, localMs);
        continue;
      }
      const other = this.other[i];
      const ms = Math.max(this.ownMs[at], this.readyMs[i], this.otherMs[other]) + this.takesMs[i];
      this.ownMs[at] = ms;
      this.otherMs[other] = ms;
      startMs = Math.max(startMs, ms);
      if (!backwards) this.addCopy(this.object[i], at, ms);
    }
    const endMs = startMs + load.durationAt(task, at);
    this.worker[task] = at;
    this.endMs[task] = endMs;
    this.takeCores(at, cpus, endMs);
    if (!backwards) return;
    for (let i = load.inputStart[task]; i < load.inputStart[task + 1]; i++) {
      this.want(load.inputs[i], at, endMs);
    }
  }

  private want(object: number, at: number, ms: number): void {
    let copy = this.firstCopy[object];
    while (copy >= 0 && this.copyAt[copy] !== at) copy = this.nextCopy[copy];
    if (copy < 0) this.addCopy(object, at, ms);
    else this.copyMs[copy] = Math.max(this.copyMs[copy], ms);
  }

  private addCopy(object: number, at: number, ms: number): void {
    const copy = this.copies++;
    this.copyAt[copy] = at;
    this.copyMs[copy] = ms;
    this.nextCopy[copy] = this.firstCopy[object];
    this.firstCopy[object] = copy;
  }

  /** The cores that are free first take the task; the rest move up. */
  private takeCores(at: number, cpus: number, endMs: number): void {
    const cores = this.coreMs[at];
    const taken = Math.min(cpus, cores.length);
    let i = taken;
    for (; i < cores.length && cores[i] < endMs; i++) cores[i - taken] = cores[i];
    cores.fill(endMs, i - taken, i);
  }
}
