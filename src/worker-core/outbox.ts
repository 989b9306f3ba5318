/**
 * What the worker's core tells the outside to do. Implemented by the worker (sockets,
 * object store, executors), by the simulator and by the tests' harness.
 *
 * No method may call back into the core before it returns: a fetch that fails at once is
 * reported later.
 */
import type { ObjectFetch, WorkerTask } from "./worker-task.js";

/** Effects of the core. The first group are messages to the server. */
export interface WorkerOutbox {
  finished(
    row: number,
    attempt: number,
    sizeBytes: number,
    durationUs: number,
    inline: Uint8Array | undefined,
  ): void;
  failed(row: number, attempt: number, failure: Uint8Array): void;
  started(row: number, attempt: number): void;
  retracted(row: number, attempt: number): void;
  inputLost(row: number, attempt: number, inputRow: number, holder: number): void;
  /** A copy of the object is in the store. */
  fetched(row: number): void;

  /** Put a plain object with the bytes `frame[start, start + length)` into the store. */
  storeInline(row: number, frame: Uint8Array, start: number, length: number): void;
  /** Remove the object from the store. */
  dropObject(row: number): void;
  /** Get the object from worker `fetch.holder`. Answered by fetchSucceeded or fetchFailed. */
  startFetch(fetch: ObjectFetch): void;
  /** Stop the fetch; whatever comes of it is not wanted. Not answered. */
  abortFetch(fetch: ObjectFetch): void;
  /** Stop the running task; answered as every task, by taskFinished or taskFailed. */
  cancelTask(task: WorkerTask): void;
}
