/**
 * One schedule that the search works on: a worker per task and an order of all tasks. Owns: the
 * order and the priorities that follow from it, with user priorities first. Called by the
 * portfolio and the local search.
 */
import type { Workload } from "./workload.js";

/** Between two tasks next to each other in the order. */
const PRIORITY_STEP = 1e6;

export class Candidate {
  readonly worker: Int32Array;
  /** Movable tasks, first ones first. */
  readonly order: Uint32Array;
  /** Place of each movable task in `order`. */
  readonly place: Uint32Array;
  /** What the evaluator takes: higher starts first. */
  readonly priority: Float64Array;
  makespanMs = Number.POSITIVE_INFINITY;
  /** What candidates are compared by: the makespan, or more where it hangs on exact durations. */
  worthMs = Number.POSITIVE_INFINITY;

  constructor(private readonly load: Workload) {
    this.worker = new Int32Array(load.taskCount).fill(-1);
    this.order = load.movable.slice();
    this.place = new Uint32Array(load.taskCount);
    this.priority = new Float64Array(load.taskCount);
    this.renumber(0, this.order.length);
  }

  /** Orders the tasks by user priority, then by key (largest first), then producers first. */
  orderBy(key: Float64Array): void {
    const { place } = this.load;
    const { userPriority } = this.load.problem;
    this.order.sort(
      (a, b) => userPriority[b] - userPriority[a] || key[b] - key[a] || place[a] - place[b],
    );
    this.renumber(0, this.order.length);
  }

  copyFrom(other: Candidate): void {
    this.worker.set(other.worker);
    this.order.set(other.order);
    this.place.set(other.place);
    this.priority.set(other.priority);
    this.makespanMs = other.makespanMs;
    this.worthMs = other.worthMs;
  }

  /** Puts a task at another place of the order; those between move by one. */
  moveTo(task: number, place: number): void {
    const { order } = this;
    const from = this.place[task];
    if (from < place) order.copyWithin(from, from + 1, place + 1);
    else order.copyWithin(place + 1, place, from);
    order[place] = task;
    this.renumber(Math.min(from, place), Math.max(from, place) + 1);
  }

  private renumber(from: number, to: number): void {
    const { order, place, priority } = this;
    for (let i = from; i < to; i++) {
      place[order[i]] = i;
      priority[order[i]] = (order.length - i) * PRIORITY_STEP;
    }
  }
}
