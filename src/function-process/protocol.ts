/**
 * Numbers of the protocol with the worker (docs/function-processes.md) and the reading of its
 * integers. Owns neither frames (frame-reader.ts) nor what records mean (session.ts, data-reader.ts).
 */
import { ProtocolError } from "../base/index.js";

/** Worker to process. */
export const Request = {
  configure: 0,
  define: 1,
  forget: 2,
  call: 3,
  cancel: 4,
  hold: 5,
} as const;
/** Process to worker. */
export const Reply = { ready: 0, result: 1, failed: 2, log: 3 } as const;
/** Objects of calls and, from `input` on, of results only. */
export const Kind = {
  bytes: 1,
  file: 2,
  array: 3,
  index: 4,
  value: 5,
  input: 6,
  piece: 7,
  task: 9,
} as const;

/** Flag of a call. */
export const LIGHT = 1;

/** Reason of a CANCEL: the time limit is over. The other one, 1: nobody wants the result. */
export const TIME_LIMIT = 2;

/** Reads the fields of a frame one after the other; throws ProtocolError beyond its end. */
export class RecordCursor {
  readonly end: number;

  constructor(
    readonly frame: Buffer,
    public position = 0,
  ) {
    this.end = frame.length;
  }

  u8(): number {
    if (this.position >= this.end) throw truncated(this);
    return this.frame[this.position++];
  }

  u32(): number {
    const { frame, position } = this;
    if (position + 4 > this.end) throw truncated(this);
    this.position = position + 4;
    return (
      (frame[position] |
        (frame[position + 1] << 8) |
        (frame[position + 2] << 16) |
        (frame[position + 3] << 24)) >>>
      0
    );
  }

  /** Numbers above 2^53 are refused: nothing is as large. */
  u64(): number {
    const low = this.u32();
    const high = this.u32();
    if (high > 0x1fffff) throw new ProtocolError(`number too large at byte ${this.position - 8}`);
    return high * 0x1_0000_0000 + low;
  }

  text(): string {
    const length = this.u32();
    const start = this.skip(length);
    return this.frame.toString("utf8", start, start + length);
  }

  /** Goes over `length` bytes; returns where they start. */
  skip(length: number): number {
    const start = this.position;
    if (length > this.end - start) throw truncated(this);
    this.position = start + length;
    return start;
  }
}

function truncated(cursor: RecordCursor): ProtocolError {
  return new ProtocolError(
    `record ends beyond its frame (${cursor.position} of ${cursor.end} bytes read)`,
  );
}
