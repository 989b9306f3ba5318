/** What the functions of `tasks` take as inputs. Owns the types only. */
import type { LocalObject, TaskLike } from "../graph/index.js";

declare const piecesOf: unique symbol;

/**
 * What `split` gives: the pieces of one stretch of bytes. A value is an ordinary array of
 * Buffers; the type tells it from other arrays because `slice` joins pieces, and because they
 * can be used as bytes (`merge`, `save`, standard input).
 */
export interface Pieces extends Array<Buffer> {
  /** Type-level only. */
  readonly [piecesOf]: true;
}

/**
 * A task, a future, or inside a running function the data it was given. Data is taken whatever
 * its type parameter says: most functions leave it out.
 */
export type InputTask<T = unknown> = TaskLike<T> | LocalObject;

/** What can be used as bytes. */
export type BytesTask = InputTask<Buffer> | InputTask<Pieces>;
