/**
 * What a worker must know of a type of values to use them, not only to keep and to send them. Owns
 * the contract; implemented by the executor of extensions, called by values.ts.
 */
import type { DataObject } from "./objects.js";

/** A type of values. Everything that can fail throws LoomError("task"), nothing else. */
export interface ValueType {
  /** Symbol, e.g. "my/matrix". */
  readonly name: string;
  /** Clients get other bytes than the serialized ones. */
  readonly hasClientForm: boolean;
  /** New memory that nobody changes any more, or that of the value. */
  serialize(live: unknown): Uint8Array;
  /** `bytes` stay as they are. */
  deserialize(bytes: Uint8Array): unknown;
  /** Bytes that the value takes; undefined: those of its serialized form. */
  sizeOf(live: unknown): number | undefined;
  /** Elements; undefined: it has none, and neither element() nor slice(). */
  lengthOf(live: unknown): number | undefined;
  toClientForm(live: unknown): Uint8Array;
  /** Element `index`, below the length. */
  element(live: unknown, index: number): DataObject;
  /** Elements [start, end), both at most the length. */
  slice(live: unknown, start: number, end: number): DataObject;
}

/** The types that a worker knows, by symbol. */
export type ValueTypes = ReadonlyMap<string, ValueType>;
