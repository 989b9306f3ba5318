/**
 * The modelled network between workers: transfers of objects that share the bandwidth of the
 * workers' two ends max-min fairly. Owns the bytes still to go of each transfer and when it ends;
 * latency and messages are the simulation's. Called by the simulation.
 */
import { EndHeap } from "./end-heap.js";
import { MaxMinRates } from "./max-min.js";

export class Network {
  private readonly fair: MaxMinRates;
  private readonly ends = new EndHeap();
  private readonly freeNumbers: number[] = [];
  private numbers = 0;
  /** By transfer. */
  private leftBytes = new Float64Array(64);
  /** When `leftBytes` was right. */
  private sinceMs = new Float64Array(64);
  private usedRates = new Float64Array(64);

  /** @param bytesPerMs what each worker can send, and receive; infinity is allowed */
  constructor(private readonly bytesPerMs: number) {
    this.fair = new MaxMinRates(bytesPerMs);
  }

  addWorker(worker: number): void {
    this.fair.addWorker(worker);
  }

  /** When the next transfer ends; only right when `stale` is false. */
  get nextEndMs(): number {
    return this.ends.firstTimeMs;
  }

  /** Transfers have come or gone: call share() before time goes on. */
  get stale(): boolean {
    return this.fair.stale;
  }

  /** Begins to send an object; returns the transfer's number, free again when it has ended. */
  start(nowMs: number, from: number, to: number, sizeBytes: number): number {
    const transfer = this.freeNumbers.pop() ?? this.numbers++;
    if (transfer >= this.leftBytes.length) this.grow();
    this.leftBytes[transfer] = sizeBytes;
    this.sinceMs[transfer] = nowMs;
    this.usedRates[transfer] = 0;
    this.fair.add(transfer, from, to);
    // Until share(): those without bytes end at once, others not yet.
    const endless = sizeBytes > 0 && this.bytesPerMs !== Number.POSITIVE_INFINITY;
    this.ends.set(transfer, endless ? Number.POSITIVE_INFINITY : nowMs);
    return transfer;
  }

  /** Takes out the transfer that ends first and returns its number. */
  endFirst(): number {
    const transfer = this.ends.first;
    this.stop(transfer);
    return transfer;
  }

  /** Takes a transfer out. */
  stop(transfer: number): void {
    this.ends.remove(transfer);
    this.fair.remove(transfer);
    this.freeNumbers.push(transfer);
  }

  /** The transfers that a worker sends and receives. */
  transfersOf(worker: number): number[] {
    const found: number[] = [];
    for (const side of [0, 1] as const) {
      let transfer = this.fair.firstAt(worker, side);
      for (; transfer !== -1; transfer = this.fair.nextAt(transfer, side)) {
        if (!found.includes(transfer)) found.push(transfer);
      }
    }
    return found.sort((x, y) => x - y);
  }

  /** Shares the bandwidth anew after transfers have come or gone. */
  share(nowMs: number): void {
    const { fair, usedRates, leftBytes, sinceMs, ends } = this;
    fair.fill();
    if (this.bytesPerMs === Number.POSITIVE_INFINITY) return;
    const { touched, touchedCount, rates } = fair;
    for (let i = 0; i < touchedCount; i++) {
      const transfer = touched[i];
      const rate = rates[transfer];
      const before = usedRates[transfer];
      if (rate === before) continue;
      const left = Math.max(0, leftBytes[transfer] - before * (nowMs - sinceMs[transfer]));
      leftBytes[transfer] = left;
      sinceMs[transfer] = nowMs;
      usedRates[transfer] = rate;
      ends.set(transfer, nowMs + left / rate);
    }
  }

  private grow(): void {
    const size = this.leftBytes.length * 2;
    const columns = [this.leftBytes, this.sinceMs, this.usedRates].map((column) => {
      const bigger = new Float64Array(size);
      bigger.set(column);
      return bigger;
    });
    [this.leftBytes, this.sinceMs, this.usedRates] = columns;
  }
}
