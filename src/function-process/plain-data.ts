/** Data without structure: bytes of the call's frame, or of a file. */
import { DataObject, type DataOwner } from "./data.js";
import { readFileRange } from "./file-range.js";

/** Bytes without structure. */
export abstract class PlainData extends DataObject {
  get kind(): "bytes" {
    return "bytes";
  }

  get type(): string {
    return "loom/data";
  }

  /** `length` bytes from `start` on, which lie within. */
  abstract read(start: number, length: number): Buffer;
}

/** Bytes that came with the call. */
export class InlineData extends PlainData {
  constructor(
    owner: DataOwner | undefined,
    number: number,
    private readonly frame: Buffer,
    private readonly start: number,
    readonly size: number,
  ) {
    super(owner, number);
  }

  override bytes(): Buffer {
    return this.frame.subarray(this.start, this.start + this.size);
  }

  override text(): string {
    return this.frame.toString("utf8", this.start, this.start + this.size);
  }

  override read(start: number, length: number): Buffer {
    return this.frame.subarray(this.start + start, this.start + start + length);
  }
}

/**
 * Pieces that are asked for one after the other are read in stretches of this many bytes:
 * opening the file for each line of it would be far slower.
 */
const WINDOW_BYTES = 64 * 1024;
/** Of files that are read in order: long enough that opening it each time does not count. */
const CHUNK_BYTES = 1024 * 1024;

/** Bytes in a file. */
export class FileData extends PlainData {
  private whole: Buffer | undefined;
  private window: Buffer | undefined;
  private windowStart = 0;

  constructor(
    owner: DataOwner | undefined,
    number: number,
    private readonly path: string,
    private readonly offset: number,
    readonly size: number,
  ) {
    super(owner, number);
  }

  override bytes(): Buffer {
    if (this.whole === undefined) {
      this.whole = this.readFile(0, this.size);
      this.window = undefined;
    }
    return this.whole;
  }

  override async *chunks(): AsyncGenerator<Buffer, void, void> {
    for (let at = 0; at < this.size; at += CHUNK_BYTES) {
      yield this.readFile(at, Math.min(CHUNK_BYTES, this.size - at));
    }
  }

  override read(start: number, length: number): Buffer {
    if (this.whole !== undefined) return this.whole.subarray(start, start + length);
    let window = this.window;
    const from = start - this.windowStart;
    if (window !== undefined && from >= 0 && from + length <= window.length) {
      return window.subarray(from, from + length);
    }
    const windowBytes = Math.min(Math.max(length, WINDOW_BYTES), this.size - start);
    window = this.readFile(start, windowBytes);
    this.window = window;
    this.windowStart = start;
    return window.subarray(0, length);
  }

  private readFile(start: number, length: number): Buffer {
    if (this.owner?.isOver) {
      throw new Error(
        "the call that got this data is over, its file may be gone: read data before the function returns",
      );
    }
    return readFileRange(this.path, this.offset + start, length);
  }
}
