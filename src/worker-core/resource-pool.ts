/**
 * One resource of the worker besides its cores: how much of it is free, which indices. An amount (memory)
 * is only a sum; an indexed resource (GPUs) is given out index by index, fractions of several tasks
 * from the same index. Owns no queue. Called by resource-slots.ts.
 *
 * Amounts are counted in units of 1/10000, as whole numbers: fractions add up exactly.
 */
import type { WorkerResource } from "../graph/index.js";

/** Units of 1. */
export const UNITS = 10_000;

/** What one request asks of one resource, in the form in which it is looked for. */
export interface Ask {
  readonly pool: ResourcePool;
  /** All of it. */
  readonly units: number;
  /** Positions of particular indices, wholly. */
  readonly particular: readonly number[];
  /** Whole indices besides them, any ones. */
  readonly wholes: number;
  /** Units of one more index, less than a whole one. */
  readonly fraction: number;
}

/** What a task holds of one resource. */
export interface HeldAmount {
  readonly pool: ResourcePool;
  /** In units. */
  readonly units: number;
  /** Positions of its indices, ascending but for a shared one, which is the last. */
  readonly positions: readonly number[];
  /** Units of the last index; 0: all are held wholly. */
  readonly fraction: number;
}

export interface ResourcePool extends WorkerResource {
  /** The most that is ever free. */
  readonly totalUnits: number;
  fits(ask: Ask): boolean;
  /** It must fit. */
  take(ask: Ask): HeldAmount;
  release(held: HeldAmount): void;
  /**
   * Whether enough stays free for `other` when `ask`, which fits, is taken. May say no where that
   * depends on which indices are taken.
   */
  leavesEnough(ask: Ask, other: Ask): boolean;
  // The same in single numbers, by which many are ruled out at once:
  /** A task that needs more than this of it does not fit. */
  readonly mostFree: number;
  /** `ask` leaves enough for `other` only if what is needed by it is at most this, less what that claims. */
  readonly whollyFree: number;
  neededBy(ask: Ask): number;
  /** Infinite: it depends on which indices are taken. */
  claimedBy(ask: Ask): number;
  /** Throws unless what is free is all but what these hold. For tests. */
  check(held: readonly HeldAmount[]): void;
}

const NO_POSITIONS: readonly number[] = [];

export function resourcePool(offered: WorkerResource): ResourcePool {
  return offered.indices.length > 0 ? new IndexedPool(offered) : new AmountPool(offered);
}

class AmountPool implements ResourcePool {
  readonly name: string;
  readonly amount: number;
  readonly indices: readonly string[] = [];
  readonly totalUnits: number;
  private free: number;
  /** Tasks (or groups that share) which hold some of it. */
  private holders = 0;

  constructor({ name, amount }: WorkerResource) {
    this.name = name;
    this.amount = amount;
    this.totalUnits = Math.round(amount * UNITS);
    this.free = this.totalUnits;
  }

  fits(ask: Ask): boolean {
    return ask.units <= this.free;
  }

  take({ units }: Ask): HeldAmount {
    this.free -= units;
    this.holders++;
    return { pool: this, units, positions: NO_POSITIONS, fraction: 0 };
  }

  release({ units }: HeldAmount): void {
    // Beyond 900 GB bytes are not exact in units: what was lost comes back when all is free.
    this.free = --this.holders === 0 ? this.totalUnits : this.free + units;
  }

  leavesEnough(ask: Ask, other: Ask): boolean {
    return this.free - ask.units >= other.units;
  }

  get mostFree(): number {
    return this.free;
  }

  get whollyFree(): number {
    return this.free;
  }

  neededBy({ units }: Ask): number {
    return units;
  }

  claimedBy({ units }: Ask): number {
    return units;
  }

  check(held: readonly HeldAmount[]): void {
    const used = held.reduce((sum, { units }) => sum + units, 0);
    const close = Math.abs(this.free + used - this.totalUnits) <= this.totalUnits * 1e-12;
    if (!close || this.free < 0 || held.length !== this.holders) {
      throw new Error(`${this.name}: ${this.free} units free, ${used} held by ${held.length}`);
    }
  }
}

class IndexedPool implements ResourcePool {
  readonly name: string;
  readonly amount: number;
  readonly indices: readonly string[];
  readonly totalUnits: number;
  /** Free units of each index. */
  private readonly free: Int32Array;
  /** Indices of which nothing is held. */
  private freeWholes: number;
  /** Tasks (or groups that share) which hold a fraction of one. */
  private fractions = 0;

  constructor({ name, indices }: WorkerResource) {
    this.name = name;
    this.amount = indices.length;
    this.indices = indices;
    this.totalUnits = indices.length * UNITS;
    this.free = new Int32Array(indices.length).fill(UNITS);
    this.freeWholes = indices.length;
  }

  fits({ particular, wholes, fraction }: Ask): boolean {
    const { free } = this;
    for (let i = 0; i < particular.length; i++) if (free[particular[i]] !== UNITS) return false;
    const left = this.freeWholes - particular.length - wholes;
    if (left < 0) return false;
    return fraction === 0 || left > 0 || this.findShared(fraction) >= 0;
  }

  take({ units, particular, wholes, fraction }: Ask): HeldAmount {
    const { free } = this;
    const positions = [...particular];
    for (const at of particular) free[at] = 0;
    for (let at = 0, missing = wholes; missing > 0; at++) {
      if (free[at] !== UNITS) continue;
      free[at] = 0;
      positions.push(at);
      missing--;
    }
    positions.sort((a, b) => a - b);
    this.freeWholes -= positions.length;
    if (fraction > 0) {
      this.fractions++;
      let at = this.findShared(fraction);
      if (at < 0) {
        at = free.indexOf(UNITS);
        this.freeWholes--;
      }
      free[at] -= fraction;
      positions.push(at);
    }
    return { pool: this, units, positions, fraction };
  }

  release({ positions, fraction }: HeldAmount): void {
    const { free } = this;
    const last = positions.length - 1;
    if (fraction > 0) this.fractions--;
    for (let i = 0; i <= last; i++) {
      free[positions[i]] += fraction > 0 && i === last ? fraction : UNITS;
      if (free[positions[i]] === UNITS) this.freeWholes++;
    }
  }

  leavesEnough(ask: Ask, other: Ask): boolean {
    const particular = ask.particular.length;
    if (particular === 0 && other.particular.length === 0) {
      const used = ask.wholes + (ask.fraction > 0 ? 1 : 0);
      const needed = other.wholes + (other.fraction > 0 ? 1 : 0);
      return this.freeWholes - used >= needed;
    }
    return onlyParticular(ask) && onlyParticular(other) && areDisjoint(ask, other);
  }

  /** A fraction may come from an index in use. */
  get mostFree(): number {
    const { free, freeWholes } = this;
    if (this.fractions === 0) return freeWholes;
    let most = 0;
    for (let at = 0; at < free.length; at++) {
      if (free[at] > most && free[at] < UNITS) most = free[at];
    }
    return freeWholes + most / UNITS;
  }

  get whollyFree(): number {
    return this.freeWholes;
  }

  neededBy({ particular, wholes, fraction }: Ask): number {
    return particular.length + wholes + fraction / UNITS;
  }

  claimedBy({ particular, wholes, fraction }: Ask): number {
    if (particular.length > 0) return Number.POSITIVE_INFINITY;
    return wholes + (fraction > 0 ? 1 : 0);
  }

  check(held: readonly HeldAmount[]): void {
    const expected = new Int32Array(this.free.length).fill(UNITS);
    for (const { positions, fraction, units } of held) {
      positions.forEach((at, i) => {
        expected[at] -= fraction > 0 && i === positions.length - 1 ? fraction : UNITS;
      });
      const wholes = positions.length - (fraction > 0 ? 1 : 0);
      if (wholes * UNITS + fraction !== units) throw new Error(`${this.name}: ${units} units held`);
    }
    const wholes = expected.filter((units) => units === UNITS).length;
    const fits = expected.every((units, at) => units >= 0 && units === this.free[at]);
    if (!fits || wholes !== this.freeWholes) {
      throw new Error(`${this.name}: ${this.free} units free instead of ${expected}`);
    }
  }

  /** The index in use with least room that has this much; -1: none. */
  private findShared(units: number): number {
    const { free } = this;
    let best = -1;
    for (let at = 0; at < free.length; at++) {
      if (free[at] < units || free[at] === UNITS) continue;
      if (best < 0 || free[at] < free[best]) best = at;
    }
    return best;
  }
}

function onlyParticular({ wholes, fraction }: Ask): boolean {
  return wholes === 0 && fraction === 0;
}

function areDisjoint(ask: Ask, other: Ask): boolean {
  return ask.particular.every((at) => !other.particular.includes(at));
}
