/** Metadata of a task as explanations have it: docs/protocol.md says how it is encoded. */
import type { TaskMetadata } from "../../protocol/index.js";

/** More is not sent with an explanation. */
const MAX_BYTES = 64 * 1024;
/** First byte of all pickles since protocol 2; no JSON begins with it. */
const PICKLE = 0x80;

export function readMetadata(bytes: Uint8Array): TaskMetadata {
  const { length } = bytes;
  const told = length > MAX_BYTES ? "" : base64(bytes);
  if (bytes[0] === PICKLE) return { pickle: told, bytes: length };
  if (length <= MAX_BYTES) {
    try {
      return { json: JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes)) };
    } catch {
      // What it is instead is not known here.
    }
  }
  return { base64: told, bytes: length };
}

function base64(bytes: Uint8Array): string {
  let text = "";
  for (const byte of bytes) text += String.fromCharCode(byte);
  return btoa(text);
}
