/**
 * An approximation of FairNetwork for large clusters, where computing max-min fair rates at each
 * event costs more than it tells: a transfer gets the smaller of two equal shares, that of the
 * sender among what it sends, and that of the receiver among what it receives. Never more than fair, and
 * a change concerns only the transfers at its two ends. Called by Copies, like FairNetwork.
 */
import { TimeHeap } from "./time-heap.js";

export class EqualShareNetwork {
  /** When the next transfer ends; Infinity: none runs. */
  nextEndMs = Number.POSITIVE_INFINITY;
  /** Steps done so far. */
  work = 0;

  // Ends: senders 0..workers-1, then receivers. Entry 2t of a transfer is in the list of its
  // sender, 2t + 1 in that of its receiver.
  private readonly first: Int32Array;
  private readonly count: Int32Array;
  private readonly end: Int32Array;
  private readonly after: Int32Array;
  private readonly before: Int32Array;
  private readonly changed: number[] = [];
  private readonly isChanged: Uint8Array;

  private readonly leftBytes: Float64Array;
  private readonly rate: Float64Array;
  private readonly sinceMs: Float64Array;
  /** Infinity: the transfer has ended. */
  private readonly endMs: Float64Array;
  /** Ends of transfers; entries that do not agree with `endMs` any more are skipped. */
  private readonly ends = new TimeHeap(64);

  constructor(
    private readonly workers: number,
    private readonly bytesPerMs: number,
    maxTransfers: number,
  ) {
    this.first = new Int32Array(2 * workers);
    this.count = new Int32Array(2 * workers);
    this.isChanged = new Uint8Array(2 * workers);
    this.end = new Int32Array(2 * maxTransfers);
    this.after = new Int32Array(2 * maxTransfers);
    this.before = new Int32Array(2 * maxTransfers);
    this.leftBytes = new Float64Array(maxTransfers);
    this.rate = new Float64Array(maxTransfers);
    this.sinceMs = new Float64Array(maxTransfers);
    this.endMs = new Float64Array(maxTransfers);
    this.reset();
  }

  reset(): void {
    this.nextEndMs = Number.POSITIVE_INFINITY;
    this.first.fill(-1);
    this.count.fill(0);
    this.isChanged.fill(0);
    this.changed.length = 0;
    this.ends.clear();
  }

  begin(transfer: number, source: number, target: number, bytes: number, nowMs: number): void {
    this.leftBytes[transfer] = bytes;
    this.rate[transfer] = 0;
    this.sinceMs[transfer] = nowMs;
    this.endMs[transfer] = Number.POSITIVE_INFINITY;
    this.attach(2 * transfer, source);
    this.attach(2 * transfer + 1, this.workers + target);
  }

  /** Takes out the transfers that end at `nextEndMs` into `ended`. */
  finish(ended: number[]): void {
    const { ends, nextEndMs } = this;
    ended.length = 0;
    while (ends.size > 0 && ends.firstMs <= nextEndMs) {
      const timeMs = ends.firstMs;
      const transfer = ends.pop();
      if (this.endMs[transfer] !== timeMs) continue;
      this.endMs[transfer] = Number.POSITIVE_INFINITY;
      this.detach(2 * transfer);
      this.detach(2 * transfer + 1);
      ended.push(transfer);
    }
  }

  /** Transfers have begun or ended: new rates, new `nextEndMs`. */
  settle(nowMs: number): void {
    const { changed, ends, endMs } = this;
    for (let i = 0; i < changed.length; i++) {
      const end = changed[i];
      this.isChanged[end] = 0;
      this.work += this.count[end];
      for (let at = this.first[end]; at >= 0; at = this.after[at]) this.update(at >> 1, nowMs);
    }
    changed.length = 0;
    while (ends.size > 0 && endMs[ends.first] !== ends.firstMs) ends.pop();
    this.nextEndMs = ends.firstMs;
  }

  private update(transfer: number, nowMs: number): void {
    const { count, end } = this;
    const crowd = Math.max(count[end[2 * transfer]], count[end[2 * transfer + 1]]);
    const rate = this.bytesPerMs / crowd;
    if (this.rate[transfer] === rate) return;
    const passedMs = nowMs - this.sinceMs[transfer];
    const left = Math.max(this.leftBytes[transfer] - this.rate[transfer] * passedMs, 0);
    this.leftBytes[transfer] = left;
    this.sinceMs[transfer] = nowMs;
    this.rate[transfer] = rate;
    this.endMs[transfer] = nowMs + left / rate;
    this.ends.push(this.endMs[transfer], transfer);
    this.work += 4;
  }

  private attach(at: number, end: number): void {
    const first = this.first[end];
    this.end[at] = end;
    this.before[at] = -1;
    this.after[at] = first;
    if (first >= 0) this.before[first] = at;
    this.first[end] = at;
    this.count[end]++;
    this.change(end);
  }

  private detach(at: number): void {
    const end = this.end[at];
    const before = this.before[at];
    const after = this.after[at];
    if (before >= 0) this.after[before] = after;
    else this.first[end] = after;
    if (after >= 0) this.before[after] = before;
    this.count[end]--;
    this.change(end);
  }

  private change(end: number): void {
    if (this.isChanged[end] === 1) return;
    this.isChanged[end] = 1;
    this.changed.push(end);
  }
}
