/**
 * Which transfers are at which end: each worker has an end that sends (2 × worker) and one that receives
 * (2 × worker + 1), each with a doubly linked list in typed arrays. Called by the filling of rates.
 */

export class EndLists {
  /** By transfer: its two ends. */
  senders = new Int32Array(64);
  receivers = new Int32Array(64);
  /** By end: first transfer of its list, -1: none; and their number. */
  heads = new Int32Array(0);
  counts = new Int32Array(0);
  /** By transfer and side (2 × transfer + side): the next one in the list of that end. */
  nexts = new Int32Array(128);
  private previous = new Int32Array(128);

  get transferCapacity(): number {
    return this.senders.length;
  }

  get endCapacity(): number {
    return this.heads.length;
  }

  addWorker(worker: number): void {
    const ends = 2 * worker + 2;
    if (ends <= this.heads.length) return;
    const size = Math.max(ends, this.heads.length * 2);
    const heads = new Int32Array(size).fill(-1);
    heads.set(this.heads);
    this.heads = heads;
    this.counts = enlarged(this.counts, new Int32Array(size));
  }

  add(transfer: number, from: number, to: number): void {
    if (transfer >= this.senders.length) {
      const size = Math.max(transfer + 1, this.senders.length * 2);
      this.senders = enlarged(this.senders, new Int32Array(size));
      this.receivers = enlarged(this.receivers, new Int32Array(size));
      this.nexts = enlarged(this.nexts, new Int32Array(2 * size));
      this.previous = enlarged(this.previous, new Int32Array(2 * size));
    }
    this.senders[transfer] = 2 * from;
    this.receivers[transfer] = 2 * to + 1;
    this.link(transfer, 0, 2 * from);
    this.link(transfer, 1, 2 * to + 1);
  }

  remove(transfer: number): void {
    this.unlink(transfer, 0, this.senders[transfer]);
    this.unlink(transfer, 1, this.receivers[transfer]);
  }

  private link(transfer: number, side: 0 | 1, end: number): void {
    const at = 2 * transfer + side;
    const head = this.heads[end];
    this.previous[at] = -1;
    this.nexts[at] = head;
    if (head !== -1) this.previous[2 * head + side] = transfer;
    this.heads[end] = transfer;
    this.counts[end]++;
  }

  private unlink(transfer: number, side: 0 | 1, end: number): void {
    const at = 2 * transfer + side;
    const before = this.previous[at];
    const after = this.nexts[at];
    if (before === -1) this.heads[end] = after;
    else this.nexts[2 * before + side] = after;
    if (after !== -1) this.previous[2 * after + side] = before;
    this.counts[end]--;
  }
}

/** Copies `source` to the beginning of `target`. */
export function enlarged<T extends { set(source: ArrayLike<number>): void }>(
  source: ArrayLike<number>,
  target: T,
): T {
  target.set(source);
  return target;
}
