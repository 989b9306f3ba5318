/**
 * The small results that travel in FINISHED_MANY: one byte per result, the length of its value
 * or 255 for none, then the value. Written by the server, read by the client.
 */
import { ProtocolError } from "../base/index.js";
import { RecordWriter } from "./record-writer.js";

const ABSENT = 255;

export class SmallValueWriter extends RecordWriter {
  /** The next result is not small. */
  absent(): void {
    const at = this.reserve(1);
    this.view.setUint8(at, ABSENT);
  }

  /** The next result is `length` bytes of `bytes`; at most INLINE_LIMIT. */
  value(bytes: Uint8Array, start: number, length: number): void {
    const at = this.reserve(1);
    this.view.setUint8(at, length);
    this.putBytes(bytes, start, length);
  }
}

/**
 * The values in their order, undefined where there is none; `count` of them. They share one copy of
 * the bytes. Throws a ProtocolError if the bytes are not exactly `count` values.
 */
export function readSmallValues(bytes: Uint8Array, count: number): (Uint8Array | undefined)[] {
  const own = bytes.slice();
  const values = new Array<Uint8Array | undefined>(count);
  let at = 0;
  for (let i = 0; i < count; i++) {
    const length = own[at++];
    if (length === ABSENT) continue;
    values[i] = own.subarray(at, at + length);
    at += length;
  }
  if (at !== own.length) {
    throw new ProtocolError(`${count} small results are not ${own.length} bytes`);
  }
  return values;
}
