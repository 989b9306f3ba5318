/**
 * The bytes of small results (at most 64 bytes), which the server keeps to send them along
 * with the tasks that use them. Cells of two sizes in two growing arrays; a cell's first
 * byte is the length. A cell's handle is its number times two, plus one if it is a large one.
 */
const SMALL_CELL = 16;
const LARGE_CELL = 65;

class Cells {
  bytes = new Uint8Array(0);
  private used = 0;
  private readonly free: number[] = [];

  constructor(readonly cellBytes: number) {}

  take(): number {
    const cell = this.free.pop();
    if (cell !== undefined) return cell;
    const needed = (this.used + 1) * this.cellBytes;
    if (needed > this.bytes.length) {
      const bigger = new Uint8Array(Math.max(1024 * this.cellBytes, Math.ceil(needed * 1.5)));
      bigger.set(this.bytes);
      this.bytes = bigger;
    }
    return this.used++;
  }

  give(cell: number): void {
    this.free.push(cell);
    // Everything is free: forget the list, which may be as long as there were cells.
    if (this.free.length === this.used) {
      this.free.length = 0;
      this.used = 0;
    }
  }
}

export class InlineStore {
  private readonly small = new Cells(SMALL_CELL);
  private readonly large = new Cells(LARGE_CELL);

  /** Copies the bytes in; returns the handle. `length` is at most 64. */
  put(source: Uint8Array, start: number, length: number): number {
    const isLarge = length >= SMALL_CELL;
    const cells = isLarge ? this.large : this.small;
    const cell = cells.take();
    const { bytes } = cells;
    const at = cell * cells.cellBytes;
    bytes[at] = length;
    for (let i = 0; i < length; i++) bytes[at + 1 + i] = source[start + i];
    return isLarge ? cell * 2 + 1 : cell * 2;
  }

  /** The array that holds the content; it begins at start() and has length() bytes. */
  bytes(handle: number): Uint8Array {
    return handle & 1 ? this.large.bytes : this.small.bytes;
  }

  start(handle: number): number {
    return handle & 1 ? (handle >> 1) * LARGE_CELL + 1 : (handle >> 1) * SMALL_CELL + 1;
  }

  length(handle: number): number {
    return this.bytes(handle)[this.start(handle) - 1];
  }

  /** A copy of the content. */
  copy(handle: number): Uint8Array {
    const start = this.start(handle);
    return this.bytes(handle).slice(start, start + this.length(handle));
  }

  remove(handle: number): void {
    (handle & 1 ? this.large : this.small).give(handle >> 1);
  }
}
