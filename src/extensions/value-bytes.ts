/**
 * The bytes that functions of data types get and give. Owns what they can rely on and the checks of
 * what they return. Used wherever values are serialized: in workers and in function processes.
 */
import { LoomError } from "../base/index.js";
import { kindOf } from "./define-extension.js";

const ALIGNMENT = 8;

/** The same bytes where typed arrays of any kind can be put over them. */
export function alignedBytes(bytes: Uint8Array): Uint8Array {
  return bytes.byteOffset % ALIGNMENT === 0 ? bytes : new Uint8Array(bytes);
}

/**
 * What `serialize` or `toBytes` gave as one piece; a part of something bigger is copied, so that it
 * neither changes (the memory of WebAssembly) nor keeps all of it in memory.
 * @param name of the function, for the message
 * @throws LoomError("task") if it is something else than bytes
 */
export function joinedBytes(name: string, given: unknown): Uint8Array {
  if (isBytes(given)) return ownBytes(given);
  if (!Array.isArray(given) || !given.every(isBytes)) {
    const what = Array.isArray(given) ? "an array with something else in it" : kindOf(given);
    throw new LoomError(
      "task",
      `${name} gave ${what}; it must give a Uint8Array or an array of them`,
    );
  }
  if (given.length === 1) return ownBytes(given[0]);
  const joined = new Uint8Array(given.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of given) {
    joined.set(part, at);
    at += part.length;
  }
  return joined;
}

/** Bytes that may be kept: these, if nobody else has a part in their memory. */
export function ownBytes(bytes: Uint8Array): Uint8Array {
  const isWhole = bytes.byteLength === bytes.buffer.byteLength;
  return isWhole && bytes.buffer instanceof ArrayBuffer ? bytes : new Uint8Array(bytes);
}

function isBytes(value: unknown): value is Uint8Array {
  return value instanceof Uint8Array;
}
