/**
 * What a modelled worker's core wants done: messages to the server are written into a stream,
 * objects counted, fetches begun; the rest is the worker's. Part of ModelledWorker.
 */
import type { ObjectFetch, WorkerOutbox, WorkerTask } from "../worker-core/index.js";
import type { Fetches } from "./fetches.js";
import { type MessageStream, ToServer } from "./message-stream.js";
import type { ModelledWorker } from "./modelled-worker.js";
import type { SimulationCore } from "./simulation-core.js";

/** The server is told when the bytes of objects have changed by so many. */
const MEMORY_STEP_BYTES = 16 * 1024 * 1024;

export class WorkerEffects implements WorkerOutbox {
  /** Of the transfer that has ended last. */
  transferUs = 0;
  private stream = -1;
  /** What the server was told of the worker's memory. */
  private toldBytes = 0;

  constructor(
    private readonly simulation: SimulationCore,
    private readonly fetches: Fetches,
    private readonly worker: ModelledWorker,
  ) {}

  /** Sends what there is to say. */
  flush(atMs: number): void {
    const { memoryBytes } = this.worker.use;
    if (Math.abs(memoryBytes - this.toldBytes) >= MEMORY_STEP_BYTES) {
      this.toldBytes = memoryBytes;
      this.say(ToServer.memory, memoryBytes);
    }
    if (this.stream === -1) return;
    this.simulation.sendToServer(atMs, this.worker.index, this.stream);
    this.stream = -1;
  }

  /** Answers a ping. */
  pong(serial: number): void {
    this.say(ToServer.pong, serial);
  }

  finished(
    row: number,
    attempt: number,
    sizeBytes: number,
    durationUs: number,
    inline: Uint8Array | undefined,
  ): void {
    const stream = this.say(ToServer.finished, row);
    stream.write(attempt);
    stream.write(sizeBytes);
    stream.write(durationUs);
    stream.write(inline === undefined ? -1 : inline.length);
  }

  failed(row: number, attempt: number): void {
    this.say(ToServer.failed, row).write(attempt);
  }

  started(row: number, attempt: number): void {
    this.say(ToServer.started, row).write(attempt);
  }

  retracted(row: number, attempt: number): void {
    this.say(ToServer.retracted, row).write(attempt);
  }

  inputLost(row: number, attempt: number, inputRow: number, holder: number): void {
    const stream = this.say(ToServer.inputLost, row);
    stream.write(attempt);
    stream.write(inputRow);
    stream.write(holder);
  }

  fetched(row: number): void {
    this.say(ToServer.fetched, row).write(this.transferUs);
  }

  storeInline(row: number): void {
    this.worker.use.store(this.simulation.bytesAt(row));
  }

  dropObject(row: number): void {
    this.worker.use.drop(this.simulation.bytesAt(row));
  }

  startFetch(fetch: ObjectFetch): void {
    this.fetches.start(this.worker, fetch, this.worker.threadMs);
  }

  abortFetch(fetch: ObjectFetch): void {
    this.fetches.abort(fetch);
  }

  cancelTask(task: WorkerTask): void {
    this.worker.cancelRun(task);
  }

  private say(op: number, row: number): MessageStream {
    if (this.stream === -1) this.stream = this.simulation.pool.take();
    const stream = this.simulation.pool.get(this.stream);
    stream.write(op);
    stream.write(row);
    return stream;
  }
}
