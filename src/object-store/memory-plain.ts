/**
 * Plain objects in memory, by far the most common kind. Owns their class and how small
 * byte strings are copied fast. Callers: everything that makes a result.
 */
import { constants } from "node:buffer";
import { LoomError } from "../base/index.js";
import type { PlainObject } from "./objects.js";

/** A plain object that owns its bytes. Getters keep it small: two fields, one shape. */
export class MemoryPlain implements PlainObject {
  /** How many stored rows and objects refer to it; kept by holds.ts. */
  holds = 0;

  constructor(private readonly content: Uint8Array) {}

  get kind(): "plain" {
    return "plain";
  }
  get size(): number {
    return this.content.length;
  }
  get length(): number {
    return 0;
  }
  get path(): undefined {
    return undefined;
  }
  bytes(): Uint8Array {
    return this.content;
  }
  read(offset: number, length: number): Uint8Array {
    if (length === this.content.length) return this.content;
    return this.content.subarray(offset, offset + length);
  }
}

/**
 * A plain object with these bytes, which it keeps (no copy) and which must not change any more.
 *
 * @example plainObject(new TextEncoder().encode("hello")).size // 5
 */
export function plainObject(bytes: Uint8Array): PlainObject {
  return new MemoryPlain(bytes);
}

/** Copies `length` bytes; a loop beats set(subarray()) where there are only a few. */
export function copyInto(
  target: Uint8Array,
  at: number,
  source: Uint8Array,
  start: number,
  length: number,
): void {
  if (length <= 64) for (let i = 0; i < length; i++) target[at + i] = source[start + i];
  else if (start === 0 && length === source.length) target.set(source, at);
  else target.set(source.subarray(start, start + length), at);
}

/** A copy of its own, so that it keeps no bigger buffer alive. */
export function copyBytes(source: Uint8Array): Uint8Array {
  const copy = new Uint8Array(source.length);
  copyInto(copy, 0, source, 0, source.length);
  return copy;
}

/** New memory of `size` bytes for `what`; throws LoomError("task") if that can't be had. */
export function allocateBytes(size: number, what: string): Uint8Array {
  if (size <= constants.MAX_LENGTH) {
    try {
      return new Uint8Array(size);
    } catch (error) {
      throw new LoomError("task", `no memory for the ${size} bytes of ${what}`, { cause: error });
    }
  }
  throw new LoomError(
    "task",
    `${what} has ${size} bytes, too many for one piece of memory (limit ${constants.MAX_LENGTH} bytes); split it or use it in place as a file`,
  );
}
