/**
 * Ready tasks that need cores. Decides which one starts next: the first in order of
 * assignment; a smaller one behind it may start while the first does not fit (backfilling),
 * until the first has been passed over {@link MAX_PASSED_OVER} times: then the cores that
 * become free are kept for it.
 */
import { TaskHeap } from "./task-heap.js";
import type { WorkerTask } from "./worker-task.js";

/** So often may others start before a task that does not fit; then cores are reserved for it. */
export const MAX_PASSED_OVER = 64;

export class CpuQueue {
  /** One heap per number of cores asked for: finding one that fits costs as many looks. */
  private readonly bySize = new Map<number, TaskHeap>();

  push(task: WorkerTask): void {
    let heap = this.bySize.get(task.cpus);
    if (heap === undefined) {
      heap = new TaskHeap();
      this.bySize.set(task.cpus, heap);
    }
    heap.push(task);
  }

  /** A task inside is not ready any more. */
  taskGone(task: WorkerTask): void {
    this.bySize.get(task.cpus)!.taskGone();
  }

  /** Removes and returns the task to start with `free` cores, if there is one. */
  next(free: number): WorkerTask | undefined {
    let first: WorkerTask | undefined;
    let fitting: WorkerTask | undefined;
    for (const [cpus, heap] of this.bySize) {
      const head = heap.head();
      if (head === undefined) continue;
      if (first === undefined || head.order < first.order) first = head;
      if (cpus <= free && (fitting === undefined || head.order < fitting.order)) fitting = head;
    }
    if (first === undefined || fitting === undefined) return undefined;
    if (fitting !== first) {
      if (first.passedOver >= MAX_PASSED_OVER) return undefined;
      first.passedOver++;
    }
    this.bySize.get(fitting.cpus)!.shift();
    return fitting;
  }

  /**
   * Removes and returns the first task if it is of this type and asks for that many cores: it
   * may share the cores of one that runs. Another task at the front is not passed over.
   */
  nextLike(taskType: number, cpus: number): WorkerTask | undefined {
    let first: WorkerTask | undefined;
    for (const heap of this.bySize.values()) {
      const head = heap.head();
      if (head !== undefined && (first === undefined || head.order < first.order)) first = head;
    }
    if (first === undefined || first.taskType !== taskType || first.cpus !== cpus) return undefined;
    this.bySize.get(cpus)!.shift();
    return first;
  }

  /** All tasks inside. For checks. */
  tasks(): WorkerTask[] {
    return [...this.bySize.values()].flatMap((heap) => heap.tasks());
  }
}
