/** Counts, bytes and times as messages have them. */

const BYTE_UNITS = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"];

/**
 * Bytes in the unit in which they are a small number.
 * @param limit amounts from this on are told in the next unit. Default 1024
 */
export function inByteUnits(bytes: number, limit = 1024): { amount: number; unit: string } {
  let amount = bytes;
  let unit = 0;
  for (; amount >= limit && unit < BYTE_UNITS.length - 1; unit++) amount /= 1024;
  return { amount, unit: BYTE_UNITS[unit] };
}

/** "1.5 GiB"; rounded. */
export function describeBytes(bytes: number): string {
  const { amount, unit } = inByteUnits(bytes);
  const rounded = Math.round(amount * 100) / 100;
  if (unit !== "B") return `${rounded} ${unit}`;
  return rounded === 1 ? "1 byte" : `${rounded} bytes`;
}

/** "120 ms", "12.3 s", "5 min 3 s", "2 h 5 min"; rounded. */
export function describeDuration(ms: number): string {
  if (ms < 1000) return `${Math.round(ms)} ms`;
  if (ms < 60_000) return `${Math.round(ms / 100) / 10} s`;
  const seconds = Math.round(ms / 1000);
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
  const minutes = Math.round(seconds / 60);
  return `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

/** "1 task", "2 tasks". */
export function counted(
  count: number,
  noun: string,
  format: (count: number) => string = String,
): string {
  return `${format(count)} ${noun}${count === 1 ? "" : "s"}`;
}
