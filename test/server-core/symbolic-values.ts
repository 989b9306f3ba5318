/** Values of tasks in tests of the server core: texts that say how they were made. */

/** Values are symbolic: long ones are replaced, so that the smallest objects have room for them. */
export function shortened(text: string): string {
  return text.length <= 40 ? text : `#${hashOf(text).toString(36)}`;
}

/** Mostly 1 to 3, sometimes 0. */
export function defaultLength(value: string): number {
  const hash = hashOf(value);
  return hash % 16 === 0 ? 0 : 1 + (hash % 3);
}

/** FNV-1a, twice with different beginnings: collisions would be failures. */
function hashOf(text: string): number {
  let low = 0x811c9dc5;
  let high = 0x1234567;
  for (let i = 0; i < text.length; i++) {
    low = Math.imul(low ^ text.charCodeAt(i), 0x01000193) >>> 0;
    high = Math.imul(high ^ text.charCodeAt(i), 0x01000193) >>> 0;
  }
  return (high & 0xfffff) * 2 ** 32 + low;
}

/** The value of an element, as loom/base/get and slice make it. */
export function partOf(value: string, from: number, end?: number): string {
  return shortened(end === undefined ? `${value}[${from}]` : `${value}[${from}:${end}]`);
}

const GET = 9;
const SLICE = 10;

/** What a get or slice (by type and config) makes of its input; undefined: it is neither. */
export function elementOf(type: number, config: Uint8Array, input: string): string | undefined {
  const view = new DataView(config.buffer, config.byteOffset, config.length);
  const number = (at: number) => Number(view.getBigUint64(at, true));
  if (type === GET && config.length === 8) return partOf(input, number(0));
  if (type === SLICE && config.length === 16) return partOf(input, number(0), number(8));
  return undefined;
}
