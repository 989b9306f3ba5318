/** A binary heap of tasks, the one to start first at its head. Used by the queue of tasks with requests. */
import { startsBefore, TaskState, type WorkerTask } from "./worker-task.js";

export class TaskHeap {
  private items: WorkerTask[] = [];
  private gone = 0;

  push(task: WorkerTask): void {
    this.items.push(task);
    this.siftUp(this.items.length - 1);
  }

  /** The first task that is still ready; throws away those before it that are gone. */
  head(): WorkerTask | undefined {
    const { items } = this;
    while (items.length > 0 && items[0].state !== TaskState.ready) {
      this.gone--;
      this.shift();
    }
    return items[0];
  }

  /** Removes the task that head() returned. */
  shift(): void {
    const { items } = this;
    const last = items.pop()!;
    if (items.length === 0) return;
    items[0] = last;
    this.siftDown();
  }

  /** A task inside is not ready any more. Removed lazily: work is often taken back from the tail. */
  taskGone(): void {
    this.gone++;
    if (this.gone < 64 || this.gone * 2 < this.items.length) return;
    // Sorted is a heap.
    this.items = this.items
      .filter((task) => task.state === TaskState.ready)
      .sort((a, b) => (startsBefore(a, b) ? -1 : 1));
    this.gone = 0;
  }

  /** The tasks inside that are ready, in no order. For checks. */
  tasks(): WorkerTask[] {
    return this.items.filter((task) => task.state === TaskState.ready);
  }

  private siftUp(start: number): void {
    const { items } = this;
    const task = items[start];
    let at = start;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (startsBefore(items[parent], task)) break;
      items[at] = items[parent];
      at = parent;
    }
    items[at] = task;
  }

  private siftDown(): void {
    const { items } = this;
    const task = items[0];
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= items.length) break;
      if (child + 1 < items.length && startsBefore(items[child + 1], items[child])) child++;
      if (startsBefore(task, items[child])) break;
      items[at] = items[child];
      at = child;
    }
    items[at] = task;
  }
}
