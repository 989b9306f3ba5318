/** The mark of what `jsTask` returns. Owns only that: whoever runs functions looks for it. */

/** Key under which a builder has its {@link JsTaskParts}. */
export const jsTaskSymbol: unique symbol = Symbol.for("hyperloom.jsTask") as never;

/** What a builder is made of. */
export interface JsTaskParts {
  readonly fn: (...parameters: never[]) => unknown;
  /** Whether the function's first argument is the context. */
  readonly context: boolean;
}
