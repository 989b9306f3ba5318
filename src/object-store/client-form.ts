/**
 * The form in which clients get an object: raw frames, each with its u64 length before it, end
 * to end (docs/wire-v2.md "Data", docs/protocol.md READ). Owns the layout; reads any range of
 * it without building it. Caller: the worker, for the server to relay.
 */
import { LoomError } from "../base/index.js";
import { type ElementArray, treeCountOf } from "./arrays.js";
import { Gatherer } from "./gather.js";
import { MemoryPlain } from "./memory-plain.js";
import type { DataObject, ValueObject } from "./objects.js";
import { BlockReader } from "./reading.js";
import { type Leaf, leafOf, originOf, type PieceIndex } from "./views.js";

/** The serialized form of one object, readable anywhere. */
export interface ClientForm {
  readonly typeSymbol: number;
  /** Raw frames. */
  readonly messageCount: number;
  /** Bytes of all frames with the 8 bytes of length before each. */
  readonly totalBytes: number;
  /**
   * Bytes [offset, offset + length), fewer where the form ends, as parts in order; big parts
   * are the object's own memory (don't change them). Files are read by position, blocking.
   * Throws LoomError("task") when a file is gone or was changed.
   */
  read(offset: number, length: number): Uint8Array[];
}

const LENGTH_BYTES = 8;

/** More frames are refused: their layout would fill the memory of the worker. */
const MAX_FRAMES = 50_000_000;

/** Layouts of arrays and indexes, which take a while to compute when they are long. */
const layouts = new WeakMap<DataObject, FrameLayout>();

/**
 * The client form of `object`: a file is its content, an index the array of its pieces, a value
 * its serialized form under its own type; one of an extension is bytes, as clients know no
 * extensions.
 * @param symbol number of a symbol: its position in the server's dictionary
 * Throws LoomError("task") if it would have more than 50 million frames, or an extension fails.
 *
 * @example clientForm(plainObject(bytes), builtinSymbol).read(0, 4096)
 */
export function clientForm(object: DataObject, symbol: (name: string) => number): ClientForm {
  const data = symbol("loom/data");
  if (object.kind === "plain" || object.kind === "file") {
    const layout = new FrameLayout(data, 1);
    layout.addFrame(leafOf(object), originOf(object), object.size);
    return layout;
  }
  if (object.kind === "value") {
    const layout = new FrameLayout(symbol(clientTypeOf(object)), 1);
    const content = object.clientContent;
    layout.addFrame(leafOf(content), originOf(content), content.size);
    return layout;
  }
  const array = symbol("loom/array");
  const known = layouts.get(object);
  if (known !== undefined && known.typeSymbol === array && known.dataSymbol === data) return known;
  const layout = arrayLayout(object, data, array, symbol);
  layouts.set(object, layout);
  return layout;
}

function arrayLayout(
  object: DataObject,
  data: number,
  array: number,
  symbol: (name: string) => number,
): FrameLayout {
  const frameCount = treeCountOf(object);
  if (frameCount > MAX_FRAMES) {
    throw new LoomError(
      "task",
      `the array has ${frameCount} objects nested in it, too many to deliver (limit ${MAX_FRAMES}); take parts of it`,
    );
  }
  const layout = new FrameLayout(array, frameCount, data);
  const stack: DataObject[] = [object];
  for (let next = stack.pop(); next !== undefined; next = stack.pop()) {
    if (next.kind === "array") {
      const { elements } = next as ElementArray;
      layout.addTypes(
        elements.map((element) => {
          if (element.kind === "value") return symbol(clientTypeOf(element));
          return element.kind === "array" || element.kind === "index" ? array : data;
        }),
      );
      for (let i = elements.length - 1; i >= 0; i--) stack.push(elements[i]);
    } else if (next.kind === "index") {
      layout.addTypes(new Array<number>(next.length).fill(data));
      const { leaf, shift, boundaries } = next as PieceIndex;
      for (let i = 0; i + 1 < boundaries.length; i++) {
        layout.addFrame(leaf, shift + boundaries[i], boundaries[i + 1] - boundaries[i]);
      }
    } else {
      const content = next.kind === "value" ? next.clientContent : next;
      layout.addFrame(leafOf(content), originOf(content), content.size);
    }
  }
  return layout;
}

/** Types of values that clients know. */
function clientTypeOf({ type }: ValueObject): string {
  return type.startsWith("loom/") ? type : "loom/data";
}

/** Frames in order: where each begins in the form, and where its bytes are. */
class FrameLayout implements ClientForm {
  private count = 0;
  /** Offset of each frame's length; one more than frames, the last is the end. */
  private readonly frameStart: Float64Array;
  private readonly leaves: Leaf[] = [];
  private readonly leafStart: Float64Array;

  constructor(
    readonly typeSymbol: number,
    frameCount: number,
    readonly dataSymbol = typeSymbol,
  ) {
    this.frameStart = new Float64Array(frameCount + 1);
    this.leafStart = new Float64Array(frameCount);
  }

  get messageCount(): number {
    return this.count;
  }
  get totalBytes(): number {
    return this.frameStart[this.count];
  }

  addFrame(leaf: Leaf, start: number, length: number): void {
    const frame = this.count++;
    this.leaves.push(leaf);
    this.leafStart[frame] = start;
    this.frameStart[frame + 1] = this.frameStart[frame] + LENGTH_BYTES + length;
  }

  /** The frame before an array's elements: a u32 type symbol for each. */
  addTypes(symbols: number[]): void {
    const types = new Uint8Array(4 * symbols.length);
    const view = new DataView(types.buffer);
    symbols.forEach((symbol, i) => {
      view.setUint32(4 * i, symbol, true);
    });
    this.addFrame(new MemoryPlain(types), 0, types.length);
  }

  read(offset: number, length: number): Uint8Array[] {
    const end = Math.min(offset + length, this.totalBytes);
    if (!(offset >= 0 && offset < end)) return [];
    const out = new Gatherer(end - offset);
    const reader = new BlockReader();
    for (let frame = this.frameAt(offset), at = offset; at < end; frame++) {
      const start = this.frameStart[frame];
      const content = start + LENGTH_BYTES;
      const next = this.frameStart[frame + 1];
      if (at < content) {
        const to = Math.min(content, end);
        out.addU64(next - content, at - start, to - start);
        at = to;
      }
      const to = Math.min(next, end);
      if (at < to) {
        out.add(reader.read(this.leaves[frame], this.leafStart[frame] + (at - content), to - at));
        at = to;
      }
    }
    return out.take();
  }

  /** The frame that byte `offset` of the form is in. */
  private frameAt(offset: number): number {
    let low = 0;
    let high = this.count;
    while (high - low > 1) {
      const middle = (low + high) >>> 1;
      if (this.frameStart[middle] <= offset) low = middle;
      else high = middle;
    }
    return low;
  }
}
