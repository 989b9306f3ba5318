/** Data that stands for a value: as it came, or as `ctx.wrap` made it. */
import { DataObject, type DataOwner } from "./data.js";
import type { PlainData } from "./plain-data.js";
import { deserializeValue, JS_OBJECT } from "./value-types.js";

/** A value in serialized form. */
export class ValueData extends DataObject {
  private value: unknown;
  private isMade = false;

  constructor(
    owner: DataOwner | undefined,
    number: number,
    readonly type: string,
    private readonly content: PlainData,
  ) {
    super(owner, number);
  }

  get kind(): "value" {
    return "value";
  }

  get size(): number {
    return this.content.size;
  }

  override bytes(): Buffer {
    throw new TypeError(`a value of type "${this.type}" has no bytes: use unwrap()`);
  }

  override unwrap<U = unknown>(): U {
    if (!this.isMade) {
      this.value = deserializeValue(this.type, () => this.content.bytes());
      this.isMade = true;
    }
    return this.value as U;
  }
}

/** What `ctx.wrap` made: exists here only, until it is part of a result. */
export class WrappedData extends DataObject {
  constructor(
    owner: DataOwner,
    private readonly value: unknown,
    readonly serialized: Buffer,
  ) {
    super(owner, -1);
  }

  get kind(): "value" {
    return "value";
  }

  get type(): string {
    return JS_OBJECT;
  }

  get size(): number {
    return this.serialized.length;
  }

  override bytes(): Buffer {
    throw new TypeError(`a value of type "${this.type}" has no bytes: use unwrap()`);
  }

  override unwrap<U = unknown>(): U {
    return this.value as U;
  }
}
