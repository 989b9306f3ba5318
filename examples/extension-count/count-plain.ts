/** Counts bytes in TypeScript. */
export function countPlain(bytes: Uint8Array, byte: number): number {
  let count = 0;
  for (let i = 0; i < bytes.length; i++) {
    if (bytes[i] === byte) count++;
  }
  return count;
}
