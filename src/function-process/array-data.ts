/** Data with elements: arrays, and indexes with their pieces. */
import { DataObject, type DataOwner } from "./data.js";
import { PlainData } from "./plain-data.js";

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

  override chunks(): AsyncGenerator<Buffer, void, void> {
    return this.content.chunks();
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
