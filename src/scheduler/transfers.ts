/**
 * Large objects on their way between workers, and what is known of the network. Owns who is about to
 * have which object; asked by placement. Small objects are not worth the entries.
 */
import type { WorkerLoad } from "./worker-load.js";

/** Objects of fewer bytes arrive at once, as far as placement is concerned. */
export const LARGE_BYTES = 100_000;
/** Weight of the newest measurement of the bandwidth. */
const NEWEST = 0.1;

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

export class Transfers {
  network = DEFAULT_NETWORK;
  /** By row, then by worker index. */
  private readonly onWay = new Map<number, Map<number, number>>();

  /** Whether the object is on its way to the worker. */
  isOnWay(row: number, worker: number): boolean {
    return this.onWay.size > 0 && this.onWay.get(row)?.has(worker) === true;
  }

  /** The workers to which the object is on its way. */
  destinations(row: number): Iterable<number> {
    return this.onWay.get(row)?.keys() ?? [];
  }

  /** The worker has been told to fetch the object. */
  begin(row: number, bytes: number, to: WorkerLoad): void {
    let destinations = this.onWay.get(row);
    if (destinations === undefined) {
      destinations = new Map();
      this.onWay.set(row, destinations);
    }
    if (destinations.has(to.index)) return;
    destinations.set(to.index, bytes);
    to.incomingBytes += bytes;
  }

  /** The object has arrived. `durationMs` 0: not measured. */
  arrived(row: number, bytes: number, to: WorkerLoad, durationMs: number): void {
    this.cancel(row, to);
    if (durationMs <= 0 || bytes < LARGE_BYTES) return;
    const { network } = this;
    const measured = bytes / durationMs;
    const bytesPerMs = network.bytesPerMs + NEWEST * (measured - network.bytesPerMs);
    this.network = { ...network, bytesPerMs };
  }

  /** The object exists no more, or was lost. */
  forget(row: number, workers: readonly (WorkerLoad | undefined)[]): void {
    const destinations = this.onWay.get(row);
    if (destinations === undefined) return;
    for (const [worker, bytes] of destinations) {
      const load = workers[worker];
      if (load !== undefined) load.incomingBytes -= bytes;
    }
    this.onWay.delete(row);
  }

  workerGone(worker: number): void {
    for (const [row, destinations] of this.onWay) {
      if (destinations.delete(worker) && destinations.size === 0) this.onWay.delete(row);
    }
  }

  /** Nobody waits for the object there any more; nothing happens if nobody did. */
  cancel(row: number, to: WorkerLoad): void {
    const destinations = this.onWay.get(row);
    const bytes = destinations?.get(to.index);
    if (destinations === undefined || bytes === undefined) return;
    destinations.delete(to.index);
    if (destinations.size === 0) this.onWay.delete(row);
    to.incomingBytes -= bytes;
  }
}
