/**
 * The bytes in which a JavaScript function travels, and those of its direct arguments
 * (docs/function-processes.md). Owns the formats; what is in the code is packing's, running it
 * is the function process's.
 */
import { createHash } from "node:crypto";
import { deserialize, serialize } from "node:v8";
import { messageOf, ProtocolError } from "../base/index.js";

/** The header of a function object; see docs/function-processes.md. */
export interface FunctionHeader {
  readonly name: string;
  /** SHA-256 of code and captured values, hexadecimal. */
  readonly hash: string;
  readonly codeBytes: number;
  readonly context: boolean;
  readonly url?: string;
  readonly module?: string;
  readonly export?: string;
}

/** A function object taken apart. The parts are views into its bytes. */
export interface FunctionObject {
  readonly header: FunctionHeader;
  readonly code: Buffer;
  /** `v8.serialize`d; empty if nothing was captured. */
  readonly captured: Buffer;
}

const LENGTH_BYTES = 4;

/** Equal functions give equal bytes. */
export function encodeFunctionObject(parts: {
  name: string;
  context: boolean;
  url: string | undefined;
  code: string;
  captured: Uint8Array | undefined;
}): Buffer {
  const { name, context, url } = parts;
  const code = Buffer.from(parts.code);
  const captured = parts.captured ?? new Uint8Array(0);
  const hash = createHash("sha256").update(code).update(captured).digest("hex");
  const header = Buffer.from(JSON.stringify({ name, hash, codeBytes: code.length, context, url }));
  const length = Buffer.alloc(LENGTH_BYTES);
  length.writeUInt32LE(header.length);
  return Buffer.concat([length, header, code, captured]);
}

/** @throws ProtocolError for bytes that are no function object */
export function decodeFunctionObject(bytes: Uint8Array): FunctionObject {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const codeStart = buffer.length < LENGTH_BYTES ? Infinity : LENGTH_BYTES + buffer.readUInt32LE(0);
  if (codeStart > buffer.length) {
    throw new ProtocolError(`a function object ends inside its header: ${buffer.length} bytes`);
  }
  let header: FunctionHeader;
  try {
    header = JSON.parse(buffer.toString("utf8", LENGTH_BYTES, codeStart)) as FunctionHeader;
  } catch (error) {
    throw new ProtocolError(`the header of a function object is no JSON: ${messageOf(error)}`, {
      cause: error,
    });
  }
  const codeEnd = codeStart + (header.codeBytes ?? 0);
  if (!(codeEnd >= codeStart && codeEnd <= buffer.length)) {
    throw new ProtocolError(`function object "${header.name}" ends inside its code`);
  }
  return {
    header,
    code: buffer.subarray(codeStart, codeEnd),
    captured: buffer.subarray(codeEnd),
  };
}

const NO_ARGUMENTS = Uint8Array.of(0);
const SERIALIZED = 1;
const JSON_TEXT = 2;

/**
 * The config of a call. Short lists of simple values travel as JSON, which is a tenth of the
 * work; everything else as `v8.serialize` writes it.
 */
export function encodeArguments(values: readonly unknown[]): Uint8Array {
  if (values.length === 0) return NO_ARGUMENTS;
  const payload = values.every(isJsonPrimitive)
    ? Buffer.from(JSON.stringify(values))
    : serialize(values);
  const config = Buffer.allocUnsafe(1 + payload.length);
  config[0] = payload[0] === OPENING_BRACKET ? JSON_TEXT : SERIALIZED;
  config.set(payload, 1);
  return config;
}

/** The direct arguments of a call. @throws ProtocolError for a config that isn't one */
export function decodeArguments(config: Uint8Array): unknown[] {
  const payload = Buffer.from(config.buffer, config.byteOffset, config.byteLength).subarray(1);
  try {
    if (config.length <= 1 && (config[0] ?? 0) === 0) return [];
    if (config[0] === SERIALIZED) return deserialize(payload) as unknown[];
    if (config[0] === JSON_TEXT) return JSON.parse(payload.toString()) as unknown[];
  } catch (error) {
    throw new ProtocolError(`the arguments of a call can't be read: ${messageOf(error)}`, {
      cause: error,
    });
  }
  throw new ProtocolError(`the arguments of a call are of the unknown kind ${config[0]}`);
}

/** What `v8.serialize` writes begins with 0xff. */
const OPENING_BRACKET = 0x5b;

function isJsonPrimitive(value: unknown): boolean {
  switch (typeof value) {
    case "number":
      return Number.isFinite(value) && !Object.is(value, -0);
    case "string":
    case "boolean":
      return true;
    default:
      return value === null;
  }
}
