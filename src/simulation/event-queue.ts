/**
 * What is going to happen on virtual time: a binary heap on typed arrays, no object per event.
 * Events of one instant come out by rank, then in the order in which they went in. Called by the
 * simulation's loop and whoever plans something.
 */

/** At one instant, those of lower rank come first. */
export const Rank = {
  /** Something happens to a worker or to the network. */
  normal: 0,
  /** Workers act when all that happens to them at this instant is known, */
  worker: 1,
  /** and the server when all messages of this instant are there. */
  server: 2,
} as const;

const RANK_FACTOR = 2 ** 50;

export class EventQueue {
  /** Of the event that next() returned last. */
  timeMs = 0;
  kind = 0;
  a = 0;
  b = 0;

  private count = 0;
  private capacity = 1024;
  /** Heap of places in the columns below; places from `count` on are free. */
  private heap = Int32Array.from({ length: 1024 }, (_, i) => i);
  private times = new Float64Array(1024);
  private orders = new Float64Array(1024);
  private kinds = new Uint8Array(1024);
  private as = new Int32Array(1024);
  private bs = new Int32Array(1024);
  private serial = 0;

  get size(): number {
    return this.count;
  }

  /** When the next event happens; infinity: none does. */
  get nextTimeMs(): number {
    return this.count === 0 ? Number.POSITIVE_INFINITY : this.times[this.heap[0]];
  }

  /** `a` and `b` are 32-bit integers that mean something to who handles events of this kind. */
  add(timeMs: number, rank: number, kind: number, a: number, b: number): void {
    if (this.count === this.capacity) this.grow();
    const { heap, times, orders } = this;
    const place = heap[this.count];
    const order = rank * RANK_FACTOR + this.serial++;
    times[place] = timeMs;
    orders[place] = order;
    this.kinds[place] = kind;
    this.as[place] = a;
    this.bs[place] = b;
    let at = this.count++;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      const other = heap[parent];
      if (times[other] < timeMs || (times[other] === timeMs && orders[other] < order)) break;
      heap[at] = other;
      at = parent;
    }
    heap[at] = place;
  }

  /** Takes the next event out, into the fields above; the queue must not be empty. */
  next(): void {
    const { heap, times, orders } = this;
    const first = heap[0];
    this.timeMs = times[first];
    this.kind = this.kinds[first];
    this.a = this.as[first];
    this.b = this.bs[first];
    const count = --this.count;
    const moved = heap[count];
    const time = times[moved];
    const order = orders[moved];
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= count) break;
      const right = child + 1;
      if (right < count && this.before(heap[right], heap[child])) child = right;
      const place = heap[child];
      if (time < times[place] || (time === times[place] && order < orders[place])) break;
      heap[at] = place;
      at = child;
    }
    heap[at] = moved;
    heap[count] = first;
  }

  private before(x: number, y: number): boolean {
    const { times, orders } = this;
    return times[x] < times[y] || (times[x] === times[y] && orders[x] < orders[y]);
  }

  private grow(): void {
    const old = this.capacity;
    this.capacity = old * 2;
    const heap = new Int32Array(this.capacity);
    heap.set(this.heap);
    for (let i = old; i < this.capacity; i++) heap[i] = i;
    this.heap = heap;
    this.times = enlarged(this.times, new Float64Array(this.capacity));
    this.orders = enlarged(this.orders, new Float64Array(this.capacity));
    this.kinds = enlarged(this.kinds, new Uint8Array(this.capacity));
    this.as = enlarged(this.as, new Int32Array(this.capacity));
    this.bs = enlarged(this.bs, new Int32Array(this.capacity));
  }
}

function enlarged<T extends { set(source: ArrayLike<number>): void }>(
  source: ArrayLike<number>,
  target: T,
): T {
  target.set(source);
  return target;
}
