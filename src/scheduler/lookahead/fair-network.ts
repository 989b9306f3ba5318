/**
 * Transfers between workers that share the network max-min fairly: every worker sends and
 * receives at most `bytesPerMs`; a link is a pair of workers with at least one transfer; rates of
 * links are filled progressively (repeatedly the end with the least left per link fixes its
 * links), and the transfers on one link share its rate. Owns: rates and when transfers end. Does
 * not own: which transfers run. Called by the evaluator: `begin` and `finished` at one instant,
 * then `settle`.
 *
 * Rates of links only change when a link comes or goes, and only among the links connected with
 * it, so that is all that is computed anew.
 */

/** A transfer is done when less is left (2e-6 MiB). */
const DONE_BYTES = 2e-6 * 2 ** 20;

export class FairNetwork {
  /** When the next transfer ends; Infinity: none runs. */
  nextEndMs = Number.POSITIVE_INFINITY;
  /** Steps done so far: what this cost. */
  work = 0;

  private readonly bytesPerMs: number;
  private readonly workers: number;

  // Links: the ends of link l are linkEnd[2l] (sender) and linkEnd[2l + 1] (receiver).
  private linkCount = 0;
  private readonly freeLinks: number[] = [];
  private linkEnd = new Int32Array(64);
  private linkTransfers = new Int32Array(32);
  private linkRate = new Float64Array(32);
  /** Neighbours in the list of links of an end, by the same index as linkEnd. */
  private after = new Int32Array(64);
  private before = new Int32Array(64);
  /** First transfer on a link. */
  private linkFirst = new Int32Array(32);
  private readonly touched: number[] = [];
  private linkTouched = new Uint8Array(32);
  private linkFixed = new Int32Array(32);
  private newRate = new Float64Array(32);

  // Ends: senders 0..workers-1, then receivers.
  private readonly firstLink: Int32Array;
  private readonly degree: Int32Array;
  private readonly left: Float64Array;
  private readonly open: Int32Array;
  private readonly endSeen: Int32Array;
  private readonly component: Int32Array;
  private seen = 0;
  /** Links among the ends of `component`. */
  private links = new Int32Array(32);
  private componentLinks = 0;

  // Running transfers, in the order they began.
  private running = 0;
  private transfer = new Int32Array(32);
  private readonly linkOf: Int32Array;
  private readonly nextOnLink: Int32Array;
  private readonly leftBytes: Float64Array;
  private readonly rate: Float64Array;
  private readonly sinceMs: Float64Array;
  private readonly endMs: Float64Array;

  constructor(workers: number, bytesPerMs: number, maxTransfers: number) {
    this.workers = workers;
    this.bytesPerMs = bytesPerMs;
    const ends = 2 * workers;
    this.firstLink = new Int32Array(ends);
    this.degree = new Int32Array(ends);
    this.left = new Float64Array(ends);
    this.open = new Int32Array(ends);
    this.endSeen = new Int32Array(ends);
    this.component = new Int32Array(ends);
    this.linkOf = new Int32Array(maxTransfers);
    this.nextOnLink = new Int32Array(maxTransfers);
    this.leftBytes = new Float64Array(maxTransfers);
    this.rate = new Float64Array(maxTransfers);
    this.sinceMs = new Float64Array(maxTransfers);
    this.endMs = new Float64Array(maxTransfers);
    this.reset();
  }

  reset(): void {
    this.nextEndMs = Number.POSITIVE_INFINITY;
    this.running = 0;
    this.linkCount = 0;
    this.freeLinks.length = 0;
    this.touched.length = 0;
    this.firstLink.fill(-1);
    this.degree.fill(0);
  }

  begin(transfer: number, source: number, target: number, bytes: number, nowMs: number): void {
    const link = this.findLink(source, target) ?? this.addLink(source, this.workers + target);
    this.touch(link);
    this.linkTransfers[link]++;
    this.linkOf[transfer] = link;
    this.nextOnLink[transfer] = this.linkFirst[link];
    this.linkFirst[link] = transfer;
    this.leftBytes[transfer] = bytes;
    this.rate[transfer] = 0;
    this.sinceMs[transfer] = nowMs;
    this.endMs[transfer] = Number.POSITIVE_INFINITY;
    if (this.running === this.transfer.length) this.transfer = grown(this.transfer);
    this.transfer[this.running++] = transfer;
  }

  /** Takes out the transfers that end at `nextEndMs`, in the order they began, into `ended`. */
  finish(ended: number[]): void {
    const nowMs = this.nextEndMs;
    const { transfer, linkFirst, nextOnLink } = this;
    ended.length = 0;
    let kept = 0;
    for (let i = 0; i < this.running; i++) {
      const number = transfer[i];
      const restMs = this.endMs[number] - nowMs;
      if (restMs > 0 && restMs * this.rate[number] >= DONE_BYTES) {
        transfer[kept++] = number;
        continue;
      }
      ended.push(number);
      const link = this.linkOf[number];
      this.touch(link);
      this.linkTransfers[link]--;
      let at = linkFirst[link];
      if (at === number) linkFirst[link] = nextOnLink[number];
      else {
        while (nextOnLink[at] !== number) at = nextOnLink[at];
        nextOnLink[at] = nextOnLink[number];
      }
    }
    this.running = kept;
  }

  /** Transfers have begun or ended: new rates, new `nextEndMs`. */
  settle(nowMs: number): void {
    const { touched, linkEnd } = this;
    if (touched.length === 0) return;
    this.seen++;
    let size = 0;
    for (let i = 0; i < touched.length; i++) {
      const link = touched[i];
      if (this.linkTransfers[link] === 0) this.removeLink(link);
      else if (this.linkRate[link] >= 0) continue;
      // The link went, or is new: all that is connected with its ends changes.
      size = this.include(linkEnd[2 * link], size);
      size = this.include(linkEnd[2 * link + 1], size);
    }
    if (size > 0) this.fill(this.reach(size));
    // fill() has touched the links whose rates changed.
    for (let i = 0; i < touched.length; i++) {
      const link = touched[i];
      this.linkTouched[link] = 0;
      if (this.linkTransfers[link] > 0) this.applyRate(link, nowMs);
    }
    touched.length = 0;
    let next = Number.POSITIVE_INFINITY;
    for (let slot = 0; slot < this.running; slot++) {
      const end = this.endMs[this.transfer[slot]];
      if (end < next) next = end;
    }
    this.nextEndMs = next;
    this.work += this.running;
  }

  private include(end: number, size: number): number {
    if (this.endSeen[end] === this.seen) return size;
    this.endSeen[end] = this.seen;
    this.component[size] = end;
    return size + 1;
  }

  /** Completes `component` (its first `size` ends are given) to all ends connected with them. */
  private reach(size: number): number {
    let links = 0;
    for (let i = 0; i < size; i++) {
      const end = this.component[i];
      const side = end < this.workers ? 0 : 1;
      this.left[end] = this.bytesPerMs;
      this.open[end] = this.degree[end];
      for (let at = this.firstLink[end]; at >= 0; at = this.after[at]) {
        const other = this.linkEnd[at ^ 1];
        if (side === 0) {
          if (links === this.links.length) this.links = grown(this.links);
          this.links[links++] = at >> 1;
          this.linkFixed[at >> 1] = 0;
        }
        size = this.include(other, size);
      }
    }
    this.componentLinks = links;
    this.work += size + links;
    return size;
  }

  private fill(size: number): void {
    const { component, left, open, after, linkEnd, linkFixed, linkRate } = this;
    let ends = 0;
    for (let i = 0; i < size; i++) if (open[component[i]] > 0) component[ends++] = component[i];
    while (ends > 0) {
      let least = Number.POSITIVE_INFINITY;
      for (let i = 0; i < ends; i++) {
        const end = component[i];
        if (open[end] > 0 && left[end] < least * open[end]) least = left[end] / open[end];
      }
      // Shares of other ends only grow by this, so that all that are least can go in one round.
      const limit = least * (1 + 1e-12);
      let kept = 0;
      this.work += ends;
      for (let i = 0; i < ends; i++) {
        const end = component[i];
        if (open[end] === 0) continue;
        if (left[end] / open[end] > limit) {
          component[kept++] = end;
          continue;
        }
        for (let at = this.firstLink[end]; at >= 0; at = after[at]) {
          const link = at >> 1;
          if (linkFixed[link] === 1) continue;
          linkFixed[link] = 1;
          this.newRate[link] = least;
          const other = linkEnd[at ^ 1];
          left[other] -= least;
          open[other]--;
        }
        open[end] = 0;
      }
      ends = kept;
    }
    for (let i = 0; i < this.componentLinks; i++) {
      const link = this.links[i];
      // A rate that stays needs no update of its transfers.
      if (linkRate[link] !== this.newRate[link]) {
        linkRate[link] = this.newRate[link];
        this.touch(link);
      }
    }
  }

  private applyRate(link: number, nowMs: number): void {
    const rate = this.linkRate[link] / this.linkTransfers[link];
    for (let at = this.linkFirst[link]; at >= 0; at = this.nextOnLink[at]) {
      if (this.rate[at] === rate) continue;
      const left = this.leftBytes[at] - this.rate[at] * (nowMs - this.sinceMs[at]);
      this.leftBytes[at] = Math.max(left, 0);
      this.sinceMs[at] = nowMs;
      this.rate[at] = rate;
      this.endMs[at] = nowMs + this.leftBytes[at] / rate;
    }
  }

  private touch(link: number): void {
    if (this.linkTouched[link] === 1) return;
    this.linkTouched[link] = 1;
    this.touched.push(link);
  }

  /** A worker receives over few links, so that looking through them is the fastest. */
  private findLink(source: number, target: number): number | undefined {
    for (let at = this.firstLink[this.workers + target]; at >= 0; at = this.after[at]) {
      if (this.linkEnd[at ^ 1] === source) return at >> 1;
    }
    return undefined;
  }

  private addLink(sender: number, receiver: number): number {
    const link = this.freeLinks.pop() ?? this.linkCount++;
    if (link === this.linkTransfers.length) this.growLinks();
    this.linkTransfers[link] = 0;
    this.linkRate[link] = -1;
    this.linkFirst[link] = -1;
    this.linkTouched[link] = 0;
    this.attach(2 * link, sender);
    this.attach(2 * link + 1, receiver);
    return link;
  }

  private attach(at: number, end: number): void {
    const first = this.firstLink[end];
    this.linkEnd[at] = end;
    this.before[at] = -1;
    this.after[at] = first;
    if (first >= 0) this.before[first] = at;
    this.firstLink[end] = at;
    this.degree[end]++;
  }

  private removeLink(link: number): void {
    for (let at = 2 * link; at <= 2 * link + 1; at++) {
      const end = this.linkEnd[at];
      const before = this.before[at];
      const after = this.after[at];
      if (before >= 0) this.after[before] = after;
      else this.firstLink[end] = after;
      if (after >= 0) this.before[after] = before;
      this.degree[end]--;
    }
    this.freeLinks.push(link);
  }

  private growLinks(): void {
    this.linkEnd = grown(this.linkEnd);
    this.after = grown(this.after);
    this.before = grown(this.before);
    this.linkTransfers = grown(this.linkTransfers);
    this.linkFirst = grown(this.linkFirst);
    this.linkFixed = grown(this.linkFixed);
    const touched = new Uint8Array(this.linkTouched.length * 2);
    touched.set(this.linkTouched);
    this.linkTouched = touched;
    const rate = new Float64Array(this.linkRate.length * 2);
    rate.set(this.linkRate);
    this.linkRate = rate;
    this.newRate = new Float64Array(rate.length);
  }
}

function grown(array: Int32Array): Int32Array<ArrayBuffer> {
  const larger = new Int32Array(array.length * 2);
  larger.set(array);
  return larger;
}
