/** Where the bytes of an object are, for those who hand them to another process. */
import { MemoryPlain } from "./memory-plain.js";
import type { BytesObject } from "./objects.js";
import { leafOf, originOf } from "./views.js";

/** Bytes [offset, offset + size) of a piece of memory or of a file. */
export type BytesPlace =
  | { readonly memory: Uint8Array; readonly offset: number }
  | { readonly path: string; readonly offset: number };

/**
 * Where the object's bytes are; nothing is read. The memory is the same array for all views of an
 * object, and lives as long as any of them.
 * Throws LoomError("task") when the file is gone or was changed.
 */
export function placeOf(object: BytesObject): BytesPlace {
  const leaf = leafOf(object);
  const offset = originOf(object);
  if (leaf instanceof MemoryPlain) return { memory: leaf.bytes(), offset };
  leaf.read(0, 0); // checks the file
  return { path: leaf.path, offset };
}
