/** PLAN requests made by hand, byte for byte: what no encoder writes. */
import { varintSize, writeVarint } from "../../src/protocol/varint.js";

export const bytes = (...parts: (number | number[] | Uint8Array)[]) =>
  Uint8Array.from(parts.flatMap((part) => (typeof part === "number" ? [part] : [...part])));
export const varint = (value: number) => {
  const target = new Uint8Array(varintSize(value));
  writeVarint(target, 0, value);
  return target;
};
export const field = (tag: number, value: Uint8Array) => bytes(tag, value.length, value);
/** A PLAN request around hand-made bytes of one Task. */
export const planOf = (...tasks: Uint8Array[]) =>
  bytes(8, 1, field(18, bytes(...tasks.map((task) => field(18, task)))));
export const minimalTask = bytes(8, 4, field(18, bytes(7)));
export const minusOne = [255, 255, 255, 255, 255, 255, 255, 255, 255, 1];
