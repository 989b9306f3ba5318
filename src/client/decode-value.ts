/**
 * From a result's serialized form to a JavaScript value: plain objects become Buffers,
 * arrays become arrays, JavaScript values what they were. Owns the form's layout; how its bytes got here is read-result's.
 */
import { deserialize } from "node:v8";
import { LoomError, messageOf, ProtocolError } from "../base/index.js";

/** Name of a symbol number, undefined if there is none. */
export type FindSymbol = (number: number) => string | undefined;

interface OpenArray {
  values: unknown[];
  types: Uint32Array;
}

const HEADER_BYTES = 8;

/**
 * Decodes a whole serialized form: its frames end to end, each after its u64 length.
 * Arrays may be nested to any depth (no recursion).
 * @throws LoomError("usage") for a type that has no value in JavaScript, ProtocolError for
 * bytes that are not such a form
 */
export function decodeValue(form: Buffer, typeId: number, findSymbol: FindSymbol): unknown {
  let at = 0;
  const takeFrame = (): Buffer => {
    const start = at + HEADER_BYTES;
    if (start > form.length) throw new ProtocolError(`result ends inside a frame at byte ${at}`);
    const length = Number(form.readBigUInt64LE(at));
    if (length > form.length - start) {
      throw new ProtocolError(`result ends inside a frame of ${length} bytes at byte ${at}`);
    }
    at = start + length;
    return form.subarray(start, at);
  };

  const open: OpenArray[] = [];
  let type = typeId;
  let value: unknown;
  for (;;) {
    const name = findSymbol(type);
    const frame = takeFrame();
    if (name === "loom/data") {
      value = frame;
    } else if (name === "loom/array") {
      const array = { values: [], types: readTypes(frame) };
      if (array.types.length > 0) {
        open.push(array);
        type = array.types[0];
        continue;
      }
      value = array.values;
    } else if (name === "loom/jsobj") {
      value = deserializeValue(frame);
    } else {
      throw undecodable(name, type);
    }
    // Every array that this value completes is itself the next value.
    for (;;) {
      const array = open.at(-1);
      if (array === undefined) {
        if (at === form.length) return value;
        throw new ProtocolError(`result has ${form.length - at} bytes too many`);
      }
      array.values.push(value);
      if (array.values.length < array.types.length) {
        type = array.types[array.values.length];
        break;
      }
      value = array.values;
      open.pop();
    }
  }
}

/** What a JavaScript function made with `ctx.wrap`. */
function deserializeValue(frame: Buffer): unknown {
  try {
    return deserialize(frame);
  } catch (error) {
    throw new LoomError(
      "usage",
      `the result is a JavaScript value that can't be read here (${messageOf(error)}); a worker's Node may be newer than this one`,
      { cause: error },
    );
  }
}

function readTypes(frame: Buffer): Uint32Array {
  if (frame.length % 4 !== 0) {
    throw new ProtocolError(`an array's list of types has ${frame.length} bytes`);
  }
  const types = new Uint32Array(frame.length / 4);
  for (let i = 0; i < types.length; i++) types[i] = frame.readUInt32LE(4 * i);
  return types;
}

/** The error for a result (or element) that is neither bytes nor an array. */
function undecodable(name: string | undefined, type: number): LoomError {
  if (name === undefined) return new ProtocolError(`result has the unknown type number ${type}`);
  const [what, remedy] =
    name === "loom/pyobj"
      ? ["a Python object (loom/pyobj)", "let the Python function return bytes, JSON or Arrow"]
      : [`of type ${name}`, "let the task return bytes or arrays"];
  return new LoomError(
    "usage",
    `the result is ${what}, which has no value in JavaScript; ${remedy}`,
  );
}
