/**
 * What happens next: a binary heap of (time, item), least time first, of equal times the lowest
 * item. Items are whole numbers. Called by the evaluator.
 */
export class TimeHeap {
  size = 0;
  private times: Float64Array;
  private items: Int32Array;

  constructor(capacity: number) {
    this.times = new Float64Array(Math.max(capacity, 1));
    this.items = new Int32Array(Math.max(capacity, 1));
  }

  clear(): void {
    this.size = 0;
  }

  /** Time of the first; Infinity: empty. */
  get firstMs(): number {
    return this.size === 0 ? Number.POSITIVE_INFINITY : this.times[0];
  }

  /** The item that pop() would give; the heap must not be empty. */
  get first(): number {
    return this.items[0];
  }

  push(timeMs: number, item: number): void {
    if (this.size === this.items.length) this.grow();
    const { times, items } = this;
    let at = this.size++;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (times[parent] < timeMs || (times[parent] === timeMs && items[parent] <= item)) break;
      times[at] = times[parent];
      items[at] = items[parent];
      at = parent;
    }
    times[at] = timeMs;
    items[at] = item;
  }

  /** Removes the first; its item. The heap must not be empty. */
  pop(): number {
    const { times, items } = this;
    const first = items[0];
    const size = --this.size;
    const timeMs = times[size];
    const item = items[size];
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= size) break;
      if (
        child + 1 < size &&
        (times[child + 1] < times[child] ||
          (times[child + 1] === times[child] && items[child + 1] < items[child]))
      ) {
        child++;
      }
      if (timeMs < times[child] || (timeMs === times[child] && item <= items[child])) break;
      times[at] = times[child];
      items[at] = items[child];
      at = child;
    }
    times[at] = timeMs;
    items[at] = item;
    return first;
  }

  private grow(): void {
    const times = new Float64Array(this.times.length * 2);
    times.set(this.times);
    this.times = times;
    const items = new Int32Array(times.length);
    items.set(this.items);
    this.items = items;
  }
}
