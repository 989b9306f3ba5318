/**
 * A position in protobuf wire bytes. Owns varints, lengths and skipping of unknown fields,
 * all bounds-checked; knows no message. Called by the decoders written by hand.
 */
import { ProtocolError } from "../base/index.js";

const WireType = { varint: 0, fixed64: 1, bytes: 2, startGroup: 3, endGroup: 4, fixed32: 5 };

/** Deeper nested groups than this are refused: they are skipped by recursion. */
const MAX_GROUP_DEPTH = 100;

export class WireCursor {
  /** Where the next byte is read. */
  at = 0;
  /** Upper 32 bits of the last varint that had more than one byte. */
  private high = 0;
  private readonly view: DataView;

  constructor(
    readonly bytes: Uint8Array,
    /** Name of the message, for errors. */
    private readonly what: string,
  ) {
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  /** Low 32 bits of a varint, signed: that is what an int32 field holds. */
  int32(end: number): number {
    const at = this.at;
    if (at >= end) throw this.truncated();
    const first = this.bytes[at];
    if (first < 0x80) {
      this.at = at + 1;
      return first;
    }
    if (at + 1 < end) {
      const second = this.bytes[at + 1];
      if (second < 0x80) {
        this.at = at + 2;
        this.high = 0;
        return (first & 0x7f) | (second << 7);
      }
    }
    return this.longVarint(end);
  }

  bool(end: number): boolean {
    this.high = 0;
    return (this.int32(end) | this.high) !== 0;
  }

  float32(end: number): number {
    this.advance(4, end);
    return this.view.getFloat32(this.at - 4, true);
  }

  float64(end: number): number {
    this.advance(8, end);
    return this.view.getFloat64(this.at - 8, true);
  }

  /** Reads a length and checks that so many bytes are there; returns it. */
  length(end: number): number {
    this.high = 0;
    const length = this.int32(end) >>> 0;
    if (this.high !== 0 || length > end - this.at) {
      throw this.malformed(`a field of ${this.high === 0 ? length : "more than 2^32"} bytes`);
    }
    return length;
  }

  /** Skips the value of a field of which the tag has just been read. */
  skip(tag: number, end: number, depth = 0): void {
    if (tag >>> 3 === 0) throw this.malformed("field number 0");
    switch (tag & 7) {
      case WireType.varint:
        this.int32(end);
        break;
      case WireType.fixed64:
        this.advance(8, end);
        break;
      case WireType.bytes: {
        const length = this.length(end);
        this.at += length;
        break;
      }
      case WireType.startGroup:
        this.skipGroup(tag, end, depth + 1);
        break;
      case WireType.fixed32:
        this.advance(4, end);
        break;
      default:
        throw this.malformed(`wire type ${tag & 7}`);
    }
  }

  malformed(why: string, options?: ErrorOptions): ProtocolError {
    return new ProtocolError(`malformed ${this.what}: ${why} at byte ${this.at}`, options);
  }

  private skipGroup(startTag: number, end: number, depth: number): void {
    if (depth > MAX_GROUP_DEPTH) throw this.malformed("groups nested too deep");
    for (;;) {
      const tag = this.int32(end);
      if ((tag & 7) === WireType.endGroup) {
        if (tag >>> 3 !== startTag >>> 3) throw this.malformed("a group that does not end");
        return;
      }
      this.skip(tag, end, depth);
    }
  }

  private advance(count: number, end: number): void {
    if (end - this.at < count) throw this.truncated();
    this.at += count;
  }

  private longVarint(end: number): number {
    let low = 0;
    let high = 0;
    for (let i = 0; i < 10; i++) {
      if (this.at >= end) throw this.truncated();
      const byte = this.bytes[this.at++];
      const bits = byte & 0x7f;
      if (i < 4) low |= bits << (7 * i);
      else if (i === 4) {
        low |= bits << 28;
        high = bits >>> 4;
      } else high |= bits << (7 * i - 32);
      if (byte < 0x80) {
        this.high = high;
        return low;
      }
    }
    throw this.malformed("a number of more than 10 bytes");
  }

  private truncated(): ProtocolError {
    return this.malformed("it ends in the middle of a field");
  }
}
