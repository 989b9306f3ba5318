/**
 * The `Data` that functions get: plain bytes, arrays, indexes and values, each a view of the
 * frame it came with or of a file, read when asked for. Made by data-reader.ts; context.ts makes
 * wrapped values; encode-result.ts recognizes them in results.
 */
import type { InspectOptions } from "node:util";
import type { Data } from "../functions/index.js";
import { localObject } from "../graph/index.js";
import { readFileRange } from "./file-range.js";
import { deserializeValue, JS_OBJECT } from "./value-types.js";

/** What an object came with. Has a function in it, so that `v8.serialize` refuses Data. */
export interface DataOwner {
  /** The worker may reuse the files of a call that is over. */
  readonly isOver: boolean;
}

const inspectCustom = Symbol.for("nodejs.util.inspect.custom");

export abstract class DataObject implements Data<unknown> {
  abstract readonly kind: "bytes" | "array" | "value";
  abstract readonly type: string;
  abstract readonly size: number;

  /** @param number the object's number in its call; -1 when results can't refer to it by number */
  constructor(
    readonly owner: DataOwner | undefined,
    readonly number: number,
  ) {}

  get [localObject](): true {
    return true;
  }

  get length(): number {
    return 0;
  }

  /** Numbers in the call that this object and what is in it take. */
  get objectCount(): number {
    return 1;
  }

  abstract bytes(): Buffer;

  text(): string {
    return this.bytes().toString();
  }

  json<U = unknown>(): U {
    return JSON.parse(this.text()) as U;
  }

  at(i: number): DataObject {
    if (!Number.isInteger(i) || i < 0 || i >= this.length) {
      const what =
        this.length === 0 && this.kind !== "array" ? " (it is no array and has no pieces)" : "";
      throw new RangeError(`index ${i} is out of range: the data has length ${this.length}${what}`);
    }
    return this.elementAt(i);
  }

  /** `i` is in range. */
  protected elementAt(i: number): DataObject {
    throw new RangeError(`no element ${i}`);
  }

  *[Symbol.iterator](): Iterator<DataObject> {
    for (let i = 0; i < this.length; i++) yield this.elementAt(i);
  }

  unwrap<U = unknown>(): U {
    throw new TypeError(
      `unwrap() of ${describeData(this)}: only values made by ctx.wrap or of an extension's type can be unwrapped; use ${this.kind === "array" ? "at(i) or iterate" : "bytes(), text() or json()"}`,
    );
  }

  [inspectCustom](_depth: number, _options: InspectOptions): string {
    return `Data <${describeData(this)}>`;
  }
}

/** How messages name data. */
export function describeData(data: Data): string {
  switch (data.kind) {
    case "array":
      return `an array of ${data.length} elements, ${data.size} bytes`;
    case "value":
      return `a value of type "${data.type}", ${data.size} bytes`;
    default:
      return data.type === "loom/index"
        ? `an index of ${data.length} pieces, ${data.size} bytes`
        : `${data.size} bytes`;
  }
}

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

/** Makes the elements of an array, which start at `position` of the frame. */
export type ReadElements = (
  owner: DataOwner | undefined,
  frame: Buffer,
  position: number,
  count: number,
  firstNumber: number,
) => DataObject[];

export class ArrayData extends DataObject {
  private elements: DataObject[] | undefined;

  constructor(
    owner: DataOwner | undefined,
    number: number,
    private readonly frame: Buffer,
    private readonly position: number,
    private readonly count: number,
    private readonly objects: number,
    readonly size: number,
    private readonly readElements: ReadElements,
  ) {
    super(owner, number);
  }

  override get length(): number {
    return this.count;
  }

  override get objectCount(): number {
    return this.objects;
  }

  get kind(): "array" {
    return "array";
  }

  get type(): string {
    return "loom/array";
  }

  override bytes(): Buffer {
    throw new TypeError(`an array has no bytes: use at(i) or iterate (it has ${this.length})`);
  }

  protected override elementAt(i: number): DataObject {
    this.elements ??= this.readElements(
      this.owner,
      this.frame,
      this.position,
      this.length,
      this.number + 1,
    );
    return this.elements[i];
  }
}

/** Bytes with the places where pieces begin: what `tasks.split` gives. */
export class IndexData extends DataObject {
  /** @param table where the places, u64 each, are in the frame */
  constructor(
    owner: DataOwner | undefined,
    number: number,
    readonly content: PlainData,
    private readonly frame: Buffer,
    private readonly table: number,
    private readonly count: number,
  ) {
    super(owner, number);
  }

  override get length(): number {
    return this.count;
  }

  get kind(): "bytes" {
    return "bytes";
  }

  get type(): string {
    return "loom/index";
  }

  get size(): number {
    return this.content.size;
  }

  override bytes(): Buffer {
    return this.content.bytes();
  }

  protected override elementAt(i: number): DataObject {
    const start = this.placeAt(i);
    const end = this.placeAt(i + 1);
    if (start > end || end > this.size) {
      throw new RangeError(`piece ${i} is said to be at ${start} to ${end} of ${this.size} bytes`);
    }
    return new PieceData(this.owner, this, i, start, end - start);
  }

  private placeAt(i: number): number {
    const at = this.table + 8 * i;
    return this.frame.readUInt32LE(at) + this.frame.readUInt32LE(at + 4) * 0x1_0000_0000;
  }
}

/** A piece of an index. */
export class PieceData extends PlainData {
  constructor(
    owner: DataOwner | undefined,
    readonly index: IndexData,
    readonly piece: number,
    private readonly start: number,
    readonly size: number,
  ) {
    super(owner, -1);
  }

  override bytes(): Buffer {
    return this.index.content.read(this.start, this.size);
  }

  override read(start: number, length: number): Buffer {
    return this.index.content.read(this.start + start, length);
  }
}

/** A value in serialized form. */
export class ValueData extends DataObject {
  private value: unknown;
  private isMade = false;

  constructor(
    owner: DataOwner | undefined,
    number: number,
    readonly type: string,
    private readonly content: PlainData,
  ) {
    super(owner, number);
  }

  get kind(): "value" {
    return "value";
  }

  get size(): number {
    return this.content.size;
  }

  override bytes(): Buffer {
    throw new TypeError(`a value of type "${this.type}" has no bytes: use unwrap()`);
  }

  override unwrap<U = unknown>(): U {
    if (!this.isMade) {
      this.value = deserializeValue(this.type, () => this.content.bytes());
      this.isMade = true;
    }
    return this.value as U;
  }
}

/** What `ctx.wrap` made: exists here only, until it is part of a result. */
export class WrappedData extends DataObject {
  constructor(
    owner: DataOwner,
    private readonly value: unknown,
    readonly serialized: Buffer,
  ) {
    super(owner, -1);
  }

  get kind(): "value" {
    return "value";
  }

  get type(): string {
    return JS_OBJECT;
  }

  get size(): number {
    return this.serialized.length;
  }

  override bytes(): Buffer {
    throw new TypeError(`a value of type "${this.type}" has no bytes: use unwrap()`);
  }

  override unwrap<U = unknown>(): U {
    return this.value as U;
  }
}
