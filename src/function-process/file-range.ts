/** Reads a stretch of a file which the worker promises not to change. Called by data.ts. */
import { constants } from "node:buffer";
import { closeSync, openSync, readSync } from "node:fs";

/** readSync takes an int32. */
const MAX_READ_BYTES = 2 ** 30;

/** @throws RangeError for more than a Buffer holds, Error when the file is shorter or unreadable */
export function readFileRange(path: string, offset: number, length: number): Buffer {
  if (length > constants.MAX_LENGTH) {
    throw new RangeError(
      `${length} bytes are more than a Buffer holds (${constants.MAX_LENGTH}): use pieces (tasks.split)`,
    );
  }
  const bytes = Buffer.allocUnsafe(length);
  if (length === 0) return bytes;
  const file = openSync(path, "r");
  try {
    let filled = 0;
    while (filled < length) {
      const wanted = Math.min(length - filled, MAX_READ_BYTES);
      const count = readSync(file, bytes, filled, wanted, offset + filled);
      if (count === 0) {
        throw new Error(`file ${path} ends at byte ${offset + filled}, before the data ends`);
      }
      filled += count;
    }
  } finally {
    closeSync(file);
  }
  return bytes;
}
