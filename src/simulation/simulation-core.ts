/**
 * What server, workers and loop of one simulation share: the time, what is going to happen,
 * messages on their way, the network, and where the time went. Owns how things are planned.
 */

import { CoreTime } from "./core-time.js";
import type { Costs } from "./costs.js";
import { EventQueue, Rank } from "./event-queue.js";
import { StreamPool } from "./message-stream.js";
import { Network } from "./network.js";
import { Progress } from "./progress.js";
import { INLINE_LIMIT } from "./wire-numbers.js";
import type { Workload } from "./workload.js";

/** Kinds of events, with what their two numbers are. */
export const EventKind = {
  /** a message stream reaches the server: worker, stream */
  toServer: 0,
  /** a message stream reaches a worker: worker, stream */
  toWorker: 1,
  serverTurn: 2,
  /** nothing may have happened for a while */
  serverTick: 3,
  /** a worker's thread goes on: worker */
  workerTurn: 4,
  /** a task with a request ends: run, its generation */
  runEnd: 5,
  /** a request for an object reaches its holder: fetch, its generation */
  fetchAsked: 6,
  /** an object has come: fetch, its generation */
  fetchDone: 7,
  /** a holder does not give the object: fetch, its generation */
  fetchFailed: 8,
  /** the next fault is due */
  fault: 9,
  /** the server sees that a worker's connection is closed: worker */
  workerGone: 10,
} as const;

export class SimulationCore {
  nowMs = 0;
  readonly queue = new EventQueue();
  readonly pool = new StreamPool();
  readonly time = new CoreTime();
  readonly progress: Progress;
  readonly network: Network;
  /** Row of the workload's first task in the server's table. */
  firstRow = 0;
  /** When the task that ended last did. */
  lastEndMs = 0;
  /** Tasks that were ended by their own workers as impossible. */
  readonly light: Uint8Array;

  constructor(
    readonly workload: Workload,
    readonly costs: Costs,
    bytesPerMs: number,
  ) {
    this.network = new Network(bytesPerMs);
    this.progress = new Progress(workload, this.time);
    this.light = Uint8Array.from(workload.kinds, ({ request }) =>
      request.cpus === 0 && request.amounts.length === 0 ? 1 : 0,
    );
  }

  /** The workload's task in this row. */
  taskAt(row: number): number {
    return row - this.firstRow;
  }

  /** Bytes of the object in this row. */
  bytesAt(row: number): number {
    return this.workload.outputBytes[row - this.firstRow];
  }

  /** Whether results of this size travel inside messages. */
  isInline(sizeBytes: number): boolean {
    return sizeBytes <= INLINE_LIMIT;
  }

  sendToWorker(atMs: number, worker: number, stream: number): void {
    const timeMs = atMs + this.costs.latencyMs;
    this.queue.add(timeMs, Rank.normal, EventKind.toWorker, worker, stream);
  }

  sendToServer(atMs: number, worker: number, stream: number): void {
    const timeMs = atMs + this.costs.latencyMs;
    this.queue.add(timeMs, Rank.normal, EventKind.toServer, worker, stream);
  }
}
