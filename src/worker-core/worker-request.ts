/**
 * What tasks ask of this worker: one {@link WorkerRequest} per request that the server has defined,
 * looked up in the worker's resources once. Owns whether it can ever be met, and the text when it can't;
 * what is free is resource-slots.ts's.
 */
import { inByteUnits } from "../base/index.js";
import type { ConcreteRequest, RequestedAmount } from "../graph/index.js";
import { RequestPlace } from "./request-order.js";
import { type Ask, type ResourcePool, UNITS } from "./resource-pool.js";
import { TaskHeap } from "./task-heap.js";

const NO_ASKS: readonly Ask[] = [];

/** Tasks with the same request are alike to queue and resources. */
export class WorkerRequest {
  /** Tasks with this request that are ready. Changed by the queue only. */
  readonly ready = new TaskHeap();
  /** Where it is in the order of requests, while `ready` has tasks. Changed by the queue only. */
  readonly place: RequestPlace;
  /** By resource, cores first: at least so much must be free, */
  readonly needed: readonly number[];
  /** and so much must be left by others. Infinite: it depends on which indices these take. */
  readonly claimed: readonly number[];
  /** It asks for particular indices. */
  readonly isParticular: boolean;

  constructor(
    readonly cpus: number,
    /** At most one per resource. */
    readonly asks: readonly Ask[],
    /** Why this worker can never meet it: for the user. */
    readonly problem: string | undefined,
    pools: Iterable<ResourcePool>,
  ) {
    const needed = [cpus];
    const claimed = [cpus];
    for (const pool of pools) {
      const ask = asks.find((one) => one.pool === pool);
      needed.push(ask === undefined ? 0 : pool.neededBy(ask));
      claimed.push(ask === undefined ? 0 : pool.claimedBy(ask));
    }
    this.needed = needed;
    this.claimed = claimed;
    this.isParticular = asks.some(({ particular }) => particular.length > 0);
    this.place = new RequestPlace(this);
  }
}

/**
 * Looks up what is asked for.
 * @param totalCpus cores of this worker
 */
export function resolveRequest(
  { cpus, amounts }: ConcreteRequest,
  totalCpus: number,
  pools: ReadonlyMap<string, ResourcePool>,
): WorkerRequest {
  const problems: string[] = [];
  if (cpus > totalCpus) problems.push(`${cpus} cpus but this worker has ${totalCpus}`);
  const all = pools.values();
  if (amounts.length === 0) return new WorkerRequest(cpus, NO_ASKS, sentence(problems), all);
  const asks: Ask[] = [];
  for (const [name, parts] of groupByName(amounts)) {
    const ask = askOf(name, parts, pools.get(name));
    if (typeof ask === "string") problems.push(ask);
    else asks.push(ask);
  }
  return new WorkerRequest(cpus, asks, sentence(problems), all);
}

function sentence(problems: readonly string[]): string | undefined {
  if (problems.length === 0) return undefined;
  return `the task asks for ${problems.join(", for ")}; ask for less or start a larger worker`;
}

function groupByName(amounts: readonly RequestedAmount[]): Map<string, RequestedAmount[]> {
  const groups = new Map<string, RequestedAmount[]>();
  for (const amount of amounts) {
    const group = groups.get(amount.name);
    if (group === undefined) groups.set(amount.name, [amount]);
    else group.push(amount);
  }
  return groups;
}

/** Adds up what is asked of one resource; a text says why it can't be had. */
function askOf(
  name: string,
  parts: readonly RequestedAmount[],
  pool: ResourcePool | undefined,
): Ask | string {
  const names = [...new Set(parts.flatMap(({ indices }) => indices))];
  let extra = 0;
  for (const { amount, indices } of parts) {
    const units = Math.round(amount * UNITS);
    if (!(units > 0) || !Number.isFinite(units)) return `${amount} ${name}, which is no amount`;
    if (indices.length === 0) extra += units;
  }
  const units = extra + names.length * UNITS;
  const asked = shownAmount(name, units);
  if (pool === undefined) return `${asked} but this worker has none`;
  const indexed = pool.indices.length > 0;
  if (names.length > 0) {
    const missing = names.filter((index) => !pool.indices.includes(index));
    if (missing.length > 0) {
      const those = `${name} ${missing.join(", ")}`;
      return indexed
        ? `${those} but this worker has ${name} ${shownIndices(pool.indices)}`
        : `${those} but ${name} of this worker has no indices`;
    }
  }
  const fraction = indexed ? extra % UNITS : 0;
  const wholes = indexed ? (extra - fraction) / UNITS : 0;
  // A fraction takes room from an index that no whole one can use.
  const needed = indexed ? names.length + wholes + (fraction > 0 ? 1 : 0) : units / UNITS;
  if (needed * UNITS > pool.totalUnits) {
    return `${asked} but this worker has ${shownAmount(name, pool.totalUnits)}`;
  }
  const particular = names.map((index) => pool.indices.indexOf(index));
  return { pool, units, particular, wholes, fraction };
}

const MANY_INDICES = 16;

function shownIndices(indices: readonly string[]): string {
  if (indices.length <= MANY_INDICES) return indices.join(", ");
  return `${indices.slice(0, MANY_INDICES).join(", ")} and ${indices.length - MANY_INDICES} more`;
}

/** "0.5 gpus", "1.5 GiB of mem". */
function shownAmount(name: string, units: number): string {
  const whole = units / UNITS;
  if (name !== "mem" || whole < 1024) return `${whole} ${name}`;
  const { amount, unit } = inByteUnits(whole);
  return `${Math.round(amount * 1000) / 1000} ${unit} of ${name}`;
}
