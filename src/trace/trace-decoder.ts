/**
 * Bytes of a trace file → calls of a visitor, one a record. Takes pieces of any length; knows neither files
 * nor what records mean. Called by read-trace.ts; the layout is in format.ts.
 */
import { DamagedTrace } from "./damaged-trace.js";
import { FIRST_LONG_OP, RECORD_BYTES, TraceOp } from "./format.js";
import { LongRecordReader, type LongRecordVisitor } from "./long-records.js";

/** Takes records. Arrays and bytes are only valid during the call. May throw a {@link DamagedTrace}. */
export interface TraceVisitor extends LongRecordVisitor {
  time?(timeMs: number): void;
  assigned?(row: number, attempt: number, worker: number): void;
  started?(row: number, attempt: number): void;
  finished?(row: number, attempt: number, durationUs: number, sizeBytes: number): void;
  retracted?(row: number, attempt: number): void;
  inputLost?(row: number, attempt: number, inputRow: number, holder: number): void;
  cancelled?(row: number, attempt: number): void;
  letGo?(row: number): void;
  fetched?(row: number, worker: number, durationUs: number): void;
  pass?(durationUs: number, assignedTasks: number): void;
  ran?(
    row: number,
    attempt: number,
    startMs: number,
    durationUs: number,
    outcome: number,
    firstCore: number,
    cores: number,
  ): void;
  transfer?(
    row: number,
    from: number,
    startMs: number,
    durationUs: number,
    sizeBytes: number,
    came: boolean,
  ): void;
  lightRun?(startMs: number, durationUs: number, count: number): void;
}

const LONG_HEAD_BYTES = 5;
/** Tasks in a record for neighbours, at most: far more than a server handles at one time. */
const MAX_RUN = 2 ** 24;

export class TraceDecoder {
  /** What is left of earlier pieces: the beginning of a record. */
  private kept = new Uint8Array(0);
  private keptBytes = 0;
  /** Of the record that begins there, as far as it is known. */
  private needed = 1;
  /** Bytes of whole records so far. */
  private done = 0;
  private readonly long: LongRecordReader;

  /**
   * @param visitor takes the records; ops that it does not have are skipped
   * @param sizeBytes of all that will come: a record can't be longer than what is left of it
   */
  constructor(
    private readonly visitor: TraceVisitor,
    private readonly sizeBytes = Number.POSITIVE_INFINITY,
  ) {
    this.long = new LongRecordReader(visitor);
  }

  /** Bytes at the end that are no whole record. */
  get restBytes(): number {
    return this.keptBytes;
  }

  /** Bytes of whole records so far. */
  get wholeBytes(): number {
    return this.done;
  }

  /** @throws DamagedTrace when what follows can't be read */
  push(bytes: Uint8Array): void {
    if (this.keptBytes === 0) {
      const end = this.read(bytes);
      if (end < bytes.length) this.keep(bytes.subarray(end));
      return;
    }
    this.keep(bytes);
    if (this.keptBytes < this.needed) return;
    const { kept, keptBytes } = this;
    const end = this.read(kept.subarray(0, keptBytes));
    kept.copyWithin(0, end, keptBytes);
    this.keptBytes = keptBytes - end;
  }

  private keep(bytes: Uint8Array): void {
    const total = this.keptBytes + bytes.length;
    if (total > this.kept.length) {
      const larger = new Uint8Array(Math.max(total, Math.min(this.needed, 2 * total), 1024));
      larger.set(this.kept.subarray(0, this.keptBytes));
      this.kept = larger;
    }
    this.kept.set(bytes, this.keptBytes);
    this.keptBytes = total;
  }

  /** Reads whole records; gives where they end. */
  private read(bytes: Uint8Array): number {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const end = bytes.length;
    let at = 0;
    while (at < end) {
      const op = bytes[at];
      let length: number;
      if (op < FIRST_LONG_OP) {
        length = 1 + RECORD_BYTES[op];
        if (length === 1) throw new DamagedTrace(`there is no record ${op}`);
        if (at + length > end) return this.wait(at, length);
        this.short(op, view, at + 1);
      } else {
        if (at + LONG_HEAD_BYTES > end) return this.wait(at, LONG_HEAD_BYTES);
        length = LONG_HEAD_BYTES + view.getUint32(at + 1, true);
        if (this.done + length > this.sizeBytes) {
          throw new DamagedTrace("a record is longer than what is left of the file");
        }
        if (at + length > end) return this.wait(at, length);
        this.long.read(op, bytes.subarray(at + LONG_HEAD_BYTES, at + length));
      }
      at += length;
      this.done += length;
    }
    return at;
  }

  private wait(at: number, length: number): number {
    this.needed = length;
    return at;
  }

  private assignedRun(view: DataView, at: number): void {
    const { visitor } = this;
    const end = view.getUint32(at, true) + countOfRun(view, at);
    const attempt = view.getUint32(at + 8, true);
    const worker = view.getUint16(at + 12, true);
    for (let row = view.getUint32(at, true); row < end; row++) {
      visitor.assigned?.(row, attempt, worker);
    }
  }

  private finishedRun(view: DataView, at: number): void {
    const { visitor } = this;
    const end = view.getUint32(at, true) + countOfRun(view, at);
    const attempt = view.getUint32(at + 8, true);
    const durationUs = view.getUint32(at + 12, true);
    const sizeBytes = view.getFloat64(at + 16, true);
    for (let row = view.getUint32(at, true); row < end; row++) {
      visitor.finished?.(row, attempt, durationUs, sizeBytes);
    }
  }

  private short(op: number, view: DataView, at: number): void {
    const { visitor } = this;
    switch (op) {
      case TraceOp.time:
        visitor.time?.(view.getFloat64(at, true));
        break;
      case TraceOp.assigned:
        visitor.assigned?.(
          view.getUint32(at, true),
          view.getUint32(at + 4, true),
          view.getUint16(at + 8, true),
        );
        break;
      case TraceOp.assignedRun:
        this.assignedRun(view, at);
        break;
      case TraceOp.finishedRun:
        this.finishedRun(view, at);
        break;
      case TraceOp.started:
        visitor.started?.(view.getUint32(at, true), view.getUint32(at + 4, true));
        break;
      case TraceOp.finished:
        visitor.finished?.(
          view.getUint32(at, true),
          view.getUint32(at + 4, true),
          view.getUint32(at + 8, true),
          view.getFloat64(at + 12, true),
        );
        break;
      case TraceOp.retracted:
        visitor.retracted?.(view.getUint32(at, true), view.getUint32(at + 4, true));
        break;
      case TraceOp.inputLost:
        visitor.inputLost?.(
          view.getUint32(at, true),
          view.getUint32(at + 4, true),
          view.getUint32(at + 8, true),
          view.getUint16(at + 12, true),
        );
        break;
      case TraceOp.cancelled:
        visitor.cancelled?.(view.getUint32(at, true), view.getUint32(at + 4, true));
        break;
      case TraceOp.letGo:
        visitor.letGo?.(view.getUint32(at, true));
        break;
      case TraceOp.fetched:
        visitor.fetched?.(
          view.getUint32(at, true),
          view.getUint16(at + 4, true),
          view.getUint32(at + 6, true),
        );
        break;
      case TraceOp.pass:
        visitor.pass?.(view.getUint32(at, true), view.getUint32(at + 4, true));
        break;
      case TraceOp.ran:
        visitor.ran?.(
          view.getUint32(at, true),
          view.getUint32(at + 4, true),
          view.getFloat64(at + 8, true),
          view.getUint32(at + 16, true),
          view.getUint8(at + 20),
          view.getUint16(at + 21, true),
          view.getUint16(at + 23, true),
        );
        break;
      case TraceOp.transfer:
        visitor.transfer?.(
          view.getUint32(at, true),
          view.getUint16(at + 4, true),
          view.getFloat64(at + 6, true),
          view.getUint32(at + 14, true),
          view.getFloat64(at + 18, true),
          view.getUint8(at + 26) === 1,
        );
        break;
      case TraceOp.light:
        visitor.lightRun?.(
          view.getFloat64(at, true),
          view.getUint32(at + 8, true),
          view.getUint32(at + 12, true),
        );
        break;
    }
  }
}

/** Damage must not make a few bytes as long as four billion records. */
function countOfRun(view: DataView, at: number): number {
  const count = view.getUint32(at + 4, true);
  if (count > MAX_RUN) throw new DamagedTrace(`${count} tasks follow each other at one time`);
  return count;
}
