/** Pieces of text for terminals: bars, rates, times, names that can do no harm. Called by client and cli. */
import { inByteUnits } from "./describe-amounts.js";

/** `part` of `whole` as a bar; it is full only when all is done. */
export function progressBar(part: number, whole: number, width: number, unicode: boolean): string {
  const filled = whole === 0 ? 0 : Math.min(width, Math.floor((part / whole) * width));
  return (unicode ? "█" : "#").repeat(filled) + (unicode ? "░" : "-").repeat(width - filled);
}

/** Whether the terminal shows more than ASCII, as far as the environment tells. */
export function showsUnicode(environment: Readonly<Record<string, string | undefined>>): boolean {
  const locale = environment.LC_ALL || environment.LC_CTYPE || environment.LANG || "";
  return /utf-?8/i.test(locale);
}

/** Labels are users' texts: nothing in them may steer the terminal. */
export function shownName(name: string, maxLength: number): string {
  const plain = [...name.replace(/\p{C}/gu, "?")];
  if (plain.length <= maxLength) return plain.join("");
  return `${plain.slice(0, maxLength - 2).join("")}..`;
}

/** At most so many characters of it. */
export function clipped(line: string, width: number): string {
  return line.length <= width ? line : [...line].slice(0, Math.max(0, width)).join("");
}

/** In characters: how wide they are only the terminal knows. */
export function lengthOf(text: string): number {
  return [...text].length;
}

/** Tasks per second, or per minute or hour where they are few. */
export function formatRate(perS: number): string {
  if (perS >= 9.95) return `${rounded(perS)}/s`;
  if (perS >= 0.95) return `${decimal(perS)}/s`;
  if (perS * 60 >= 0.95) return `${rounded(perS * 60)}/min`;
  return `${rounded(perS * 3600)}/h`;
}

/** Whole seconds, upwards. */
export function formatDuration(ms: number): string {
  const seconds = Math.ceil(ms / 1000);
  const minutes = Math.floor(seconds / 60);
  const hours = Math.floor(minutes / 60);
  const days = Math.floor(hours / 24);
  if (days > 0) return `${days} d ${hours % 24} h`;
  if (hours > 0) return `${hours} h ${minutes % 60} min`;
  if (minutes > 0) return `${minutes} min ${seconds % 60} s`;
  return `${seconds} s`;
}

/** "12 B", "1.5 GiB". */
export function formatBytes(bytes: number): string {
  const { amount, unit } = inByteUnits(bytes, 1023.95);
  const text = unit === "B" || amount >= 99.95 ? `${rounded(amount)}` : decimal(amount);
  return `${text} ${unit}`;
}

function rounded(number: number): number {
  return Math.floor(number + 0.5);
}

function decimal(number: number): string {
  const tenths = rounded(number * 10);
  return `${Math.floor(tenths / 10)}.${tenths % 10}`;
}

/**
 * Text that is to be shown all at once, however its bytes arrive (synchronized output, DEC mode 2026). Terminals
 * that do not know it ignore that.
 */
export function drawnAtOnce(text: string): string {
  return `\x1b[?2026h${text}\x1b[?2026l`;
}
