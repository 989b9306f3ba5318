/**
 * The bytes in which a JavaScript function travels, and those of its direct arguments
 * (docs/function-processes.md). Owns their writing; what is in the code is packing's, reading and
 * running it the function process's.
 */
import { createHash } from "node:crypto";
import { serialize } from "node:v8";

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
