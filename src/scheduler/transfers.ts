/**
 * Large objects on their way between workers, and what is known of the network. Owns who is about to
 * have which object; asked by placement. Small objects are not worth the entries.
 */
import type { WorkerLoad } from "./worker-load.js";

/** Objects of fewer bytes arrive at once, as far as placement is concerned. */
export const LARGE_BYTES = 100_000;
/** Weight of the newest measurement of the bandwidth. */
const NEWEST = 0.1;
/** What takes so many times as long as it should is late. */
const OVERDUE = 1.5;
/** What a late transfer says of the network is believed for so many times as long as it was waited for. */
const DOUBTED = 10;

/** What the network can do. */
export interface NetworkModel {
  /** Bytes a millisecond that a worker receives; also what it sends. */
  readonly bytesPerMs: number;
  readonly latencyMs: number;
  /** Downloads of a worker at once, and those of them from one source. */
  readonly maxDownloads: number;
  readonly maxDownloadsPerSource: number;
}

/** Assumed until something is measured: 1 GB/s. */
export const DEFAULT_NETWORK: NetworkModel = {
  bytesPerMs: 1e6,
  latencyMs: 0.2,
  maxDownloads: 8,
  maxDownloadsPerSource: 4,
};

/** An object on its way to a worker. */
interface Way {
  readonly bytes: number;
  /** Number of tasks there that wait for it. */
  tasks: number;
  /** It was asked for without a task: it comes, be it needed or not. */
  prefetched: boolean;
}

export class Transfers {
  /** What estimates go by: as measured, or less where transfers that are under way say so. */
  network = DEFAULT_NETWORK;
  private measuredBytesPerMs = DEFAULT_NETWORK.bytesPerMs;
  /** What the network can do was told, and is not to be doubted. */
  private isKnown = false;
  /** Until then it is taken for slower than measured. */
  private doubtedUntilMs = Number.NEGATIVE_INFINITY;
  /** The pass after the last measured arrival. */
  private arrivedMs = Number.NEGATIVE_INFINITY;
  private hasArrived = false;
  /** Whether the bandwidth is known, or something is known of it. */
  isMeasured = false;
  /** By row, then by worker index. */
  private readonly onWay = new Map<number, Map<number, Way>>();

  setNetwork(network: NetworkModel): void {
    this.network = network;
    this.measuredBytesPerMs = network.bytesPerMs;
    this.isKnown = true;
    this.isMeasured = true;
  }

  /** Whether the object is on its way to the worker. */
  isOnWay(row: number, worker: number): boolean {
    return this.onWay.size > 0 && this.onWay.get(row)?.has(worker) === true;
  }

  /** The workers to which the object is on its way. */
  destinations(row: number): Iterable<number> {
    return this.onWay.get(row)?.keys() ?? [];
  }

  /** The worker has been told to fetch the object, for one more task; or without one, to have it. */
  begin(row: number, bytes: number, to: WorkerLoad, prefetched = false): void {
    let destinations = this.onWay.get(row);
    if (destinations === undefined) {
      destinations = new Map();
      this.onWay.set(row, destinations);
    }
    const way = destinations.get(to.index);
    if (way !== undefined) {
      if (prefetched) way.prefetched = true;
      else way.tasks++;
      return;
    }
    destinations.set(to.index, { bytes, tasks: prefetched ? 0 : 1, prefetched });
    to.expectBytes(bytes);
  }

  /** The object has arrived. `durationMs` 0: not measured. */
  arrived(row: number, bytes: number, to: WorkerLoad, durationMs: number): void {
    this.end(row, to);
    to.bytesCame();
    if (durationMs <= 0 || bytes < LARGE_BYTES) return;
    const measured = bytes / durationMs;
    const before = this.measuredBytesPerMs;
    // What was doubted is known now.
    this.measuredBytesPerMs = this.isDoubted ? measured : before + NEWEST * (measured - before);
    this.hasArrived = true;
    this.isMeasured = true;
    this.believe();
  }

  /**
   * Looks at what is under way to the worker. Where nothing has come for longer than it all should take, and nowhere
   * else either, the network is slower than was thought: it has moved less than these bytes in that time. That is
   * believed until something arrives, for a while also if it is given up.
   */
  lookAt(load: WorkerLoad, nowMs: number): void {
    if (!this.isOverdue(load, nowMs) || this.isKnown) return;
    const quietMs = load.incomingQuietMs(nowMs);
    if (this.arrivedMs > nowMs - quietMs) return;
    this.doubtedUntilMs = Math.max(this.doubtedUntilMs, nowMs + DOUBTED * quietMs);
    const bytesPerMs = load.incomingBytes / quietMs;
    if (bytesPerMs < this.network.bytesPerMs) this.network = { ...this.network, bytesPerMs };
  }

  /** Once before workers are looked at. */
  advance(nowMs: number): void {
    if (this.hasArrived) this.arrivedMs = nowMs;
    this.hasArrived = false;
    if (this.isDoubted && nowMs > this.doubtedUntilMs) this.believe();
  }

  /** Whether nothing has come to the worker for longer than all that is on its way should take. */
  isOverdue(load: WorkerLoad, nowMs: number): boolean {
    if (load.incomingBytes === 0) return false;
    const usualMs = this.network.latencyMs + load.incomingBytes / this.measuredBytesPerMs;
    return load.incomingQuietMs(nowMs) > OVERDUE * usualMs;
  }

  /** The object exists no more, or was lost. */
  forget(row: number, workers: readonly (WorkerLoad | undefined)[]): void {
    const destinations = this.onWay.get(row);
    if (destinations === undefined) return;
    for (const [worker, { bytes }] of destinations) workers[worker]?.expectBytes(-bytes);
    this.onWay.delete(row);
  }

  workerGone(worker: number): void {
    for (const [row, destinations] of this.onWay) {
      if (destinations.delete(worker) && destinations.size === 0) this.onWay.delete(row);
    }
  }

  /** One task less waits for the object there; nothing happens if none did. */
  cancel(row: number, to: WorkerLoad): void {
    const way = this.onWay.get(row)?.get(to.index);
    if (way === undefined) return;
    if (way.tasks > 0) way.tasks--;
    if (way.tasks === 0 && !way.prefetched) this.end(row, to);
  }

  private end(row: number, to: WorkerLoad): void {
    const destinations = this.onWay.get(row);
    const way = destinations?.get(to.index);
    if (destinations === undefined || way === undefined) return;
    destinations.delete(to.index);
    if (destinations.size === 0) this.onWay.delete(row);
    to.expectBytes(-way.bytes);
  }

  private get isDoubted(): boolean {
    return this.network.bytesPerMs < this.measuredBytesPerMs;
  }

  private believe(): void {
    this.doubtedUntilMs = Number.NEGATIVE_INFINITY;
    this.network = { ...this.network, bytesPerMs: this.measuredBytesPerMs };
  }
}
