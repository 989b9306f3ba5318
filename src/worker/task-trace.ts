/**
 * What a worker traces of its tasks and transfers, in terms of its clock. Owns when each task with a request
 * began; the records are written by src/trace. Called by the task runner, made by worker-tracing.ts.
 */
import { performance } from "node:perf_hooks";
import { RunOutcome, UNKNOWN_CORE, type WorkerTraceWriter } from "../trace/index.js";
import type { ObjectFetch, WorkerTask } from "../worker-core/index.js";

export class TaskTrace {
  /** Tasks with requests that run, and since when. */
  private readonly startedMs = new Map<WorkerTask, number>();

  constructor(private readonly writer: WorkerTraceWriter) {}

  /** A task with a request starts. Times here and below: of performance.now(). */
  started(task: WorkerTask, nowMs: number): void {
    this.startedMs.set(task, nowMs);
  }

  /** It has finished. `durationUs`: as it was measured; it ends now. */
  finished(task: WorkerTask, durationUs: number): void {
    this.startedMs.delete(task);
    this.ran(task, performance.now() - durationUs / 1000, durationUs, RunOutcome.finished);
  }

  failed(task: WorkerTask): void {
    this.stopped(task, RunOutcome.failed);
  }

  cancelled(task: WorkerTask): void {
    this.stopped(task, RunOutcome.cancelled);
  }

  /** So many tasks without requests were executed since then. */
  light(startMs: number, count: number): void {
    const durationUs = (performance.now() - startMs) * 1000;
    this.writer.light(performance.timeOrigin + startMs, durationUs, count);
  }

  /** A transfer has ended that began then. */
  transfer(fetch: ObjectFetch, startMs: number, came: boolean): void {
    const durationUs = (performance.now() - startMs) * 1000;
    const began = performance.timeOrigin + startMs;
    this.writer.transfer(fetch.row, fetch.holder, began, durationUs, fetch.sizeBytes, came);
  }

  private stopped(task: WorkerTask, outcome: number): void {
    const startMs = this.startedMs.get(task);
    // One that began before the trace did.
    if (startMs === undefined) return;
    this.startedMs.delete(task);
    this.ran(task, startMs, (performance.now() - startMs) * 1000, outcome);
  }

  private ran(task: WorkerTask, startMs: number, durationUs: number, outcome: number): void {
    const cores = task.held?.cores ?? [];
    this.writer.ran(
      task.row,
      task.attempt,
      performance.timeOrigin + startMs,
      durationUs,
      outcome,
      cores[0] ?? UNKNOWN_CORE,
      cores.length,
    );
  }
}
