/**
 * What goes to the worker: records, written one behind the other into one growing buffer that
 * leaves as one frame. Owns the encoding of fields and when the buffer may be reused; what
 * results consist of is in encode-result.ts, when to flush is decided by call-runner.ts.
 */
import { Reply } from "./protocol.js";

const FRAME_LENGTH_BYTES = 4;
const INITIAL_BYTES = 128 * 1024;
/** A buffer that has grown beyond this is not kept. */
const KEPT_BYTES = 2 ** 20;
/** The worker takes frames of up to 2^30 bytes. Large bytes are in files and don't count. */
const MAX_RECORD_BYTES = 2 ** 30 - 1024;
const MAX_FAILURE_TEXT = 128 * 1024;
const MAX_LOG_TEXT = 64 * 1024;
/** Up to this length a loop is faster than the call of a native function. */
const SHORT = 24;

/** Where frames go. `write` returns true when it does not need the bytes any more. */
export interface FrameSink {
  write(frame: Buffer): boolean;
}

/** A record became too large. */
export class TooLargeError extends Error {}

export class Output {
  private buffer = Buffer.allocUnsafeSlow(INITIAL_BYTES);
  private position = FRAME_LENGTH_BYTES;
  /** End of the complete records; what is behind belongs to a record that is being written. */
  private complete = FRAME_LENGTH_BYTES;
  private isWriting = false;
  /** LOG records that came up within the writing of another one (by getters of a result). */
  private delayed: (() => void)[] = [];

  constructor(private readonly sink: FrameSink) {}

  /** Bytes of the complete records that have not left. */
  get waitingBytes(): number {
    return this.complete - FRAME_LENGTH_BYTES;
  }

  /** Sends the complete records. */
  flush(): void {
    const end = this.complete;
    if (end === FRAME_LENGTH_BYTES) return;
    const { buffer, position } = this;
    buffer.writeUInt32LE(end - FRAME_LENGTH_BYTES, 0);
    const isDone = this.sink.write(buffer.subarray(0, end));
    const begunBytes = position - end;
    if (!isDone || buffer.length > KEPT_BYTES) {
      this.buffer = Buffer.allocUnsafeSlow(Math.max(INITIAL_BYTES, 2 * begunBytes));
    }
    if (begunBytes > 0) buffer.copy(this.buffer, FRAME_LENGTH_BYTES, end, position);
    this.complete = FRAME_LENGTH_BYTES;
    this.position = FRAME_LENGTH_BYTES + begunBytes;
  }

  /** Begins a RESULT; its fields follow, then `endResult` or `dropResult`. */
  beginResult(serial: number): void {
    this.isWriting = true;
    this.u8(Reply.result);
    this.u32(serial);
    this.u32(0);
  }

  endResult(durationUs: number): void {
    putU32(this.buffer, this.complete + 5, durationUs);
    this.end();
  }

  /** As if `beginResult` had not been. */
  dropResult(): void {
    this.position = this.complete;
    this.end();
  }

  failed(serial: number, durationUs: number, message: string): void {
    this.u8(Reply.failed);
    this.u32(serial);
    this.u32(durationUs);
    this.text(shortened(message, MAX_FAILURE_TEXT));
    this.end();
  }

  log(serial: number, level: number, text: string): void {
    if (this.isWriting) {
      this.delayed.push(() => this.log(serial, level, text));
      return;
    }
    this.u8(Reply.log);
    this.u32(serial);
    this.u8(level);
    this.text(shortened(text, MAX_LOG_TEXT));
    this.end();
  }

  private end(): void {
    this.complete = this.position;
    this.isWriting = false;
    if (this.delayed.length > 0) for (const write of this.delayed.splice(0)) write();
  }

  u8(value: number): void {
    this.reserve(1);
    this.buffer[this.position++] = value;
  }

  u32(value: number): void {
    this.reserve(4);
    putU32(this.buffer, this.position, value);
    this.position += 4;
  }

  u64(value: number): void {
    this.u32(value >>> 0);
    this.u32(Math.floor(value / 0x1_0000_0000));
  }

  /** A length and these bytes. */
  bytes(bytes: Uint8Array): void {
    const length = bytes.byteLength;
    this.reserve(4 + length);
    const { buffer, position } = this;
    putU32(buffer, position, length);
    if (length <= SHORT) {
      for (let i = 0; i < length; i++) buffer[position + 4 + i] = bytes[i];
    } else {
      buffer.set(bytes, position + 4);
    }
    this.position = position + 4 + length;
  }

  /** A length and the text in UTF-8. */
  text(text: string): void {
    const { length } = text;
    this.reserve(4 + 3 * length);
    const { buffer, position } = this;
    const start = position + 4;
    let written = 0;
    if (length <= SHORT) {
      while (written < length) {
        const code = text.charCodeAt(written);
        if (code > 0x7f) break;
        buffer[start + written++] = code;
      }
    }
    if (written < length) written = buffer.write(text, start, "utf8");
    putU32(buffer, position, written);
    this.position = start + written;
  }

  private reserve(sizeBytes: number): void {
    if (this.position + sizeBytes > this.buffer.length) this.grow(sizeBytes);
  }

  private grow(sizeBytes: number): void {
    const needed = this.position + sizeBytes;
    if (needed - this.complete > MAX_RECORD_BYTES) {
      throw new TooLargeError(`more than ${MAX_RECORD_BYTES} bytes in small pieces`);
    }
    // A frame must not become too large because of what waits: that leaves first.
    if (this.complete > FRAME_LENGTH_BYTES) {
      this.flush();
      this.reserve(sizeBytes);
      return;
    }
    const buffer = Buffer.allocUnsafeSlow(Math.max(2 * this.buffer.length, needed));
    this.buffer.copy(buffer, 0, 0, this.position);
    this.buffer = buffer;
  }
}

function putU32(buffer: Buffer, position: number, value: number): void {
  buffer[position] = value;
  buffer[position + 1] = value >>> 8;
  buffer[position + 2] = value >>> 16;
  buffer[position + 3] = value >>> 24;
}

/** Leaves the middle of an enormous text out: an error has its message first, its frames last. */
function shortened(text: string, limit: number): string {
  if (text.length <= limit) return text;
  const half = limit / 2;
  const leftOut = text.length - limit;
  return `${text.slice(0, half)}\n... ${leftOut} characters left out ...\n${text.slice(-half)}`;
}
