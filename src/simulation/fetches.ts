/**
 * Objects on their way between modelled workers: asked for, sent, arrived. Owns the steps between the
 * worker core's startFetch and its answer; the network owns how long the bytes take.
 *
 *     asked ── holder has it ──▶ sent ── all bytes ──▶ done ──▶ worker's next turn
 *       └── it is gone, or dies ───────────────────▶ failed ─┘
 */
import type { ObjectFetch } from "../worker-core/index.js";
import { Rank } from "./event-queue.js";
import type { ModelledWorker } from "./modelled-worker.js";
import { EventKind, type SimulationCore } from "./simulation-core.js";

/** One fetch on its way; used again. */
export class FetchSlot {
  worker!: ModelledWorker;
  fetch!: ObjectFetch;
  /** Counts what the slot was used for: events of earlier uses are nobody's. */
  generation = 0;
  /** The network's number, -1: not being sent. */
  transfer = -1;
  failed = false;
  startedMs = 0;

  constructor(readonly number: number) {}
}

export class Fetches {
  /** Transfers that were completed, and their bytes. */
  count = 0;
  bytes = 0;
  aborted = 0;
  failures = 0;
  private readonly slots: FetchSlot[] = [];
  private readonly free: FetchSlot[] = [];
  private readonly slotOf = new Map<ObjectFetch, FetchSlot>();
  /** By the network's number. */
  private readonly slotOfTransfer: FetchSlot[] = [];

  constructor(
    private readonly simulation: SimulationCore,
    private readonly workers: readonly ModelledWorker[],
  ) {}

  /** The worker core wants the object from `fetch.holder`. */
  start(worker: ModelledWorker, fetch: ObjectFetch, atMs: number): void {
    let slot = this.free.pop();
    if (slot === undefined) {
      slot = new FetchSlot(this.slots.length);
      this.slots.push(slot);
    }
    slot.worker = worker;
    slot.fetch = fetch;
    slot.failed = false;
    slot.startedMs = atMs;
    this.slotOf.set(fetch, slot);
    worker.use.countFetches(1);
    this.plan(slot, atMs, EventKind.fetchAsked);
  }

  /** The worker core does not want it any more. */
  abort(fetch: ObjectFetch): void {
    const slot = this.slotOf.get(fetch);
    if (slot === undefined) return;
    this.aborted++;
    this.stopTransfer(slot);
    this.release(slot);
  }

  /** The request has reached the holder. */
  asked(number: number, generation: number): void {
    const slot = this.findSlot(number, generation);
    if (slot === undefined) return;
    const { nowMs, network } = this.simulation;
    const holder = this.workers[slot.fetch.holder];
    if (holder?.alive !== true || !holder.has(slot.fetch.row)) {
      this.fail(slot);
      return;
    }
    const sizeBytes = this.simulation.bytesAt(slot.fetch.row);
    if (sizeBytes === 0) {
      this.count++;
      this.plan(slot, nowMs, EventKind.fetchDone);
      return;
    }
    slot.transfer = network.start(nowMs, holder.index, slot.worker.index, sizeBytes);
    this.slotOfTransfer[slot.transfer] = slot;
  }

  /** All bytes of the network's first transfer have been sent. */
  sent(): void {
    const slot = this.slotOfTransfer[this.simulation.network.endFirst()];
    slot.transfer = -1;
    this.count++;
    this.bytes += this.simulation.bytesAt(slot.fetch.row);
    this.plan(slot, this.simulation.nowMs, EventKind.fetchDone);
  }

  /** It has arrived, or the refusal has: the worker will see it in its next turn. */
  arrived(number: number, generation: number, failed: boolean): void {
    const slot = this.findSlot(number, generation);
    if (slot === undefined) return;
    slot.failed = failed;
    slot.worker.fetchEnded(slot, slot.generation);
  }

  /** The worker looks at a fetch that has ended; undefined: it was aborted meanwhile. */
  take(slot: FetchSlot, generation: number): ObjectFetch | undefined {
    if (slot.generation !== generation) return undefined;
    const { fetch } = slot;
    this.release(slot);
    return fetch;
  }

  /** A worker has died: nothing comes from it or goes to it. */
  workerGone(worker: ModelledWorker): void {
    for (const transfer of this.simulation.network.transfersOf(worker.index)) {
      const slot = this.slotOfTransfer[transfer];
      this.stopTransfer(slot);
      this.aborted++;
      if (slot.worker !== worker) this.fail(slot);
    }
    for (const slot of this.slotOf.values()) if (slot.worker === worker) this.release(slot);
  }

  private fail(slot: FetchSlot): void {
    this.failures++;
    this.plan(slot, this.simulation.nowMs, EventKind.fetchFailed);
  }

  private plan(slot: FetchSlot, atMs: number, kind: number): void {
    const timeMs = atMs + this.simulation.costs.latencyMs;
    this.simulation.queue.add(timeMs, Rank.normal, kind, slot.number, slot.generation);
  }

  private stopTransfer(slot: FetchSlot): void {
    if (slot.transfer === -1) return;
    this.simulation.network.stop(slot.transfer);
    slot.transfer = -1;
  }

  private release(slot: FetchSlot): void {
    this.slotOf.delete(slot.fetch);
    slot.worker.use.countFetches(-1);
    slot.generation = (slot.generation + 1) | 0;
    this.free.push(slot);
  }

  private findSlot(number: number, generation: number): FetchSlot | undefined {
    const slot = this.slots[number];
    return slot.generation === generation ? slot : undefined;
  }
}
