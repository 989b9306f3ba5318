/**
 * Max-min fair rates by progressive filling (Bertsekas and Gallager, Data Networks, 1992, 6.5.2): no
 * transfer can get more without another one, that has no more than it, getting less. Owns the rates;
 * the network owns time and bytes. All ends have the same capacity.
 *
 * When transfers come or go, not all is filled anew but a *region*: the ends that changed, and from
 * there on all transfers of an end and the ends at their other sides, as long as these are full. An end
 * that is not full holds back nobody, so what happens on one side of it changes nothing on the
 * other: it is a *border*, of which the region may use what others leave. If the filling shows that a
 * border becomes full, the region grows across it and is filled again.
 */
import { EndLists, enlarged } from "./end-lists.js";
import { ShareHeap } from "./share-heap.js";

/** An end is full when less than this share of its capacity is left. */
const FULL = 1e-9;

export class MaxMinRates {
  /** By transfer. */
  rates = new Float64Array(64);
  /** The transfers whose rate may have been changed by the last fill(): `touched[0 .. touchedCount)`. */
  touched = new Int32Array(64);
  touchedCount = 0;

  private readonly lists = new EndLists();
  private newRates = new Float64Array(64);
  /** By transfer: the round of filling that has given it its rate; the fill that has found it. */
  private fixedIn = new Float64Array(64);
  private foundIn = new Float64Array(64);

  // By end.
  /** Capacity not used, as of the last fill that saw it; while filling, as far as it has come. */
  private left = new Float64Array(0);
  private free = new Float64Array(0);
  private unfixed = new Int32Array(0);
  /** The fill in whose region it is; in whose border it is or was. */
  private insideIn = new Float64Array(0);
  private borderIn = new Float64Array(0);

  /** Ends at which transfers have come or gone. */
  private readonly changed: number[] = [];
  private readonly inside: number[] = [];
  private readonly border: number[] = [];
  private readonly heap = new ShareHeap();
  private fills = 0;
  private rounds = 0;

  constructor(private readonly capacity: number) {}

  /** Whether rates are wrong until the next fill(). */
  get stale(): boolean {
    return this.changed.length > 0;
  }

  addWorker(worker: number): void {
    this.lists.addWorker(worker);
    const size = this.lists.endCapacity;
    const before = this.free.length;
    if (size <= before) return;
    this.left = enlarged(this.left, new Float64Array(size));
    this.free = enlarged(this.free, new Float64Array(size).fill(this.capacity));
    this.unfixed = new Int32Array(size);
    this.insideIn = enlarged(this.insideIn, new Float64Array(size));
    this.borderIn = enlarged(this.borderIn, new Float64Array(size));
  }

  add(transfer: number, from: number, to: number): void {
    this.lists.add(transfer, from, to);
    const size = this.lists.transferCapacity;
    if (size > this.rates.length) {
      this.rates = enlarged(this.rates, new Float64Array(size));
      this.newRates = new Float64Array(size);
      this.fixedIn = enlarged(this.fixedIn, new Float64Array(size));
      this.foundIn = enlarged(this.foundIn, new Float64Array(size));
      this.touched = enlarged(this.touched, new Int32Array(size));
    }
    this.rates[transfer] = 0;
    this.fixedIn[transfer] = -1;
    this.foundIn[transfer] = -1;
    this.changed.push(2 * from, 2 * to + 1);
  }

  remove(transfer: number): void {
    this.changed.push(this.lists.senders[transfer], this.lists.receivers[transfer]);
    this.lists.remove(transfer);
  }

  /** The transfer with which the list of a worker's end begins; -1: it has none. */
  firstAt(worker: number, side: 0 | 1): number {
    return this.lists.heads[2 * worker + side];
  }

  /** The next one in that list. */
  nextAt(transfer: number, side: 0 | 1): number {
    return this.lists.nexts[2 * transfer + side];
  }

  /** Gives new rates to all that are concerned by what has changed. */
  fill(): void {
    const { changed, inside, border } = this;
    const fill = ++this.fills;
    this.touchedCount = 0;
    inside.length = 0;
    border.length = 0;
    for (const end of changed) this.include(end, fill);
    changed.length = 0;
    let seen = 0;
    do {
      seen = this.findRegion(seen, fill);
    } while (this.fillRegion(fill));
    this.takeOver();
  }

  private include(end: number, fill: number): void {
    if (this.insideIn[end] === fill) return;
    this.insideIn[end] = fill;
    this.inside.push(end);
  }

  /** Follows the transfers of the ends inside from number `seen` on; returns how many there are. */
  private findRegion(seen: number, fill: number): number {
    const { inside, border, insideIn, borderIn, foundIn, touched, free } = this;
    const { heads, nexts, senders, receivers } = this.lists;
    const full = FULL * this.capacity;
    for (let i = seen; i < inside.length; i++) {
      const end = inside[i];
      const side = end & 1;
      const others = side === 0 ? receivers : senders;
      for (let t = heads[end]; t !== -1; t = nexts[2 * t + side]) {
        if (foundIn[t] === fill) continue;
        foundIn[t] = fill;
        touched[this.touchedCount++] = t;
        const other = others[t];
        if (insideIn[other] === fill) continue;
        if (free[other] <= full) {
          this.include(other, fill);
        } else if (borderIn[other] !== fill) {
          borderIn[other] = fill;
          border.push(other);
        }
      }
    }
    return inside.length;
  }

  /**
   * Fills: takes the end with the smallest share per transfer, again and again; shares only grow. True:
   * a border became full, the region has grown and must be filled again.
   */
  private fillRegion(fill: number): boolean {
    const { heap, left, unfixed, insideIn, fixedIn, foundIn, newRates } = this;
    const { heads, nexts, senders, receivers } = this.lists;
    const round = ++this.rounds;
    let grown = false;
    this.prepare(fill);
    while (heap.size > 0) {
      const expected = heap.firstShare;
      const end = heap.pop();
      if (unfixed[end] === 0) continue;
      const share = Math.max(0, left[end] / unfixed[end]);
      if (share > expected) {
        heap.push(end, share);
        continue;
      }
      if (insideIn[end] !== fill) {
        this.include(end, fill);
        grown = true;
      }
      const side = end & 1;
      const others = side === 0 ? receivers : senders;
      for (let t = heads[end]; t !== -1; t = nexts[2 * t + side]) {
        if (foundIn[t] !== fill || fixedIn[t] === round) continue;
        fixedIn[t] = round;
        newRates[t] = share;
        const other = others[t];
        left[other] -= share;
        unfixed[other]--;
      }
      left[end] = 0;
      unfixed[end] = 0;
    }
    return grown;
  }

  /** What each end has for the transfers of the region. */
  private prepare(fill: number): void {
    const { inside, border, heap, left, unfixed, insideIn, free, rates, touched } = this;
    const { counts, senders, receivers } = this.lists;
    heap.clear();
    for (const end of inside) {
      left[end] = this.capacity;
      unfixed[end] = counts[end];
    }
    for (const end of border) {
      if (insideIn[end] === fill) continue;
      left[end] = free[end];
      unfixed[end] = 0;
    }
    for (let i = 0; i < this.touchedCount; i++) {
      const transfer = touched[i];
      for (let side = 0; side < 2; side++) {
        const end = side === 0 ? senders[transfer] : receivers[transfer];
        if (insideIn[end] === fill) continue;
        left[end] += rates[transfer];
        unfixed[end]++;
      }
    }
    for (const end of inside) if (unfixed[end] > 0) heap.push(end, left[end] / unfixed[end]);
    for (const end of border) {
      if (insideIn[end] !== fill) heap.push(end, left[end] / unfixed[end]);
    }
  }

  private takeOver(): void {
    const { inside, border, free, left, rates, newRates, touched } = this;
    for (let i = 0; i < this.touchedCount; i++) rates[touched[i]] = newRates[touched[i]];
    for (const end of inside) free[end] = left[end];
    for (const end of border) free[end] = left[end];
  }
}
