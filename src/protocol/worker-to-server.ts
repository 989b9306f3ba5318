/**
 * Worker to server: batches of binary records, the counterpart of server-to-worker.ts.
 */
import { ProtocolError } from "../base/index.js";
import { RecordWriter } from "./record-writer.js";
import { truncatedRecord } from "./server-to-worker.js";
import { readSample, SAMPLE_BYTES, type WorkerSample, writeSample } from "./worker-sample.js";

const Op = {
  finished: 1,
  failed: 2,
  started: 3,
  retracted: 4,
  inputLost: 5,
  fetched: 6,
  pong: 7,
  output: 8,
  log: 9,
  memory: 10,
  sample: 11,
  trace: 12,
} as const;

/** `holder` of `inputLost`: the input was said to be in the worker's own store and is not there. */
export const THIS_WORKER = 0xffff;

/** In place of the length of an inline result: there is none; and the result takes no memory. */
const NOT_INLINE = 255;
const NOT_INLINE_IN_FILE = 254;
const FINISHED_HEAD = 1 + 4 + 4 + 8 + 4 + 1;

/** Bytes of a record's fixed part by op; checked once, so that no field read can fail. */
const HEAD_BYTES = new Uint8Array(256);
HEAD_BYTES[Op.finished] = FINISHED_HEAD;
HEAD_BYTES[Op.failed] = 13;
HEAD_BYTES[Op.started] = 9;
HEAD_BYTES[Op.retracted] = 9;
HEAD_BYTES[Op.inputLost] = 15;
HEAD_BYTES[Op.fetched] = 9;
HEAD_BYTES[Op.pong] = 5;
HEAD_BYTES[Op.output] = 18;
HEAD_BYTES[Op.log] = 14;
HEAD_BYTES[Op.memory] = 9;
HEAD_BYTES[Op.sample] = 1 + SAMPLE_BYTES;
HEAD_BYTES[Op.trace] = 5;

/** Writes a worker's batches. */
export class WorkerToServerWriter extends RecordWriter {
  /**
   * The task has finished and its object is in this worker's store.
   * @param sizeBytes size of the object
   * @param durationUs execution time in microseconds, 0 for tasks too short to be measured
   * @param inline the bytes of a plain object of at most INLINE_LIMIT bytes, else undefined
   * @param inFile the object is in a file and takes no memory (only without `inline`)
   */
  finished(
    row: number,
    attempt: number,
    sizeBytes: number,
    durationUs: number,
    inline: Uint8Array | undefined,
    inFile = false,
  ): void {
    const at = this.reserve(FINISHED_HEAD);
    const view = this.view;
    view.setUint8(at, Op.finished);
    view.setUint32(at + 1, row, true);
    view.setUint32(at + 5, attempt, true);
    view.setFloat64(at + 9, sizeBytes, true);
    view.setUint32(at + 17, Math.min(durationUs, 0xffffffff), true);
    const notInline = inFile ? NOT_INLINE_IN_FILE : NOT_INLINE;
    view.setUint8(at + 21, inline === undefined ? notInline : inline.length);
    if (inline !== undefined) this.putBytes(inline, 0, inline.length);
  }

  /** `failure`: an encoded `FailureInfo` (proto/worker.proto). */
  failed(row: number, attempt: number, failure: Uint8Array): void {
    const at = this.reserve(13);
    this.view.setUint8(at, Op.failed);
    this.view.setUint32(at + 1, row, true);
    this.view.setUint32(at + 5, attempt, true);
    this.view.setUint32(at + 9, failure.length, true);
    this.putBytes(failure, 0, failure.length);
  }

  /** Execution has begun; only sent for tasks that hold cpus. */
  started(row: number, attempt: number): void {
    this.taskRecord(Op.started, row, attempt);
  }

  /** The task had not started and is forgotten here, as `retract` asked. */
  retracted(row: number, attempt: number): void {
    this.taskRecord(Op.retracted, row, attempt);
  }

  /**
   * Input `inputRow` of the task could not be had from any holder named; `holder` is the
   * worker index that failed last, or THIS_WORKER. The task is forgotten here.
   */
  inputLost(row: number, attempt: number, inputRow: number, holder: number): void {
    const at = this.reserve(15);
    this.view.setUint8(at, Op.inputLost);
    this.view.setUint32(at + 1, row, true);
    this.view.setUint32(at + 5, attempt, true);
    this.view.setUint32(at + 9, inputRow, true);
    this.view.setUint16(at + 13, holder, true);
  }

  /** A copy of the object has been fetched and is in this worker's store now. `durationUs`: of the transfer. */
  fetched(row: number, durationUs = 0): void {
    const at = this.reserve(9);
    this.view.setUint8(at, Op.fetched);
    this.view.setUint32(at + 1, row, true);
    this.view.setUint32(at + 5, Math.min(durationUs, 0xffffffff), true);
  }

  /** Bytes of objects in this worker's memory; sent when they have changed much. */
  memory(bytes: number): void {
    const at = this.reserve(9);
    this.view.setUint8(at, Op.memory);
    this.view.setFloat64(at + 1, bytes, true);
  }

  /** Sent each second while the server has asked for it with `observe`. */
  sample(sample: WorkerSample): void {
    const at = this.reserve(1 + SAMPLE_BYTES);
    this.view.setUint8(at, Op.sample);
    writeSample(this.view, at + 1, sample);
  }

  /**
   * Records of this worker's trace (src/trace/format.ts), which it can't write to a file itself. None:
   * its part of the trace, which the server has ended, is written wholly.
   */
  trace(records: Uint8Array): void {
    const at = this.reserve(5);
    this.view.setUint8(at, Op.trace);
    this.view.setUint32(at + 1, records.length, true);
    this.putBytes(records, 0, records.length);
  }

  pong(serial: number): void {
    const at = this.reserve(5);
    this.view.setUint8(at, Op.pong);
    this.view.setUint32(at + 1, serial, true);
  }

  /** Answer to `readOutput`: bytes from the offset asked for, bytes there are so far. */
  output(requestId: number, totalSize: number, ended: boolean, bytes: Uint8Array): void {
    const at = this.reserve(18);
    const view = this.view;
    view.setUint8(at, Op.output);
    view.setUint32(at + 1, requestId, true);
    view.setFloat64(at + 5, totalSize, true);
    view.setUint8(at + 13, ended ? 1 : 0);
    view.setUint32(at + 14, bytes.length, true);
    this.putBytes(bytes, 0, bytes.length);
  }

  /** A line that the running task has logged; `level`: 1 debug to 5 critical. */
  log(row: number, attempt: number, level: number, text: string): void {
    const bytes = new TextEncoder().encode(text);
    const at = this.reserve(14);
    const view = this.view;
    view.setUint8(at, Op.log);
    view.setUint32(at + 1, row, true);
    view.setUint32(at + 5, attempt, true);
    view.setUint8(at + 9, level);
    view.setUint32(at + 10, bytes.length, true);
    this.putBytes(bytes, 0, bytes.length);
  }

  private taskRecord(op: number, row: number, attempt: number): void {
    const at = this.reserve(9);
    this.view.setUint8(at, op);
    this.view.setUint32(at + 1, row, true);
    this.view.setUint32(at + 5, attempt, true);
  }
}

/** What the server does with each record. `frame` may be kept, it is not reused. */
export interface WorkerToServerHandler {
  /**
   * `inlineLength` -1: no inline bytes; -2: nor does the object take memory, it is in a file; else
   * they are at `frame[inlineStart ..]`.
   */
  finished(
    row: number,
    attempt: number,
    sizeBytes: number,
    durationUs: number,
    frame: Uint8Array,
    inlineStart: number,
    inlineLength: number,
  ): void;
  failed(row: number, attempt: number, failure: Uint8Array): void;
  started(row: number, attempt: number): void;
  retracted(row: number, attempt: number): void;
  inputLost(row: number, attempt: number, inputRow: number, holder: number): void;
  /** `durationUs` 0: not measured. */
  fetched(row: number, durationUs: number): void;
  memory(bytes: number): void;
  sample(sample: WorkerSample): void;
  /** The records are only valid during the call. */
  trace(records: Uint8Array): void;
  pong(serial: number): void;
  output(requestId: number, totalSize: number, ended: boolean, bytes: Uint8Array): void;
  log(row: number, attempt: number, level: number, text: string): void;
}

/** Hands each record of `frame` to the handler. Throws a ProtocolError at a malformed one. */
export function readWorkerToServer(frame: Uint8Array, handler: WorkerToServerHandler): void {
  const view = new DataView(frame.buffer, frame.byteOffset, frame.byteLength);
  let at = 0;
  while (at < frame.length) {
    const op = frame[at];
    if (at + HEAD_BYTES[op] > frame.length) throw truncatedRecord("worker", at);
    switch (op) {
      case Op.finished: {
        const length = view.getUint8(at + 21);
        const inlineLength = length >= NOT_INLINE_IN_FILE ? length - 256 : length;
        const start = at + FINISHED_HEAD;
        const end = start + Math.max(inlineLength, 0);
        if (end > frame.length) throw truncatedRecord("worker", at);
        at = end;
        handler.finished(
          view.getUint32(start - 21, true),
          view.getUint32(start - 17, true),
          view.getFloat64(start - 13, true),
          view.getUint32(start - 5, true),
          frame,
          start,
          inlineLength,
        );
        break;
      }
      case Op.failed: {
        const length = view.getUint32(at + 9, true);
        if (at + 13 + length > frame.length) throw truncatedRecord("worker", at);
        const failure = frame.subarray(at + 13, at + 13 + length);
        handler.failed(view.getUint32(at + 1, true), view.getUint32(at + 5, true), failure);
        at += 13 + length;
        break;
      }
      case Op.started:
        handler.started(view.getUint32(at + 1, true), view.getUint32(at + 5, true));
        at += 9;
        break;
      case Op.retracted:
        handler.retracted(view.getUint32(at + 1, true), view.getUint32(at + 5, true));
        at += 9;
        break;
      case Op.inputLost:
        handler.inputLost(
          view.getUint32(at + 1, true),
          view.getUint32(at + 5, true),
          view.getUint32(at + 9, true),
          view.getUint16(at + 13, true),
        );
        at += 15;
        break;
      case Op.fetched:
        handler.fetched(view.getUint32(at + 1, true), view.getUint32(at + 5, true));
        at += 9;
        break;
      case Op.memory:
        handler.memory(view.getFloat64(at + 1, true));
        at += 9;
        break;
      case Op.sample:
        handler.sample(readSample(view, at + 1));
        at += 1 + SAMPLE_BYTES;
        break;
      case Op.trace: {
        const length = view.getUint32(at + 1, true);
        if (at + 5 + length > frame.length) throw truncatedRecord("worker", at);
        handler.trace(frame.subarray(at + 5, at + 5 + length));
        at += 5 + length;
        break;
      }
      case Op.pong:
        handler.pong(view.getUint32(at + 1, true));
        at += 5;
        break;
      case Op.output: {
        const length = view.getUint32(at + 14, true);
        if (at + 18 + length > frame.length) throw truncatedRecord("worker", at);
        handler.output(
          view.getUint32(at + 1, true),
          view.getFloat64(at + 5, true),
          view.getUint8(at + 13) === 1,
          frame.subarray(at + 18, at + 18 + length),
        );
        at += 18 + length;
        break;
      }
      case Op.log: {
        const length = view.getUint32(at + 10, true);
        if (at + 14 + length > frame.length) throw truncatedRecord("worker", at);
        const text = new TextDecoder().decode(frame.subarray(at + 14, at + 14 + length));
        handler.log(
          view.getUint32(at + 1, true),
          view.getUint32(at + 5, true),
          view.getUint8(at + 9),
          text,
        );
        at += 14 + length;
        break;
      }
      default:
        throw new ProtocolError(`unknown record ${op} from a worker at byte ${at}`);
    }
  }
}
