/** Typed columns ↔ bytes that compress well. Owns how single columns are laid out; payload.ts owns which there are. */

const ARRAYS = {
  u8: Uint8Array,
  u16: Uint16Array,
  i16: Int16Array,
  u32: Uint32Array,
  i32: Int32Array,
  f32: Float32Array,
  f64: Float64Array,
} as const;

export type ColumnType = keyof typeof ARRAYS;
interface Columns {
  u8: Uint8Array;
  u16: Uint16Array;
  i16: Int16Array;
  u32: Uint32Array;
  i32: Int32Array;
  f32: Float32Array;
  f64: Float64Array;
}
type Column<T extends ColumnType> = Columns[T];
/** "steps": differences between neighbours are written (whole numbers only). */
type Coding = "plain" | "steps";

/** In a column of times: NaN. */
const NO_TIME = 0xffff_ffff;
/** Times before the start of the trace by clocks that were brought into line: a little room for them. */
const ROOM_BEFORE = 0x8000;

/** A byte order that all machines with a browser have; the columns are written in it. */
const isLittleEndian = new Uint8Array(new Uint16Array([1]).buffer)[0] === 1;

export class ColumnWriter {
  private readonly parts: Uint8Array[] = [];

  constructor(private readonly unitMs: number) {
    if (!isLittleEndian) throw new Error("this machine is big-endian");
  }

  add<T extends ColumnType>(type: T, values: Column<T>, count: number, coding?: Coding): void {
    const column = new ARRAYS[type](count);
    column.set(values.subarray(0, count));
    if (coding === "steps") for (let i = count - 1; i > 0; i--) column[i] -= column[i - 1];
    this.parts.push(apart(new Uint8Array(column.buffer), column.BYTES_PER_ELEMENT));
  }

  /** Times of the same things: the first as steps, each other one as difference to the one before it. */
  addTimes(columns: readonly Float64Array[], count: number): void {
    let before: Uint32Array | undefined;
    for (const times of columns) {
      const units = new Uint32Array(count);
      for (let i = 0; i < count; i++) units[i] = this.unitsOf(times[i]);
      const differences = units.slice();
      if (before === undefined) {
        for (let i = count - 1; i > 0; i--) differences[i] -= units[i - 1];
      } else {
        for (let i = 0; i < count; i++) differences[i] -= before[i];
      }
      this.add("u32", differences, count);
      before = units;
    }
  }

  /** Bytes of any length for each of `count` things; nothing is the same as none. */
  addBlobs(count: number, blobOf: (i: number) => Uint8Array | undefined): void {
    const lengths = new Uint32Array(count);
    let bytes = new Uint8Array(1024);
    let total = 0;
    for (let i = 0; i < count; i++) {
      const blob = blobOf(i);
      if (blob === undefined) continue;
      if (total + blob.length > bytes.length) {
        const longer = new Uint8Array(Math.max(bytes.length * 2, total + blob.length));
        longer.set(bytes);
        bytes = longer;
      }
      bytes.set(blob, total);
      lengths[i] = blob.length;
      total += blob.length;
    }
    this.add("u32", lengths, count);
    this.parts.push(bytes.subarray(0, total));
  }

  bytes(): Uint8Array {
    const all = new Uint8Array(this.parts.reduce((sum, { length }) => sum + length, 0));
    let at = 0;
    for (const part of this.parts) {
      all.set(part, at);
      at += part.length;
    }
    return all;
  }

  private unitsOf(ms: number): number {
    if (Number.isNaN(ms)) return NO_TIME;
    const units = Math.round(ms / this.unitMs) + ROOM_BEFORE;
    return Math.min(Math.max(units, 0), NO_TIME - 1);
  }
}

/** Reads in the order in which was written. */
export class ColumnReader {
  private at = 0;

  constructor(
    private readonly bytes: Uint8Array,
    private readonly unitMs: number,
  ) {}

  read<T extends ColumnType>(type: T, count: number, coding?: Coding): Column<T> {
    const { BYTES_PER_ELEMENT: width } = ARRAYS[type];
    const bytes = together(this.take(count * width), width);
    const column = new ARRAYS[type](bytes.buffer) as unknown as Column<T>;
    if (coding === "steps") for (let i = 1; i < count; i++) column[i] += column[i - 1];
    return column;
  }

  readTimes(columns: number, count: number): Float64Array[] {
    let before: Uint32Array | undefined;
    const result: Float64Array[] = [];
    for (let c = 0; c < columns; c++) {
      const units = this.read("u32", count, before === undefined ? "steps" : "plain");
      if (before !== undefined) for (let i = 0; i < count; i++) units[i] += before[i];
      const times = new Float64Array(count);
      for (let i = 0; i < count; i++) {
        // One division by a whole number of thousandths: 0.001 has no exact double.
        times[i] =
          units[i] === NO_TIME
            ? Number.NaN
            : ((units[i] - ROOM_BEFORE) * Math.round(this.unitMs * 1000)) / 1000;
      }
      result.push(times);
      before = units;
    }
    return result;
  }

  readBlobs(count: number): (i: number) => Uint8Array {
    const lengths = this.read("u32", count);
    const starts = new Uint32Array(count + 1);
    for (let i = 0; i < count; i++) starts[i + 1] = starts[i] + lengths[i];
    const bytes = this.take(starts[count]);
    return (i) => bytes.subarray(starts[i], starts[i + 1]);
  }

  private take(length: number): Uint8Array {
    if (this.at + length > this.bytes.length)
      throw new Error("the data of this report are cut off");
    this.at += length;
    return this.bytes.subarray(this.at - length, this.at);
  }
}

/** All first bytes, then all second bytes ... */
function apart(bytes: Uint8Array, width: number): Uint8Array {
  const count = bytes.length / width;
  const result = new Uint8Array(bytes.length);
  for (let b = 0; b < width; b++) {
    for (let i = 0, from = b, to = b * count; i < count; i++, from += width) {
      result[to + i] = bytes[from];
    }
  }
  return result;
}

function together(bytes: Uint8Array, width: number): Uint8Array<ArrayBuffer> {
  const count = bytes.length / width;
  const result = new Uint8Array(bytes.length);
  for (let b = 0; b < width; b++) {
    for (let i = 0, to = b, from = b * count; i < count; i++, to += width) {
      result[to] = bytes[from + i];
    }
  }
  return result;
}
