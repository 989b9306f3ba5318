/**
 * Objects that show a part of another object's bytes: pieces and indexes. Owns no bytes. A view
 * never looks at a view: it is put on the object that has the bytes (the "leaf") at once, so
 * chains of slices stay flat. Callers: split, get, slice, the native form.
 */
import { LoomError } from "../base/index.js";
import { StoredPlain, UserFile } from "./file-objects.js";
import { MemoryPlain } from "./memory-plain.js";
import type { BytesObject, IndexObject, PlainObject } from "./objects.js";

/** An object that has bytes of its own. */
export type Leaf = MemoryPlain | StoredPlain | UserFile;

/** Bytes [origin, origin + size) of a leaf. */
export class ViewPlain implements PlainObject {
  holds = 0;
  constructor(
    readonly leaf: Leaf,
    readonly origin: number,
    readonly size: number,
  ) {}

  get kind(): "plain" {
    return "plain";
  }
  get length(): number {
    return 0;
  }
  get path(): string | undefined {
    return this.size === this.leaf.size ? this.leaf.path : undefined;
  }
  bytes(): Uint8Array {
    return this.leaf.read(this.origin, this.size);
  }
  read(offset: number, length: number): Uint8Array {
    return this.leaf.read(this.origin + offset, length);
  }
}

/** Piece i is bytes [boundaries[i], boundaries[i + 1]) after `shift` in the leaf. */
export class PieceIndex implements IndexObject {
  holds = 0;
  constructor(
    readonly leaf: Leaf,
    readonly shift: number,
    readonly boundaries: Float64Array | Uint32Array,
  ) {}

  get kind(): "index" {
    return "index";
  }
  get length(): number {
    return this.boundaries.length - 1;
  }
  get size(): number {
    return this.boundaries[this.boundaries.length - 1] - this.boundaries[0];
  }
  /** Where the first piece starts in the leaf. */
  get origin(): number {
    return this.shift + this.boundaries[0];
  }
  get path(): string | undefined {
    return this.size === this.leaf.size ? this.leaf.path : undefined;
  }
  bytes(): Uint8Array {
    return this.leaf.read(this.origin, this.size);
  }
  read(offset: number, length: number): Uint8Array {
    return this.leaf.read(this.origin + offset, length);
  }
  piece(i: number): PlainObject {
    return this.join(i, i + 1);
  }
  pieceSize(i: number): number {
    return this.boundaries[i + 1] - this.boundaries[i];
  }
  join(start: number, end: number): PlainObject {
    if (!(start >= 0 && start <= end && end <= this.length)) {
      throw new RangeError(`pieces [${start}, ${end}) of an index with ${this.length}`);
    }
    const from = this.boundaries[start];
    return new ViewPlain(this.leaf, this.shift + from, this.boundaries[end] - from);
  }
}

/**
 * An index over `base`: piece i is bytes [offsets[i], offsets[i + 1]) of it, so there is one
 * more offset than pieces. Keeps `offsets`. Throws LoomError("usage") if they are empty, fall,
 * or leave the base.
 *
 * @example indexObject(plainObject(bytes), Uint32Array.of(0, 3, 5)).piece(1).size // 2
 */
export function indexObject(base: BytesObject, offsets: Float64Array | Uint32Array): IndexObject {
  if (offsets.length === 0) throw new LoomError("usage", "an index needs at least one offset");
  let last = 0;
  for (let i = 0; i < offsets.length; i++) {
    const offset = offsets[i];
    if (!(offset >= last && offset <= base.size)) {
      throw new LoomError(
        "usage",
        `offset ${i} of an index is ${offset}; it must be from ${last} to ${base.size}`,
      );
    }
    last = offset;
  }
  return new PieceIndex(leafOf(base), originOf(base), offsets);
}

/** The object that has the bytes of `object`. */
export function leafOf(object: BytesObject): Leaf {
  if (object instanceof MemoryPlain) return object;
  if (object instanceof ViewPlain || object instanceof PieceIndex) return object.leaf;
  if (object instanceof StoredPlain || object instanceof UserFile) return object;
  throw new LoomError("internal", `a ${object.kind} object was not made by the object store`);
}

/** Where `object` starts in its leaf. */
export function originOf(object: BytesObject): number {
  return object instanceof ViewPlain || object instanceof PieceIndex ? object.origin : 0;
}
