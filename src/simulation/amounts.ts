/**
 * Amounts in texts, such as "64GiB", "100us" or "512MiB/s". Called by the readers of worker
 * specifications, faults and generators, and by the command line.
 */
import { LoomError } from "../base/index.js";

const BYTES: Readonly<Record<string, number>> = {
  "": 1,
  B: 1,
  kB: 1e3,
  MB: 1e6,
  GB: 1e9,
  TB: 1e12,
  KiB: 2 ** 10,
  MiB: 2 ** 20,
  GiB: 2 ** 30,
  TiB: 2 ** 40,
};

const MILLISECONDS: Readonly<Record<string, number>> = {
  us: 1e-3,
  ms: 1,
  "": 1000,
  s: 1000,
  min: 60_000,
  h: 3_600_000,
};

/** Nothing lasts longer, and nothing happens later: 30 years, and milliseconds keep their fractions. */
export const MAX_SECONDS = 1e9;
/** No object is larger: bytes are counted exactly. */
export const MAX_BYTES = 2 ** 53;

/** A size: "1MiB", "200kB", "64" (bytes). `what` names it in the error. */
export function readBytes(text: string, what: string): number {
  return withUnit(
    text,
    BYTES,
    what,
    "a size; give a number with one of B, kB, MB, GB, KiB, MiB, GiB, TiB, such as 64GiB",
    MAX_BYTES,
    "8192 TiB",
  );
}

/** A time span in milliseconds: "10s", "100us", "2min"; without a unit: seconds. */
export function readTimeMs(text: string, what: string): number {
  return withUnit(
    text,
    MILLISECONDS,
    what,
    "a time; give a number with one of us, ms, s, min, h, such as 10s",
    1000 * MAX_SECONDS,
    `${MAX_SECONDS} s`,
  );
}

/** A bandwidth in bytes per millisecond: "512MiB/s"; "inf": without limit. */
export function readBytesPerMs(text: string, what: string): number {
  if (text === "inf") return Number.POSITIVE_INFINITY;
  const perS = withUnit(
    text.replace(/\/s$/, ""),
    BYTES,
    what,
    "a bandwidth; give a size per second such as 512MiB/s, or inf",
    MAX_BYTES,
    "8192 TiB/s (or inf)",
  );
  if (perS >= 1) return perS / 1000;
  if (perS === 0) {
    throw new LoomError(
      "usage",
      `${what} ${text} would never move a byte; give a bandwidth above 0`,
    );
  }
  throw new LoomError("usage", `${what} ${text} is too little; give at least 1 B/s`);
}

/** A number from `min` to `max`. */
export function readNumber(text: string, what: string, min: number, max: number): number {
  const value = /^\d+(\.\d+)?(e[+-]?\d+)?$/i.test(text) ? Number(text) : Number.NaN;
  if (value >= min && value <= max) return value;
  throw new LoomError("usage", `${what} ${shown(text)} is not a number from ${min} to ${max}`);
}

/** A whole number from `min` to `max`. */
export function readCount(text: string, what: string, min: number, max: number): number {
  const value = /^\d+(e\d+)?$/i.test(text) ? Number(text) : Number.NaN;
  if (value >= min && value <= max) return value;
  throw new LoomError(
    "usage",
    `${what} ${shown(text)} is not a whole number from ${min} to ${max}`,
  );
}

function withUnit(
  text: string,
  units: Readonly<Record<string, number>>,
  what: string,
  expected: string,
  max: number,
  maxText: string,
): number {
  const [, number, unit] = /^(\d+(?:\.\d+)?(?:e[+-]?\d+)?)\s*([a-zA-Z]*)$/i.exec(text) ?? [];
  const factor = Object.hasOwn(units, unit) ? units[unit] : undefined;
  const value = number === undefined || factor === undefined ? Number.NaN : Number(number) * factor;
  if (value <= max) return value;
  if (value > max) throw new LoomError("usage", `${what} ${text} is too much; at most ${maxText}`);
  throw new LoomError("usage", `${what} ${shown(text)} is not ${expected}`);
}

function shown(text: string): string {
  return text === "" ? '""' : text;
}
