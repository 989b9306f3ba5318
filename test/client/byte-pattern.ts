/** Contents too large to be written down, for tests of reading in pieces. */

export const MIB = 1024 * 1024;

/** Bytes that tell where they come from. */
export function pattern(size: number, seed = 1): Buffer {
  const bytes = Buffer.alloc(size);
  for (let i = 0; i < size; i += 4) bytes.writeUInt32LE((i * seed) >>> 0, Math.min(i, size - 4));
  return bytes;
}
