/**
 * Amounts of resources: how they are written, rounded and added up to what one task holds. Owns the
 * rules that clients and servers share; whether any worker has so much is the scheduler's business.
 */
import type { RequestedAmount } from "./worker-resource.js";

/** Most that one task can hold, and a worker have. */
export const MAX_CPUS = 65_535;
// Bounds of the record by which workers are told of requests.
const MAX_REQUESTED_RESOURCES = 64;
const MAX_REQUESTED_INDICES = 255;
const MAX_INDEX_LENGTH = 64;

/** Amounts are multiples of one part of this. */
const PARTS = 10_000;

const NAME = /^[A-Za-z][A-Za-z0-9_.-]{0,63}$/;
const AMOUNT = /^(\d+(?:\.\d+)?) ?([A-Za-z]*)$/;
const UNITS: Readonly<Record<string, number>> = {
  "": 1,
  B: 1,
  KiB: 2 ** 10,
  MiB: 2 ** 20,
  GiB: 2 ** 30,
  TiB: 2 ** 40,
  kB: 1e3,
  MB: 1e6,
  GB: 1e9,
  TB: 1e12,
};

/** Whether resources can have this name: letters, digits, `_`, `.`, `-`, the first one a letter. */
export function isResourceName(name: string): boolean {
  return NAME.test(name);
}

/** Of "64GiB" the bytes, of "0.5" the number; undefined for what is no amount. */
export function parseResourceAmount(text: string): number | undefined {
  const [, digits, unit] = AMOUNT.exec(text.trim()) ?? [];
  if (digits === undefined || !Object.hasOwn(UNITS, unit)) return undefined;
  return roundAmount(Number(digits) * UNITS[unit]);
}

/** To the nearest multiple of 1/10000; may be 0. */
export function roundAmount(amount: number): number {
  return Number.isInteger(amount) ? amount : Math.floor(amount * PARTS + 0.5) / PARTS;
}

/** What one variant of a request adds up to. */
export interface RequestedAmounts {
  readonly cpus: number;
  /** Without cpus; each name once. */
  readonly amounts: readonly RequestedAmount[];
}

/**
 * Adds up the entries of one variant of a request; entries of one resource count together.
 * Returns what is wrong with them, to follow "the request ", if something is.
 * @param entries by name without "loom/resource/"; `indices`, if not empty: exactly these
 */
export function addUpAmounts(
  entries: readonly {
    readonly name: string;
    readonly value: number;
    readonly indices?: readonly string[] | undefined;
  }[],
): RequestedAmounts | string {
  let cpus = 0;
  const sums = new Map<string, { name: string; amount: number; indices: string[] }>();
  for (const { name, value, indices = [] } of entries) {
    const problem = problemWith(name, value, indices);
    if (problem !== undefined) return problem;
    if (name === "cpus") {
      cpus += value;
      continue;
    }
    const sum = sums.get(name);
    if (sum === undefined) {
      sums.set(name, { name, amount: roundAmount(value), indices: [...indices] });
      continue;
    }
    if (sum.indices.length > 0 !== indices.length > 0) {
      return `asks for particular ${name} and for any of them; ask for the one or the other`;
    }
    sum.amount = roundAmount(sum.amount + value);
    sum.indices.push(...indices);
  }
  if (cpus > MAX_CPUS) return `asks for ${cpus} cpus, no worker has over ${MAX_CPUS}`;
  if (sums.size > MAX_REQUESTED_RESOURCES) {
    return `asks for ${sums.size} resources, at most ${MAX_REQUESTED_RESOURCES} are possible`;
  }
  for (const { name, amount, indices } of sums.values()) {
    if (!Number.isFinite(amount)) return `asks for ${amount} ${name}`;
    if (indices.length > MAX_REQUESTED_INDICES) {
      return `names ${indices.length} ${name}, at most ${MAX_REQUESTED_INDICES} are possible`;
    }
    if (new Set(indices).size < indices.length) return `names one of the ${name} twice`;
  }
  return { cpus, amounts: [...sums.values()] };
}

function problemWith(name: string, value: number, indices: readonly string[]): string | undefined {
  if (!isResourceName(name)) {
    return `names the resource ${JSON.stringify(name)}; names have 1 to 64 letters, digits, "_", "." and "-", the first one a letter`;
  }
  if (name === "cpus") {
    if (indices.length > 0) return "names particular cpus; ask for a number of them";
    if (Number.isInteger(value) && value >= 0) return undefined;
    return `asks for ${value} cpus; it must be a whole number, at most ${MAX_CPUS}`;
  }
  if (indices.length > 0) {
    const wrong = indices.find(
      (index) => typeof index !== "string" || index === "" || index.length > MAX_INDEX_LENGTH,
    );
    if (wrong !== undefined) {
      return `names one of the ${name} ${JSON.stringify(wrong)}; indices are texts of 1 to ${MAX_INDEX_LENGTH} characters`;
    }
    if (value === indices.length) return undefined;
    return `names ${indices.length} of the ${name} but asks for ${value}`;
  }
  if (Number.isFinite(value) && roundAmount(value) > 0) return undefined;
  return `asks for ${value} ${name}; it must be a number above 0, at least 1/${PARTS}`;
}
