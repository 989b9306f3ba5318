/**
 * How values are made from their serialized form, by type: a registry, so that extensions can
 * add types of their own. Asked by `Data.unwrap`.
 */
import { deserialize } from "node:v8";

/** Type of values made by `ctx.wrap`. */
export const JS_OBJECT = "loom/jsobj";

/** Makes a value; throws what the user should read. `bytes` must not be changed. */
export type Deserialize = (bytes: Buffer) => unknown;

const types = new Map<string, Deserialize>([
  [JS_OBJECT, deserialize],
  [
    "loom/pyobj",
    () => {
      throw new TypeError(
        "unwrap() of a Python object (loom/pyobj), which JavaScript can't read: " +
          "let the Python function return bytes, JSON or Arrow",
      );
    },
  ],
]);

/**
 * From now on `unwrap()` of values of this type gives what `deserialize` makes of their bytes.
 * @example registerValueType("my/matrix", (bytes) => Matrix.from(bytes));
 */
export function registerValueType(type: string, deserialize: Deserialize): void {
  types.set(type, deserialize);
}

/** @throws TypeError naming the type when nobody can make values of it */
export function deserializeValue(type: string, bytes: () => Buffer): unknown {
  const make = types.get(type);
  if (make === undefined) {
    throw new TypeError(
      `unwrap() of a value of type "${type}", which is not known here: ` +
        "values are made by ctx.wrap or belong to an extension of the worker",
    );
  }
  return make(bytes());
}
