/**
 * Bytes of native headers: varints, files, piece sizes. Owns no meaning (native-form.ts). The
 * reader trusts nothing: everything malformed is a ProtocolError.
 */
import { ProtocolError } from "../base/index.js";

/** What identifies a user's file. */
export interface FileIdentity {
  readonly path: string;
  readonly size: number;
  readonly mtimeMs: number;
}

export class HeaderWriter {
  private bytes = new Uint8Array(64);
  private end = 0;

  byte(value: number): void {
    if (this.end === this.bytes.length) this.grow(1);
    this.bytes[this.end++] = value;
  }

  /** A count or size: an integer from 0 to 2^53 - 1. */
  count(value: number): void {
    let rest = value;
    while (rest >= 128) {
      this.byte((rest % 128) | 128);
      rest = Math.floor(rest / 128);
    }
    this.byte(rest);
  }

  /** Number of pieces, then the size of each. */
  boundaries(boundaries: Float64Array | Uint32Array): void {
    this.count(boundaries.length - 1);
    for (let i = 1; i < boundaries.length; i++) this.count(boundaries[i] - boundaries[i - 1]);
  }

  file(file: FileIdentity): void {
    this.count(file.size);
    this.append(new Uint8Array(new Float64Array([file.mtimeMs]).buffer));
    this.text(file.path);
  }

  text(text: string): void {
    const bytes = new TextEncoder().encode(text);
    this.count(bytes.length);
    this.append(bytes);
  }

  finish(): Uint8Array {
    return this.bytes.slice(0, this.end);
  }

  private append(source: Uint8Array): void {
    if (this.end + source.length > this.bytes.length) this.grow(source.length);
    this.bytes.set(source, this.end);
    this.end += source.length;
  }

  private grow(count: number): void {
    const bigger = new Uint8Array(Math.max(this.bytes.length * 2, this.end + count));
    bigger.set(this.bytes);
    this.bytes = bigger;
  }
}

export class HeaderReader {
  private at = 0;

  constructor(private readonly bytes: Uint8Array) {}

  /** Bytes not read yet. */
  get left(): number {
    return this.bytes.length - this.at;
  }

  byte(): number {
    if (this.at >= this.bytes.length) throw new ProtocolError("an object's header is truncated");
    return this.bytes[this.at++];
  }

  count(what: string): number {
    let value = 0;
    for (let factor = 1; ; factor *= 128) {
      const byte = this.byte();
      value += (byte & 127) * factor;
      if (!Number.isSafeInteger(value)) {
        throw new ProtocolError(`an object's header has a ${what} above 2^53`);
      }
      if (byte < 128) return value;
      if (factor >= 128 ** 7) {
        throw new ProtocolError(`an object's header has a ${what} of more than 8 bytes`);
      }
    }
  }

  countUpTo(limit: number, what: string): number {
    const value = this.count(what);
    if (value > limit) {
      throw new ProtocolError(`an object's header has ${value} ${what} but is too short for them`);
    }
    return value;
  }

  /** Where each piece starts, the first at 0, and the end. */
  boundaries(): Float64Array {
    const pieces = this.countUpTo(this.left, "pieces");
    const boundaries = new Float64Array(pieces + 1);
    for (let i = 0; i < pieces; i++) boundaries[i + 1] = boundaries[i] + this.count("piece size");
    if (!Number.isSafeInteger(boundaries[pieces])) {
      throw new ProtocolError("an object's header has pieces of more than 2^53 bytes in all");
    }
    return boundaries;
  }

  file(): FileIdentity {
    const size = this.count("file size");
    const mtime = this.take(8, "modification time");
    const mtimeMs = new DataView(mtime.buffer, mtime.byteOffset, 8).getFloat64(0, true);
    return { path: this.text("path"), size, mtimeMs };
  }

  text(what: string): string {
    const bytes = this.take(this.countUpTo(this.left, `${what} bytes`), what);
    try {
      return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
    } catch (error) {
      throw new ProtocolError(`an object's header has a ${what} that is not UTF-8`, {
        cause: error,
      });
    }
  }

  private take(length: number, what: string): Uint8Array {
    if (length > this.left) throw new ProtocolError(`an object's header is truncated in a ${what}`);
    const start = this.at;
    this.at += length;
    return this.bytes.subarray(start, this.at);
  }
}
