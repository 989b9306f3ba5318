/**
 * First plans: late binding. During a simulation a task gets a worker only when it is ready and
 * cores are free: the one of the highest rank first, at the worker that misses the fewest bytes.
 * Packs cores well, as it never guesses when something ends. Called by the portfolio; the choices
 * are left in the evaluator.
 */
import type { Binder, Evaluator } from "./evaluator.js";
import { OrderedList } from "./ordered-list.js";
import type { Workload } from "./workload.js";

/** Tasks that found no worker, after which a pass ends: it must not try all of thousands each time. */
const MOST_REFUSED = 16;

export class LateBinding implements Binder {
  private readonly ready = new OrderedList();
  private rank: Float64Array = new Float64Array(0);
  /** Cores that no assigned task has or waits for. */
  private readonly free: Int32Array;
  private totalFree = 0;
  /** Steps done since it was made. */
  work = 0;
  private readonly localBytes: Float64Array;

  constructor(
    private readonly load: Workload,
    private readonly evaluator: Evaluator,
  ) {
    this.free = new Int32Array(load.workerCount);
    this.localBytes = new Float64Array(load.workerCount);
  }

  /** Call before the simulation begins. */
  reset(rank: Float64Array): void {
    const { problem } = this.load;
    this.rank = rank;
    this.ready.clear();
    this.totalFree = 0;
    this.free.set(problem.workerCpus.subarray(0, this.free.length));
    for (let t = 0; t < this.load.taskCount; t++) {
      if (problem.runningAt[t] >= 0) this.free[problem.runningAt[t]] -= problem.cpus[t];
    }
    for (const cores of this.free) this.totalFree += Math.max(cores, 0);
  }

  taskReady(task: number): void {
    this.ready.add(task, this.rank[task]);
  }

  taskEnded(task: number): void {
    this.take(this.evaluator.worker[task], -this.load.problem.cpus[task]);
  }

  bind(): void {
    const { cpus, allowed } = this.load.problem;
    // What did not fit anywhere in this pass: the like need not be tried again.
    let tooMany = Number.POSITIVE_INFINITY;
    let refused = 0;
    for (let i = 0; i < this.ready.size && refused < MOST_REFUSED; ) {
      const task = this.ready.items[i];
      const needed = cpus[task];
      const hopeless = needed > 0 && (this.totalFree === 0 || needed >= tooMany);
      const worker = hopeless ? -1 : this.findWorker(task);
      if (worker >= 0) {
        this.ready.removeAt(i);
        this.take(worker, needed);
        this.evaluator.assign(task, worker);
        continue;
      }
      i++;
      if (hopeless) continue;
      if (allowed === undefined) tooMany = needed;
      else refused++;
    }
  }

  private findWorker(task: number): number {
    const { load, free, localBytes } = this;
    const needed = load.problem.cpus[task];
    localBytes.fill(0);
    this.work += load.workerCount / 32;
    this.evaluator.copies.addLocalBytes(task, localBytes);
    let best = -1;
    for (let w = 0; w < load.workerCount; w++) {
      if ((needed > 0 && free[w] < needed) || !load.canRun(task, w)) continue;
      if (
        best < 0 ||
        localBytes[w] > localBytes[best] ||
        (localBytes[w] === localBytes[best] && free[w] > free[best])
      ) {
        best = w;
      }
    }
    return best;
  }

  private take(worker: number, cores: number): void {
    const before = Math.max(this.free[worker], 0);
    this.free[worker] -= cores;
    this.totalFree += Math.max(this.free[worker], 0) - before;
  }
}
