/**
 * What the server is told besides what happens to tasks, so that it can plan: bytes of objects
 * in memory, and how long transfers take. Called by the task runner.
 */
import type { DataObject, ObjectStore } from "../object-store/index.js";
import { estimatedSizeOf } from "../object-store/index.js";
import type { WorkerToServerWriter } from "../protocol/index.js";
import type { ObjectFetch } from "../worker-core/index.js";

/** The server is told when the bytes of objects in memory have changed by so many. */
const MEMORY_STEP_BYTES = 16 * 1024 * 1024;

export class Measurements {
  /** The result that was put into the store last is in a file, or shares the bytes of others. */
  takesNoMemory = false;
  /** Microseconds of the transfer that has ended last. */
  transferUs = 0;
  private toldBytes = 0;
  private readonly startedMs = new Map<ObjectFetch, number>();

  constructor(
    private readonly store: ObjectStore,
    private readonly writer: WorkerToServerWriter,
  ) {}

  /** Puts the result into the store; returns its size. */
  putResult(row: number, object: DataObject): number {
    const size = estimatedSizeOf(object);
    const before = this.store.memoryBytes;
    this.store.put(row, object);
    this.takesNoMemory = 2 * (this.store.memoryBytes - before) < size;
    return size;
  }

  transferStarted(fetch: ObjectFetch): void {
    this.startedMs.set(fetch, performance.now());
  }

  /** It has ended, or was given up. Returns when it began; undefined: it had ended before. */
  transferEnded(fetch: ObjectFetch): number | undefined {
    const startedMs = this.startedMs.get(fetch);
    this.startedMs.delete(fetch);
    this.transferUs = startedMs === undefined ? 0 : (performance.now() - startedMs) * 1000;
    return startedMs;
  }

  /** Once a batch. */
  tellMemory(): void {
    const { memoryBytes } = this.store;
    if (Math.abs(memoryBytes - this.toldBytes) < MEMORY_STEP_BYTES) return;
    this.toldBytes = memoryBytes;
    this.writer.memory(memoryBytes);
  }
}
