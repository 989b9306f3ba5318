/**
 * Writes what only a worker sees: when its tasks with requests ran, on which cores, what it fetched, and
 * how long it was busy with tasks without requests. Called by the worker's task runner.
 */
import { TraceOp } from "./format.js";
import { RecordBuffer } from "./record-buffer.js";

export class WorkerTraceWriter extends RecordBuffer {
  /**
   * A task with a request has been executed.
   * @param startMs since 1970
   * @param outcome one of RunOutcome
   * @param firstCore number of the first of its cores; 0xffff: not known, or it holds none
   */
  ran(
    row: number,
    attempt: number,
    startMs: number,
    durationUs: number,
    outcome: number,
    firstCore: number,
    cores: number,
  ): void {
    const at = this.reserve(26);
    const { view } = this;
    view.setUint8(at, TraceOp.ran);
    view.setUint32(at + 1, row, true);
    view.setUint32(at + 5, attempt, true);
    view.setFloat64(at + 9, startMs, true);
    view.setUint32(at + 17, Math.min(durationUs, 0xffffffff), true);
    view.setUint8(at + 21, outcome);
    view.setUint16(at + 22, firstCore, true);
    view.setUint16(at + 24, cores, true);
  }

  /** An object has been fetched from another worker, or could not be. */
  transfer(
    row: number,
    from: number,
    startMs: number,
    durationUs: number,
    sizeBytes: number,
    came: boolean,
  ): void {
    const at = this.reserve(28);
    const { view } = this;
    view.setUint8(at, TraceOp.transfer);
    view.setUint32(at + 1, row, true);
    view.setUint16(at + 5, from, true);
    view.setFloat64(at + 7, startMs, true);
    view.setUint32(at + 15, Math.min(durationUs, 0xffffffff), true);
    view.setFloat64(at + 19, sizeBytes, true);
    view.setUint8(at + 27, came ? 1 : 0);
  }

  /** So many tasks without requests were executed, one after the other. */
  light(startMs: number, durationUs: number, count: number): void {
    const at = this.reserve(17);
    const { view } = this;
    view.setUint8(at, TraceOp.light);
    view.setFloat64(at + 1, startMs, true);
    view.setUint32(at + 9, Math.min(durationUs, 0xffffffff), true);
    view.setUint32(at + 13, count, true);
  }
}
