/** Running tasks by the time when they end, then by the order in which they started: a binary heap. */
export class TaskEndQueue {
  private readonly heap: number[] = [];
  private readonly order: Float64Array;
  private nextOrder = 0;

  /** @param endS when each running task ends */
  constructor(private readonly endS: Float64Array) {
    this.order = new Float64Array(endS.length);
  }

  get nextEndS(): number {
    return this.heap.length === 0 ? Number.POSITIVE_INFINITY : this.endS[this.heap[0]];
  }

  add(task: number): void {
    const { heap } = this;
    this.order[task] = this.nextOrder++;
    let at = heap.length;
    heap.push(task);
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!this.isBefore(task, heap[parent])) break;
      heap[at] = heap[parent];
      at = parent;
    }
    heap[at] = task;
  }

  /** The task that ends next, taken out. */
  take(): number {
    const { heap } = this;
    const first = heap[0];
    const moved = heap.pop()!;
    if (heap.length === 0) return first;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && this.isBefore(heap[child + 1], heap[child])) child++;
      if (!this.isBefore(heap[child], moved)) break;
      heap[at] = heap[child];
      at = child;
    }
    heap[at] = moved;
    return first;
  }

  private isBefore(a: number, b: number): boolean {
    if (this.endS[a] !== this.endS[b]) return this.endS[a] < this.endS[b];
    return this.order[a] < this.order[b];
  }
}
