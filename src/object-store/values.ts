/**
 * Values of a language or an extension (a pickled Python object, a JavaScript value): bytes that
 * mean something to those who know the type. Owns their class. Callers: executors, the native form.
 */
import type { BytesObject, ValueObject } from "./objects.js";

export class TypedValue implements ValueObject {
  holds = 0;

  constructor(
    readonly type: string,
    readonly content: BytesObject,
  ) {}

  get kind(): "value" {
    return "value";
  }
  get size(): number {
    return this.content.size;
  }
  get length(): number {
    return 0;
  }
}

/**
 * A value of the type with this symbol, serialized.
 *
 * @example valueObject("loom/jsobj", plainObject(serialize({ a: 1 })))
 */
export function valueObject(type: string, content: BytesObject): ValueObject {
  return new TypedValue(type, content);
}
