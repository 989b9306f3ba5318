/**
 * What all `Data` that functions get have in common. The kinds are in plain-data.ts, array-data.ts
 * and value-data.ts: each a view of the frame it came with or of a file, read when asked for.
 * Made by data-reader.ts (and context.ts: wrapped values); encode-result.ts recognizes them.
 */
import type { InspectOptions } from "node:util";
import type { Data } from "../functions/index.js";
import { localObject } from "../graph/index.js";

/** What an object came with. Has a function in it, so that `v8.serialize` refuses Data. */
export interface DataOwner {
  /** The worker may reuse the files of a call that is over. */
  readonly isOver: boolean;
}

const inspectCustom = Symbol.for("nodejs.util.inspect.custom");

export abstract class DataObject implements Data<unknown> {
  abstract readonly kind: "bytes" | "array" | "value";
  abstract readonly type: string;
  abstract readonly size: number;

  /** @param number the object's number in its call; -1 when results can't refer to it by number */
  constructor(
    readonly owner: DataOwner | undefined,
    readonly number: number,
  ) {}

  get [localObject](): true {
    return true;
  }

  get length(): number {
    return 0;
  }

  /** Numbers in the call that this object and what is in it take. */
  get objectCount(): number {
    return 1;
  }

  abstract bytes(): Buffer;

  async *chunks(): AsyncGenerator<Buffer, void, void> {
    const bytes = this.bytes();
    if (bytes.length > 0) yield bytes;
  }

  text(): string {
    return this.bytes().toString();
  }

  json<U = unknown>(): U {
    return JSON.parse(this.text()) as U;
  }

  at(i: number): DataObject {
    if (!Number.isInteger(i) || i < 0 || i >= this.length) {
      const what =
        this.length === 0 && this.kind !== "array" ? " (it is no array and has no pieces)" : "";
      throw new RangeError(`index ${i} is out of range: the data has length ${this.length}${what}`);
    }
    return this.elementAt(i);
  }

  /** `i` is in range. */
  protected elementAt(i: number): DataObject {
    throw new RangeError(`no element ${i}`);
  }

  *[Symbol.iterator](): Iterator<DataObject> {
    for (let i = 0; i < this.length; i++) yield this.elementAt(i);
  }

  unwrap<U = unknown>(): U {
    throw new TypeError(
      `unwrap() of ${describeData(this)}: only values made by ctx.wrap or of an extension's type can be unwrapped; use ${this.kind === "array" ? "at(i) or iterate" : "bytes(), text() or json()"}`,
    );
  }

  [inspectCustom](_depth: number, _options: InspectOptions): string {
    return `Data <${describeData(this)}>`;
  }
}

/** How messages name data. */
export function describeData(data: Data): string {
  switch (data.kind) {
    case "array":
      return `an array of ${data.length} elements, ${data.size} bytes`;
    case "value":
      return `a value of type "${data.type}", ${data.size} bytes`;
    default:
      return data.type === "loom/index"
        ? `an index of ${data.length} pieces, ${data.size} bytes`
        : `${data.size} bytes`;
  }
}
