/** Numbers → short texts with units. No DOM. */
import { counted, inByteUnits } from "../../base/index.js";

/** A duration: "870 µs", "12.3 ms", "4.56 s", "3 min 20 s", "2 h 05 min". "–": not known. */
export function formatMs(ms: number): string {
  if (!Number.isFinite(ms)) return "–";
  // What is less than can be shown is what sums of doubles are off.
  if (Math.abs(ms) < 5e-6) return "0 s";
  if (ms < 0) return `-${formatMs(-ms)}`;
  if (ms < 1) return `${significant(ms * 1000)} µs`;
  if (ms < 1000) return `${significant(ms)} ms`;
  if (ms < 60_000) return `${significant(ms / 1000)} s`;
  const seconds = Math.round(ms / 1000);
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ${two(seconds % 60)} s`;
  const minutes = Math.round(seconds / 60);
  return `${formatCount(Math.floor(minutes / 60))} h ${two(minutes % 60)} min`;
}

/** A time since the start, exact to 0.1 ms: "12.3456 s". */
export function formatAt(ms: number): string {
  return Number.isFinite(ms) ? `${(ms / 1000).toFixed(4)} s` : "–";
}

export function formatBytes(bytes: number): string {
  if (!Number.isFinite(bytes)) return "–";
  const { amount, unit } = inByteUnits(Math.abs(bytes));
  const text = unit === "B" ? String(Math.round(amount)) : significant(amount);
  return `${bytes < 0 ? "-" : ""}${text} ${unit}`;
}

const groups = new Intl.NumberFormat("en-US", { maximumFractionDigits: 0 });

/** "1,234,567". */
export function formatCount(count: number): string {
  return Number.isFinite(count) ? groups.format(count) : "–";
}

/** A number of cores and the like. */
export function formatNumber(value: number): string {
  if (!Number.isFinite(value)) return "–";
  return Math.abs(value) >= 1000 ? formatCount(value) : String(Number(value.toPrecision(4)));
}

/** What was measured, or is a mean: three digits, and nothing below a thousandth. */
export function formatMeasured(value: number): string {
  return formatNumber(Number(value.toFixed(Math.abs(value) < 1 ? 3 : 2)));
}

/** "12.3 %" of two amounts. */
export function formatShare(part: number, whole: number): string {
  return whole > 0 ? `${((part / whole) * 100).toFixed(1)} %` : "–";
}

/** Its beginning, where it has more characters than that. */
export function shortened(text: string, limit: number): string {
  return text.length > limit ? `${text.slice(0, limit - 1)}…` : text;
}

export function plural(count: number, noun: string): string {
  return counted(count, noun, formatCount);
}

function significant(value: number): string {
  if (value >= 100) return value.toFixed(0);
  return value >= 10 ? value.toFixed(1) : value.toFixed(2);
}

function two(value: number): string {
  return String(value).padStart(2, "0");
}
