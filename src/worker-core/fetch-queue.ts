/**
 * Which downloads are active and which wait: at most {@link MAX_FETCHES} at once, at most
 * {@link MAX_FETCHES_PER_HOLDER} from one worker, first those that tasks here wait for, then those
 * for tasks to come, in the order they were asked for. A fetch is queued at one of its holders, the
 * one with least to do among those not asked yet.
 */
import type { ObjectFetch } from "./worker-task.js";

export const MAX_FETCHES = 8;
export const MAX_FETCHES_PER_HOLDER = 4;

class HolderQueue {
  active = 0;
  readonly urgent = new Set<ObjectFetch>();
  readonly prefetches = new Set<ObjectFetch>();

  get pending(): number {
    return this.urgent.size + this.prefetches.size;
  }

  setOf({ urgent }: ObjectFetch): Set<ObjectFetch> {
    return urgent ? this.urgent : this.prefetches;
  }

  /** What is to start first. */
  head(): ObjectFetch | undefined {
    const [head] = this.urgent.size > 0 ? this.urgent : this.prefetches;
    return head;
  }
}

export class FetchQueue {
  private active = 0;
  private pending = 0;
  /** Only holders with something active or pending. */
  private readonly holders = new Map<number, HolderQueue>();

  /** Queues the fetch at a holder not tried yet; false if there is none. */
  add(fetch: ObjectFetch): boolean {
    let best = -1;
    let bestLoad = Number.POSITIVE_INFINITY;
    for (let i = 0; i < fetch.holders.length; i++) {
      if (fetch.tried[i]) continue;
      const queue = this.holders.get(fetch.holders[i]);
      const load = queue === undefined ? 0 : queue.active + queue.pending;
      if (load < bestLoad) {
        best = i;
        bestLoad = load;
      }
    }
    if (best === -1) return false;
    fetch.tried[best] = true;
    fetch.holder = fetch.holders[best];
    let queue = this.holders.get(fetch.holder);
    if (queue === undefined) {
      queue = new HolderQueue();
      this.holders.set(fetch.holder, queue);
    }
    queue.setOf(fetch).add(fetch);
    this.pending++;
    return true;
  }

  /** A task waits for the fetch now. */
  makeUrgent(fetch: ObjectFetch): void {
    if (fetch.urgent) return;
    const waits = !fetch.active && this.holders.get(fetch.holder)!.prefetches.delete(fetch);
    fetch.urgent = true;
    if (waits) this.holders.get(fetch.holder)!.urgent.add(fetch);
  }

  /** Makes the next fetch that may start active and returns it. */
  next(): ObjectFetch | undefined {
    if (this.pending === 0 || this.active >= MAX_FETCHES) return undefined;
    let best: ObjectFetch | undefined;
    for (const queue of this.holders.values()) {
      if (queue.active >= MAX_FETCHES_PER_HOLDER) continue;
      const head = queue.head();
      if (head !== undefined && (best === undefined || goesBefore(head, best))) best = head;
    }
    if (best === undefined) return undefined;
    const queue = this.holders.get(best.holder)!;
    queue.setOf(best).delete(best);
    this.pending--;
    queue.active++;
    this.active++;
    best.active = true;
    return best;
  }

  /** Takes the fetch out, active or pending. */
  remove(fetch: ObjectFetch): void {
    const queue = this.holders.get(fetch.holder)!;
    if (fetch.active) {
      fetch.active = false;
      queue.active--;
      this.active--;
    } else {
      queue.setOf(fetch).delete(fetch);
      this.pending--;
    }
    if (queue.active === 0 && queue.pending === 0) this.holders.delete(fetch.holder);
  }

  /** Throws when limits or counts are wrong; `live` are the fetches that rows know of. */
  checkInvariants(live: ReadonlySet<ObjectFetch>): void {
    let active = 0;
    let pending = 0;
    for (const [holder, queue] of this.holders) {
      if (queue.active > MAX_FETCHES_PER_HOLDER) throw new Error(`${holder}: too many fetches`);
      active += queue.active;
      pending += queue.pending;
      for (const fetch of [...queue.urgent, ...queue.prefetches]) {
        if (!live.has(fetch)) throw new Error(`pending fetch of row ${fetch.row} is not live`);
        const right = !fetch.active && fetch.holder === holder && queue.setOf(fetch).has(fetch);
        if (!right) throw new Error("pending fetch is misplaced");
      }
    }
    if (active !== this.active || active > MAX_FETCHES)
      throw new Error("active fetches miscounted");
    if (pending !== this.pending) throw new Error("pending fetches miscounted");
    if (active + pending !== live.size) throw new Error("fetches lost or superfluous");
    if (pending > 0 && active === 0) throw new Error("fetches wait though none is active");
  }
}

function goesBefore(a: ObjectFetch, b: ObjectFetch): boolean {
  return a.urgent === b.urgent ? a.order < b.order : a.urgent;
}
