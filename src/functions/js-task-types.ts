/**
 * The types of `jsTask`: from a function's parameters and result to those of its tasks. Owns
 * types only.
 */
import type { LocalObject, Task, TaskLike } from "../graph/index.js";
import type { Data } from "./data.js";
import type { JsTaskParts, jsTaskSymbol } from "./js-task-symbol.js";

/**
 * What functions may return (or a promise of it): bytes or text, an input or anything made with
 * `ctx.wrap`, a task that takes this one's place, and lists of those.
 */
export type FunctionResult =
  | string
  | Uint8Array
  | Data<unknown>
  | Task<unknown>
  | readonly []
  | readonly FunctionResult[];

/** What a task gives for the result `R` of its function. */
export type TaskValue<R> = 0 extends 1 & R
  ? unknown
  : R extends string | Uint8Array
    ? Buffer
    : R extends PromiseLike<infer T>
      ? TaskValue<T>
      : R extends Task<infer T>
        ? T
        : R extends LocalObject<infer T>
          ? T
          : R extends readonly unknown[]
            ? { -readonly [K in keyof R]: TaskValue<R[K]> }
            : never;

/** What a builder takes for a function's parameter. */
export type TaskArgument<P> = 0 extends 1 & P
  ? P
  : P extends Data<infer T>
    ? TaskLike<T> | LocalObject
    : P;

/** What a builder takes for a function's parameters. */
export type TaskArguments<P extends readonly unknown[]> = {
  [K in keyof P]: TaskArgument<P[K]>;
};

/**
 * What `jsTask` gives: call it to make a task.
 *
 * @typeParam Fn the function
 * @typeParam Parameters what the builder takes
 * @typeParam Value what the task gives
 */
export interface JsTask<
  Fn extends (...parameters: never[]) => unknown,
  Parameters extends readonly unknown[],
  Value,
> {
  (...parameters: Parameters): Task<Value>;
  /** The plain function. */
  readonly fn: Fn;
  /** @internal */
  readonly [jsTaskSymbol]: JsTaskParts;
}
