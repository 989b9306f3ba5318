/**
 * Gathers bytes for sending: big pieces are passed on as they are, small ones are copied
 * together, as one write of many tiny buffers costs more than the copies. Callers: both
 * serialized forms.
 */
import { copyInto } from "./memory-plain.js";

/** Pieces up to this size are copied. */
const COPIED_BYTES = 2048;
const BLOCK_BYTES = 64 * 1024;

export class Gatherer {
  private parts: Uint8Array[] = [];
  private block: Uint8Array = new Uint8Array(0);
  private start = 0;
  private end = 0;

  /** @param expected bytes in all, if known: so that little is allocated for few. */
  constructor(private expected: number) {}

  add(bytes: Uint8Array): void {
    const length = bytes.length;
    if (length > COPIED_BYTES) {
      this.flush();
      this.parts.push(bytes);
      this.expected -= length;
    } else if (length > 0) {
      const at = this.room(length); // First: it may change the block.
      copyInto(this.block, at, bytes, 0, length);
    }
  }

  /** Bytes [from, to) of `value` as u64 little-endian. */
  addU64(value: number, from: number, to: number): void {
    const at = this.room(to - from) - from;
    const low = value >>> 0;
    const high = Math.floor(value / 2 ** 32);
    for (let i = from; i < to; i++) {
      this.block[at + i] = i < 4 ? low >>> (8 * i) : high >>> (8 * (i - 4));
    }
  }

  /** All that was added since the last call, in order. */
  take(): Uint8Array[] {
    this.flush();
    const parts = this.parts;
    this.parts = [];
    return parts;
  }

  private room(length: number): number {
    if (this.end + length > this.block.length) {
      this.flush();
      this.block = new Uint8Array(Math.max(length, Math.min(BLOCK_BYTES, this.expected)));
      this.start = 0;
      this.end = 0;
    }
    const at = this.end;
    this.end += length;
    this.expected -= length;
    return at;
  }

  private flush(): void {
    if (this.end === this.start) return;
    this.parts.push(this.block.subarray(this.start, this.end));
    this.start = this.end;
  }
}
