/**
 * Ways to read the bytes of objects that may be bigger than memory: in chunks, and many small
 * reads in a row. Callers: serialized forms, checkpoints, split.
 */
import { CHUNK_BYTES } from "./disk-file.js";
import { MemoryPlain } from "./memory-plain.js";
import type { BytesObject } from "./objects.js";
import { type Leaf, leafOf, originOf } from "./views.js";

/** File-backed reads shorter than this are served from a block. */
const BLOCK_BYTES = 256 * 1024;

/** Whether the object's bytes are in memory already, so that reading costs nothing. */
export function isInMemory(object: BytesObject): boolean {
  return leafOf(object) instanceof MemoryPlain;
}

/**
 * The object's bytes in order: one chunk if they are in memory, else chunks of at most 1 MiB,
 * read as they are asked for. Throws LoomError("task") when the file is gone or was changed.
 */
export async function* readChunks(object: BytesObject): AsyncGenerator<Uint8Array, void, void> {
  yield* leafChunks(leafOf(object), originOf(object), object.size);
}

/** {@link readChunks} for a part of a leaf. */
export async function* leafChunks(
  leaf: Leaf,
  start: number,
  length: number,
): AsyncGenerator<Uint8Array, void, void> {
  if (length === 0) return;
  if (leaf instanceof MemoryPlain) yield leaf.read(start, length);
  else if (length <= CHUNK_BYTES) yield leaf.read(start, length);
  else yield* leaf.file.chunks(start, length);
}

/**
 * Reads many parts of leaves, mostly one after the other: neighbouring small parts of a file are
 * read at once. For one run of reads only: it does not notice that a file changes meanwhile.
 */
export class BlockReader {
  private leaf: Leaf | undefined;
  private start = 0;
  private block: Uint8Array = new Uint8Array(0);

  read(leaf: Leaf, start: number, length: number): Uint8Array {
    if (leaf instanceof MemoryPlain || length >= BLOCK_BYTES) return leaf.read(start, length);
    if (
      leaf !== this.leaf ||
      start < this.start ||
      start + length > this.start + this.block.length
    ) {
      this.block = leaf.read(start, Math.min(BLOCK_BYTES, leaf.size - start));
      this.leaf = leaf;
      this.start = start;
    }
    const at = start - this.start;
    return this.block.subarray(at, at + length);
  }
}
