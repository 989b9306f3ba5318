/**
 * Downloads to one worker that wait for a place, grouped by source: the best one among sources
 * that may give another is found without walking over the rest (thousands wait where a task
 * merges many objects). Used by downloads.ts.
 */

/** Columns of waiting downloads; a number of one is valid until it is freed. */
export class WaitingDownloads {
  object = new Int32Array(64);
  priority = new Float64Array(64);
  /** Time of the request, as a serial number. */
  order = new Float64Array(64);
  /** Asked for by a prefetch, not only by tasks that are assigned. */
  prefetched = new Uint8Array(64);
  private nextOrder = 0;
  /** 0 is never used. */
  private nextNumber = 1;
  private readonly free: number[] = [];

  add(object: number, priority: number): number {
    const number = this.free.pop() ?? this.nextNumber++;
    if (number === this.object.length) this.grow();
    this.object[number] = object;
    this.priority[number] = priority;
    this.order[number] = this.nextOrder++;
    this.prefetched[number] = 0;
    return number;
  }

  remove(number: number): void {
    this.free.push(number);
  }

  isBefore(a: number, b: number): boolean {
    if (this.priority[a] !== this.priority[b]) return this.priority[a] > this.priority[b];
    return this.order[a] < this.order[b];
  }

  private grow(): void {
    const length = this.object.length * 2;
    const larger = <T extends Int32Array | Float64Array | Uint8Array>(to: T, from: T): T => {
      to.set(from);
      return to;
    };
    this.object = larger(new Int32Array(length), this.object);
    this.priority = larger(new Float64Array(length), this.priority);
    this.order = larger(new Float64Array(length), this.order);
    this.prefetched = larger(new Uint8Array(length), this.prefetched);
  }
}

/** A binary heap of waiting downloads from one source to one worker. */
export class DownloadQueue {
  private readonly heap: number[] = [];

  constructor(private readonly waiting: WaitingDownloads) {}

  get length(): number {
    return this.heap.length;
  }

  get first(): number {
    return this.heap[0];
  }

  add(number: number): void {
    this.heap.push(number);
    this.rise(this.heap.length - 1);
  }

  /** The download's priority has become higher. */
  raised(number: number): void {
    this.rise(this.heap.indexOf(number));
  }

  removeFirst(): void {
    this.removeAt(0);
  }

  remove(number: number): void {
    this.removeAt(this.heap.indexOf(number));
  }

  private removeAt(position: number): void {
    const last = this.heap.pop()!;
    if (position === this.heap.length) return;
    this.heap[position] = last;
    this.sink(position);
    this.rise(position);
  }

  private rise(position: number): void {
    const { heap, waiting } = this;
    const moved = heap[position];
    let at = position;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!waiting.isBefore(moved, heap[parent])) break;
      heap[at] = heap[parent];
      at = parent;
    }
    heap[at] = moved;
  }

  private sink(position: number): void {
    const { heap, waiting } = this;
    const moved = heap[position];
    let at = position;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && waiting.isBefore(heap[child + 1], heap[child])) child++;
      if (!waiting.isBefore(heap[child], moved)) break;
      heap[at] = heap[child];
      at = child;
    }
    heap[at] = moved;
  }
}
