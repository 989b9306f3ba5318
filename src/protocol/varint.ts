/** Writing of protobuf int32 varints. Called by the encoders written by hand. */

/** Bytes that {@link writeVarint} writes; a negative int32 takes ten, as protobuf says. */
export function varintSize(value: number): number {
  if (value < 0) return 10;
  if (value < 0x80) return 1;
  if (value < 0x4000) return 2;
  if (value < 0x20_0000) return 3;
  return value < 0x1000_0000 ? 4 : 5;
}

/** Writes an int32 or uint32 at `at`; returns where it ends. There must be room. */
export function writeVarint(target: Uint8Array, at: number, value: number): number {
  let rest = value;
  let end = at;
  if (value < 0) {
    for (let i = 0; i < 4; i++) {
      target[end++] = (rest & 0x7f) | 0x80;
      rest >>= 7;
    }
    // Sign extension to 64 bits: bits 28-31 and above are in the low bits of `rest`.
    target[end++] = (rest & 0x7f) | 0x80;
    for (let i = 0; i < 4; i++) target[end++] = 0xff;
    target[end++] = 1;
    return end;
  }
  while (rest >= 0x80) {
    target[end++] = (rest & 0x7f) | 0x80;
    rest >>>= 7;
  }
  target[end++] = rest;
  return end;
}
