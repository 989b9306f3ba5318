/**
 * What a function gets for an input: a data object, read when it is asked for. Owns the type
 * only; made by the process that runs the function, and by the worker for its extensions.
 */
import type { LocalObject } from "../graph/index.js";

/** What an element of a `T` is; unknown where that can't be told. */
export type ElementOf<T> = T extends readonly (infer E)[] ? E : unknown;

/**
 * An input of a function. `T` is the type of the value that the task which made it has for the
 * client (Buffer, an array, a JavaScript value); it is never checked at run time.
 *
 * Returned from a function (or put into an array that is returned) it stands for that very object: nothing
 * is copied. It may be an input of a task that is returned.
 *
 * @example
 * const hello = jsTask((name: Data) => `Hello ${name.text()}`);
 */
export interface Data<T = unknown> extends LocalObject<T>, Iterable<Data<ElementOf<T>>> {
  /** "bytes": plain, file or index; "array"; "value": of a language or an extension. */
  readonly kind: "bytes" | "array" | "value";
  /** Symbol of the type, e.g. "loom/data", "loom/array", "loom/jsobj", "my/matrix". */
  readonly type: string;
  /** Bytes; of an array the sum of its elements. */
  readonly size: number;
  /** Elements of an array, pieces of an index (what `tasks.split` gives), else 0. */
  readonly length: number;
  /**
   * The bytes, not to be changed; without a copy where that is possible.
   * @throws TypeError for an array or a value, which have no bytes
   */
  bytes(): Buffer;
  /**
   * The bytes piece by piece, not to be changed: what is in memory at once, a file 1 MiB after the
   * other, each read when it is asked for. For data that is larger than memory.
   * @throws TypeError as bytes()
   */
  chunks(): AsyncIterable<Buffer>;
  /** The bytes as UTF-8 text. */
  text(): string;
  /** The bytes, parsed as JSON. */
  json<U = unknown>(): U;
  /** Element `i` of an array or piece `i` of an index. @throws RangeError naming index and length */
  at(i: number): Data<ElementOf<T>>;
  /**
   * The JavaScript value (of a result made by `ctx.wrap`, or of an extension's type).
   * @throws TypeError for anything else, naming what it is
   */
  unwrap<U = T>(): U;
}
