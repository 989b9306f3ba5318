/**
 * All tasks of all clients as columns of typed arrays: about 80 bytes a task and 12 an edge.
 * A task is a row; a plan's tasks are neighbours. Owns the columns and their growth, not the
 * rules by which they change (see server-core.ts); states are explained in
 * scheduler/task-state.ts.
 *
 * Inputs of a row: edges `inputStart[row] .. + inputCount[row]`. Users of a row: the linked list
 * that begins with edge `userHead[row]`, continues with `nextUser[edge]` and ends with -1; the
 * edge's user is `edgeUser[edge]`. A task that is an input twice has two edges.
 */
import { RangeAllocator } from "../base/index.js";
import type { TaskView } from "../scheduler/index.js";
import { InlineStore } from "./inline-store.js";
import { Replicas } from "./replicas.js";

/** In `worker`, `inlineCell`, `replicaHead`, `userHead`, `nextUser`: there is none. */
export const NONE = -1;

export class TaskTable implements TaskView {
  state = new Uint8Array(0);
  flags = new Uint8Array(0);
  /** Symbol of the task type. */
  taskType = new Uint16Array(0);
  taskClass = new Uint16Array(0);
  /** Index into the plans. */
  plan = new Uint32Array(0);
  /** Increases with each assignment and is never set back, not even when the row is reused. */
  attempt = new Uint32Array(0);
  /** How often it was lost with its worker. */
  losses = new Uint8Array(0);
  worker = new Int16Array(0);
  /** First of the further holders of its object, in `replicas`. */
  replicaHead = new Int32Array(0);
  /** Its small result in `inline`. */
  inlineCell = new Int32Array(0);
  size = new Float64Array(0);
  rank = new Float32Array(0);
  unfinished = new Uint32Array(0);
  unplaced = new Uint32Array(0);
  /** Edges to users that are waiting, ready or assigned: those who still need its object. */
  needed = new Uint32Array(0);
  inputStart = new Uint32Array(0);
  inputCount = new Uint32Array(0);
  userHead = new Int32Array(0);
  /** Where its config is in the bytes of its plan. */
  configStart = new Uint32Array(0);
  configLength = new Uint32Array(0);

  edgeInput = new Uint32Array(0);
  edgeUser = new Uint32Array(0);
  nextUser = new Int32Array(0);

  readonly replicas = new Replicas();
  readonly inline = new InlineStore();
  private readonly rows = new RangeAllocator();
  private readonly edges = new RangeAllocator();

  /** Rows below this may be in use. */
  get rowEnd(): number {
    return this.rows.end;
  }

  allocateRows(count: number): number {
    const start = this.rows.allocate(count);
    if (this.rows.end > this.state.length) this.growRows(this.rows.end);
    return start;
  }

  releaseRows(start: number, count: number): void {
    this.rows.release(start, count);
  }

  allocateEdges(count: number): number {
    const start = this.edges.allocate(count);
    if (this.edges.end > this.edgeInput.length) {
      const capacity = capacityFor(this.edges.end, this.edgeInput.length);
      this.edgeInput = enlarged(this.edgeInput, new Uint32Array(capacity));
      this.edgeUser = enlarged(this.edgeUser, new Uint32Array(capacity));
      this.nextUser = enlarged(this.nextUser, new Int32Array(capacity));
    }
    return start;
  }

  releaseEdges(start: number, count: number): void {
    this.edges.release(start, count);
  }

  /**
   * Sets what is fixed while a task lives, in `count` rows from `first` on, to what the row has;
   * and what changes to what it is in the beginning. Left out: state, flags, plan, needs and edges.
   */
  fillLike(row: number, first: number, count: number): void {
    const end = first + count;
    this.taskType.fill(this.taskType[row], first, end);
    this.taskClass.fill(this.taskClass[row], first, end);
    this.configStart.fill(this.configStart[row], first, end);
    this.configLength.fill(this.configLength[row], first, end);
    this.rank.fill(this.rank[row], first, end);
    this.losses.fill(0, first, end);
    this.worker.fill(NONE, first, end);
    this.replicaHead.fill(NONE, first, end);
    this.inlineCell.fill(NONE, first, end);
    this.size.fill(0, first, end);
    this.userHead.fill(NONE, first, end);
  }

  /** Whether the worker has a copy of the object of a finished task. */
  holds(worker: number, row: number): boolean {
    if (this.worker[row] === worker) return true;
    const head = this.replicaHead[row];
    return head !== NONE && this.replicas.has(head, worker);
  }

  /** The workers that have a copy of the object of a finished task. */
  holders(row: number): number[] {
    const first = this.worker[row];
    if (this.replicaHead[row] === NONE) return first < 0 ? [] : [first];
    const others = this.replicas.list(this.replicaHead[row]);
    if (first >= 0) others.push(first);
    return others;
  }

  private growRows(needed: number): void {
    const n = capacityFor(needed, this.state.length);
    this.state = enlarged(this.state, new Uint8Array(n));
    this.flags = enlarged(this.flags, new Uint8Array(n));
    this.taskType = enlarged(this.taskType, new Uint16Array(n));
    this.taskClass = enlarged(this.taskClass, new Uint16Array(n));
    this.plan = enlarged(this.plan, new Uint32Array(n));
    this.attempt = enlarged(this.attempt, new Uint32Array(n));
    this.losses = enlarged(this.losses, new Uint8Array(n));
    this.worker = enlarged(this.worker, new Int16Array(n));
    this.replicaHead = enlarged(this.replicaHead, new Int32Array(n));
    this.inlineCell = enlarged(this.inlineCell, new Int32Array(n));
    this.size = enlarged(this.size, new Float64Array(n));
    this.rank = enlarged(this.rank, new Float32Array(n));
    this.unfinished = enlarged(this.unfinished, new Uint32Array(n));
    this.unplaced = enlarged(this.unplaced, new Uint32Array(n));
    this.needed = enlarged(this.needed, new Uint32Array(n));
    this.inputStart = enlarged(this.inputStart, new Uint32Array(n));
    this.inputCount = enlarged(this.inputCount, new Uint32Array(n));
    this.userHead = enlarged(this.userHead, new Int32Array(n));
    this.configStart = enlarged(this.configStart, new Uint32Array(n));
    this.configLength = enlarged(this.configLength, new Uint32Array(n));
  }
}

/** Untouched pages of a typed array cost no memory, so half as much again is cheap. */
function capacityFor(needed: number, present: number): number {
  return Math.max(needed, Math.ceil(present * 1.5), 4096);
}

function enlarged<T extends { set(source: ArrayLike<number>): void }>(
  source: ArrayLike<number>,
  target: T,
): T {
  target.set(source);
  return target;
}
