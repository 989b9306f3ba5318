/**
 * The `Data` that extensions get for objects of the worker: the objects themselves, nothing is
 * copied. Owns what can be asked of them; object-result.ts recognizes them in results.
 */
import { inspect } from "node:util";
import { deserialize } from "node:v8";
import { LoomError } from "../../base/index.js";
import type { Data } from "../../functions/index.js";
import { localObject } from "../../graph/index.js";
import { type BytesObject, type DataObject, readChunks } from "../../object-store/index.js";
import { describeData } from "./describe-data.js";

const JS_OBJECT = "loom/jsobj";
const PYTHON_OBJECT = "loom/pyobj";

export class ObjectData implements Data<unknown> {
  private value: unknown = undefined;
  private isMade = false;
  /** A function among its members: `v8.serialize` refuses it then, instead of cloning the insides. */
  readonly refuseClone = refuseClone;

  constructor(readonly object: DataObject) {}

  get [localObject](): true {
    return true;
  }

  get kind(): "bytes" | "array" | "value" {
    const { kind } = this.object;
    return kind === "array" || kind === "value" ? kind : "bytes";
  }

  get type(): string {
    const { object } = this;
    if (object.kind === "value") return object.type;
    if (object.kind === "array") return "loom/array";
    return object.kind === "index" ? "loom/index" : "loom/data";
  }

  get size(): number {
    return this.object.size;
  }

  get length(): number {
    const { object } = this;
    return object.kind === "value" ? 0 : object.length;
  }

  bytes(): Buffer {
    return bufferOf(this.readable().bytes());
  }

  async *chunks(): AsyncGenerator<Buffer, void, void> {
    for await (const chunk of readChunks(this.readable())) yield bufferOf(chunk);
  }

  text(): string {
    return this.bytes().toString();
  }

  json<U = unknown>(): U {
    return JSON.parse(this.text()) as U;
  }

  at(i: number): ObjectData {
    const { object, length } = this;
    if (!Number.isInteger(i) || i < 0 || i >= length) {
      const what = length === 0 && object.kind !== "array" ? " (it is no array, no index)" : "";
      throw new RangeError(`index ${i} is out of range: the data has length ${length}${what}`);
    }
    if (object.kind === "array") return new ObjectData(object.elements[i]);
    if (object.kind === "index") return new ObjectData(object.piece(i));
    throw new LoomError("internal", `length ${length} of ${describeData(this)}`);
  }

  *[Symbol.iterator](): Iterator<ObjectData> {
    for (let i = 0; i < this.length; i++) yield this.at(i);
  }

  unwrap<U = unknown>(): U {
    if (!this.isMade) {
      this.value = unwrapped(this);
      this.isMade = true;
    }
    return this.value as U;
  }

  [inspect.custom](): string {
    return `Data <${describeData(this)}>`;
  }

  private readable(): BytesObject {
    const { object } = this;
    if (object.kind !== "array" && object.kind !== "value") return object;
    throw new TypeError(
      `${describeData(this)} has no bytes: use ${object.kind === "array" ? "at(i) or iterate" : "unwrap()"}`,
    );
  }
}

function unwrapped(data: ObjectData): unknown {
  const { object } = data;
  if (object.kind !== "value") {
    const instead = object.kind === "array" ? "at(i) or iterate" : "bytes(), text() or json()";
    throw new TypeError(
      `unwrap() of ${describeData(data)}: only values made by wrap or of an extension's type can be unwrapped; use ${instead}`,
    );
  }
  if (object.type === JS_OBJECT) return deserialize(object.content.bytes());
  if (object.type === PYTHON_OBJECT) {
    throw new TypeError(
      "unwrap() of a Python object (loom/pyobj), which JavaScript can't read: let the Python function return bytes, JSON or Arrow",
    );
  }
  return object.live();
}

/** The same bytes. */
function bufferOf(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function refuseClone(): void {}
