/**
 * When transfers end: a binary heap of transfer numbers whose times may change while they are
 * inside, as each transfer that starts or ends changes the rates of others. Called by the network.
 */

export class EndHeap {
  private heap = new Int32Array(64);
  private count = 0;
  /** By transfer: its position in the heap, -1: not inside. */
  private positions = new Int32Array(64).fill(-1);
  private times = new Float64Array(64);

  /** When the first one ends; infinity: there is none. */
  get firstTimeMs(): number {
    return this.count === 0 ? Number.POSITIVE_INFINITY : this.times[this.heap[0]];
  }

  /** The one that ends first; of several the lowest number. There must be one. */
  get first(): number {
    return this.heap[0];
  }

  /** Puts the transfer in, or moves it to its new time. */
  set(transfer: number, timeMs: number): void {
    if (transfer >= this.times.length) this.grow(transfer + 1);
    let at = this.positions[transfer];
    this.times[transfer] = timeMs;
    if (at === -1) {
      if (this.count === this.heap.length) {
        const heap = new Int32Array(this.heap.length * 2);
        heap.set(this.heap);
        this.heap = heap;
      }
      at = this.count++;
      this.heap[at] = transfer;
      this.positions[transfer] = at;
    }
    this.settle(at);
  }

  remove(transfer: number): void {
    if (transfer >= this.positions.length) return;
    const at = this.positions[transfer];
    if (at === -1) return;
    this.positions[transfer] = -1;
    const last = this.heap[--this.count];
    if (last === transfer) return;
    this.heap[at] = last;
    this.positions[last] = at;
    this.settle(at);
  }

  /** Moves the element at this position up or down to where it belongs. */
  private settle(start: number): void {
    const { heap, positions, count } = this;
    const transfer = heap[start];
    let at = start;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!this.before(transfer, heap[parent])) break;
      heap[at] = heap[parent];
      positions[heap[at]] = at;
      at = parent;
    }
    for (;;) {
      let child = 2 * at + 1;
      if (child >= count) break;
      if (child + 1 < count && this.before(heap[child + 1], heap[child])) child++;
      if (!this.before(heap[child], transfer)) break;
      heap[at] = heap[child];
      positions[heap[at]] = at;
      at = child;
    }
    heap[at] = transfer;
    positions[transfer] = at;
  }

  private before(x: number, y: number): boolean {
    const { times } = this;
    return times[x] < times[y] || (times[x] === times[y] && x < y);
  }

  private grow(needed: number): void {
    const size = Math.max(needed, this.times.length * 2);
    const positions = new Int32Array(size).fill(-1);
    positions.set(this.positions);
    this.positions = positions;
    const times = new Float64Array(size);
    times.set(this.times);
    this.times = times;
  }
}
