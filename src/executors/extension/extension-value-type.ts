/**
 * Data types of extensions as the object store uses them. Owns the checks of what their functions
 * return; whatever they throw becomes a LoomError("task"), with the stack in the worker's log.
 */
import type { Logger } from "pino";
import { LoomError } from "../../base/index.js";
import {
  alignedBytes,
  type DataTypeDefinition,
  joinedBytes,
  kindOf,
  type LoadedExtension,
  type ValueMaker,
} from "../../extensions/index.js";
import type { DataObject, ValueType, ValueTypes } from "../../object-store/index.js";
import { describeThrown } from "./failure.js";
import { makerOf } from "./maker.js";
import { objectOf } from "./object-result.js";

/** The data types of all extensions, by symbol. */
export function valueTypesOf(extensions: readonly LoadedExtension[], logger: Logger): ValueTypes {
  const types = new Map<string, ValueType>();
  for (const { extension } of extensions) {
    const maker = makerOf(extension, types);
    for (const [symbol, definition] of extension.dataTypes) {
      types.set(symbol, new ExtensionValueType(symbol, definition, maker, logger));
    }
  }
  return types;
}

class ExtensionValueType implements ValueType {
  constructor(
    readonly name: string,
    private readonly definition: DataTypeDefinition,
    private readonly maker: ValueMaker,
    private readonly logger: Logger,
  ) {}

  get hasClientForm(): boolean {
    return this.definition.toBytes !== undefined;
  }

  serialize(live: unknown): Uint8Array {
    return this.call("serialize", (name) => joinedBytes(name, this.definition.serialize(live)));
  }

  deserialize(bytes: Uint8Array): unknown {
    return this.call("deserialize", () => this.definition.deserialize(alignedBytes(bytes)));
  }

  sizeOf(live: unknown): number | undefined {
    const { definition } = this;
    if (definition.size === undefined) return undefined;
    return this.call("size", (name) => checkedCount(name, definition.size!(live)));
  }

  lengthOf(live: unknown): number | undefined {
    const { definition } = this;
    if (definition.length === undefined) return undefined;
    return this.call("length", (name) => checkedCount(name, definition.length!(live)));
  }

  toClientForm(live: unknown): Uint8Array {
    return this.call("toBytes", (name) => joinedBytes(name, this.definition.toBytes!(live)));
  }

  element(live: unknown, index: number): DataObject {
    const { definition } = this;
    if (definition.get === undefined) throw this.lacks("get");
    return this.call("get", (name) => objectOf(name, definition.get!(live, index, this.maker)));
  }

  slice(live: unknown, start: number, end: number): DataObject {
    const { definition } = this;
    if (definition.slice === undefined) throw this.lacks("slice");
    return this.call("slice", (name) =>
      objectOf(name, definition.slice!(live, start, end, this.maker)),
    );
  }

  /** Calls a function of the extension. */
  private call<T>(member: string, body: (name: string) => T): T {
    const name = `${member} of "${this.name}"`;
    try {
      return body(name);
    } catch (error) {
      this.logger.warn({ err: error }, `extension: ${name} failed`);
      // A LoomError names the function already.
      const text = describeThrown(error);
      const message = error instanceof LoomError ? text : `${name} failed: ${text}`;
      throw new LoomError("task", message, { cause: error });
    }
  }

  private lacks(member: string): LoomError {
    return new LoomError("task", `values of type "${this.name}" have no ${member}`);
  }
}

function checkedCount(name: string, value: unknown): number {
  if (typeof value === "number" && Number.isSafeInteger(value) && value >= 0) return value;
  const what = typeof value === "number" ? String(value) : kindOf(value);
  throw new LoomError("task", `${name} gave ${what}; it must give a whole number from 0 up`);
}
