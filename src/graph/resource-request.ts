/**
 * What a task needs of a worker while it runs, as users write it. Owns the types and the functions
 * that make requests; what amounts are valid is in requested-amounts.ts, what a resource means is
 * the scheduler's business.
 */
import { LoomError } from "../base/index.js";
import { addUpAmounts, MAX_CPUS, parseResourceAmount } from "./requested-amounts.js";

/** Resources a task holds while it runs. Tasks without one are light: they need no core. */
export interface ResourceRequest {
  readonly resources: readonly ResourceAmount[];
  /**
   * What will do as well, in order of preference after `resources`; these have no alternatives of
   * their own. Default: none.
   */
  readonly alternatives?: readonly ResourceRequest[] | undefined;
}

/** One resource of a {@link ResourceRequest}. */
export interface ResourceAmount {
  /** "loom/resource/NAME", e.g. "loom/resource/cpus". */
  readonly name: string;
  /**
   * How much of it, above 0, rounded to 1/10000; cpus: an integer from 1 to 65,535; "mem": bytes.
   */
  readonly value: number;
  /** These single ones of an indexed resource; then `value` is their number. Default: any. */
  readonly indices?: readonly string[] | undefined;
}

/** An amount for {@link resources}: a number, a text like "64GiB", or particular indices. */
export type AmountInit = number | string | { readonly indices: readonly string[] };

const PREFIX = "loom/resource/";
const MAX_INT32 = 0x7fffffff;
const requests = new Map<number, ResourceRequest>();

/**
 * A request for `count` cores of one worker. Equal counts give the same object.
 * @throws LoomError("usage") unless `count` is an integer from 1 to 65,535
 * @example tasks.custom("app/solve", config, [], { request: cpus(4) })
 */
export function cpus(count: number): ResourceRequest {
  let request = requests.get(count);
  if (request === undefined) {
    if (!Number.isInteger(count) || count < 1 || count > MAX_CPUS) {
      throw new LoomError("usage", `cpus must be an integer from 1 to ${MAX_CPUS}, got ${count}`);
    }
    request = { resources: [{ name: `${PREFIX}cpus`, value: count }] };
    requests.set(count, request);
  }
  return request;
}

/**
 * A request for amounts of resources of one worker, by name. Amounts are numbers, whole ones for
 * cpus, else fractions down to 1/10000; texts with a unit (B, KiB, MiB, GiB, TiB, kB, MB, GB, TB); or
 * particular ones of an indexed resource. `mem` is in bytes.
 * @throws LoomError("usage") naming the resource, for a wrong name or amount, or none at all
 * @example
 * resources({ cpus: 4, gpus: 0.5, mem: "64GiB" });
 * resources({ gpus: { indices: ["0", "3"] } });
 */
export function resources(amounts: Readonly<Record<string, AmountInit>>): ResourceRequest {
  const names = Object.keys(Object(amounts)).sort();
  if (names.length === 0) {
    throw new LoomError("usage", "resources() needs an amount: resources({ cpus: 1 })");
  }
  const request = { resources: names.map((name) => resourceAmount(name, amounts[name])) };
  checkRequest(request, "resources()");
  return request;
}

/**
 * A request that any of these satisfy, in order of preference.
 * @throws LoomError("usage") for one that is no request or has alternatives itself
 * @example anyOf(resources({ gpus: 1, cpus: 4 }), cpus(16))
 */
export function anyOf(first: ResourceRequest, ...others: ResourceRequest[]): ResourceRequest {
  for (const variant of [first, ...others]) {
    if ((variant?.alternatives?.length ?? 0) > 0) throw nested("anyOf()");
  }
  const request = { resources: first?.resources, alternatives: others };
  checkRequest(request, "anyOf()");
  return request;
}

/** How functions that make tasks are told what these hold. */
export interface HeldResources {
  readonly cpus?: number | undefined;
  readonly request?: ResourceRequest | undefined;
}

/**
 * The request that options ask for; default: one core, undefined: nothing.
 * @param what names the task in the message
 * @throws LoomError("usage") if both are given, or `cpus` is wrong
 * @internal
 */
export function requestOf(options: HeldResources, what: string): ResourceRequest | undefined {
  const { cpus: cores, request } = options;
  if (request === undefined) return cores === 0 ? undefined : cpus(cores ?? 1);
  if (cores === undefined) return request;
  throw new LoomError(
    "usage",
    `${what}: both cpus and request are given; name the cpus in the request: resources({ cpus: ${cores}, ... })`,
  );
}

/**
 * Name of a resource without "loom/resource/"; undefined for a symbol of another kind.
 */
export function findResourceName(symbol: string): string | undefined {
  return symbol.startsWith(PREFIX) ? symbol.slice(PREFIX.length) : undefined;
}

/**
 * @param what names the request in the message
 * @throws LoomError("usage") for what is no request, or asks for impossible amounts
 * @internal
 */
export function checkRequest(request: ResourceRequest, what: string): void {
  const alternatives = request?.alternatives ?? [];
  for (const variant of [request, ...alternatives]) {
    if (!Array.isArray(variant?.resources)) {
      throw new LoomError(
        "usage",
        `${what}: ${variant === null ? "null" : typeof variant} is no resource request; make one with resources() or cpus()`,
      );
    }
    if (variant !== request && (variant.alternatives?.length ?? 0) > 0) throw nested(what);
    const problem = problemWith(variant.resources);
    if (problem !== undefined) throw new LoomError("usage", `${what}: the request ${problem}`);
  }
}

function problemWith(list: readonly ResourceAmount[]): string | undefined {
  const named: ResourceAmount[] = [];
  for (const amount of list) {
    const { name: symbol, value, indices } = amount;
    const name = findResourceName(String(symbol));
    if (name !== undefined) {
      named.push({ name, value, indices });
      continue;
    }
    // A symbol of the user's own workers: the classic form, which has neither fractions nor indices.
    if (Number.isInteger(value) && value >= 0 && value <= MAX_INT32 && !indices?.length) continue;
    return `asks for ${value} of ${JSON.stringify(symbol)}; it must be an integer from 0 to 2^31 - 1, or a resource named "${PREFIX}..."`;
  }
  const sum = addUpAmounts(named);
  return typeof sum === "string" ? sum : undefined;
}

function resourceAmount(name: string, init: AmountInit): ResourceAmount {
  const symbol = PREFIX + name;
  if (typeof init === "object" && init !== null && Array.isArray(init.indices)) {
    const indices: string[] = [...init.indices];
    if (indices.length > 0) return { name: symbol, value: indices.length, indices };
  } else {
    const value = typeof init === "string" ? parseResourceAmount(init) : init;
    const isAmount = typeof value === "number" && (name !== "cpus" || value > 0);
    if (isAmount) return { name: symbol, value };
  }
  throw new LoomError(
    "usage",
    `resources(): the amount of ${name} must be a number above 0, a text like "64GiB", or { indices: ["0"] }, got ${JSON.stringify(init)}`,
  );
}

function nested(what: string): LoomError {
  return new LoomError(
    "usage",
    `${what}: an alternative has alternatives; list all of them in one anyOf()`,
  );
}
