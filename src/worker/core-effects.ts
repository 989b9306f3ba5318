/**
 * Carries out what the worker's core wants done: records for the server, objects into and out of the
 * store, fetches. Created by the task runner.
 */
import { type ObjectStore, plainObject } from "../object-store/index.js";
import type { WorkerToServerWriter } from "../protocol/index.js";
import type { ObjectFetch, WorkerOutbox, WorkerTask } from "../worker-core/index.js";
import type { Measurements } from "./measurements.js";

/** What others do. */
export interface EffectsElsewhere {
  start(fetch: ObjectFetch): void;
  abort(fetch: ObjectFetch): void;
  cancel(task: WorkerTask): void;
}

export class CoreEffects implements WorkerOutbox {
  constructor(
    private readonly writer: WorkerToServerWriter,
    private readonly measurements: Measurements,
    private readonly store: ObjectStore,
    private readonly elsewhere: EffectsElsewhere,
  ) {}

  finished(
    row: number,
    attempt: number,
    sizeBytes: number,
    durationUs: number,
    inline: Uint8Array | undefined,
  ): void {
    const { takesNoMemory } = this.measurements;
    this.writer.finished(row, attempt, sizeBytes, durationUs, inline, takesNoMemory);
  }

  failed(row: number, attempt: number, failure: Uint8Array): void {
    this.writer.failed(row, attempt, failure);
  }

  started(row: number, attempt: number): void {
    this.writer.started(row, attempt);
  }

  retracted(row: number, attempt: number): void {
    this.writer.retracted(row, attempt);
  }

  inputLost(row: number, attempt: number, inputRow: number, holder: number): void {
    this.writer.inputLost(row, attempt, inputRow, holder);
  }

  fetched(row: number): void {
    this.writer.fetched(row, this.measurements.transferUs);
  }

  storeInline(row: number, frame: Uint8Array, start: number, length: number): void {
    this.store.put(row, plainObject(copyRange(frame, start, length)));
  }

  dropObject(row: number): void {
    this.store.drop(row);
  }

  startFetch(fetch: ObjectFetch): void {
    this.measurements.transferStarted(fetch);
    this.elsewhere.start(fetch);
  }

  abortFetch(fetch: ObjectFetch): void {
    this.measurements.transferEnded(fetch);
    this.elsewhere.abort(fetch);
  }

  cancelTask(task: WorkerTask): void {
    this.elsewhere.cancel(task);
  }
}

/** A loop beats slice() for these few bytes. */
function copyRange(source: Uint8Array, start: number, length: number): Uint8Array {
  const copy = new Uint8Array(length);
  for (let i = 0; i < length; i++) copy[i] = source[start + i];
  return copy;
}
