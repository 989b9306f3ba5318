/**
 * What goes wrong in a simulation, and when: workers that die, slow down, or join. Given one by one
 * or at random with a seed. Owns how they are written and drawn; the simulation carries them out.
 */
import { LoomError } from "../base/index.js";
import { readCount, readNumber, readTimeMs } from "./amounts.js";
import { NamedValues } from "./named-values.js";
import { Random } from "./random.js";
import { readWorker, type WorkerSpec } from "./worker-spec.js";

/** Workers are numbered from 0, those that join go on from there. */
export type Fault =
  /** The worker is gone, with all it held and executed. */
  | { readonly kind: "die"; readonly atMs: number; readonly worker: number }
  /** From now on it works at `factor` times the speed that it has in its specification. */
  | {
      readonly kind: "slow";
      readonly atMs: number;
      readonly worker: number;
      readonly factor: number;
    }
  | { readonly kind: "join"; readonly atMs: number; readonly spec: WorkerSpec };

const MAX_WORKER = 32_766;

/**
 * Reads a fault: "die:worker=3,at=10s", "slow:worker=2,at=5s,factor=0.2", "join:at=20s,cpus=24"
 * (with further resources as for workers).
 *
 * @throws LoomError `usage`
 */
export function readFault(text: string, what: string): Fault {
  const [, kind, rest] = /^([a-z]+):(.*)$/.exec(text) ?? [];
  const worker = (value: string, name: string) => readCount(value, name, 0, MAX_WORKER);
  if (kind === "die") {
    const values = new NamedValues(rest, what, ["worker", "at"]);
    return {
      kind,
      worker: values.getRequired("worker", worker),
      atMs: values.getRequired("at", readTimeMs),
    };
  }
  if (kind === "slow") {
    const values = new NamedValues(rest, what, ["worker", "at", "factor"]);
    const factor = (value: string, name: string) => readNumber(value, name, 1e-3, 1e3);
    return {
      kind,
      worker: values.getRequired("worker", worker),
      atMs: values.getRequired("at", readTimeMs),
      factor: values.getRequired("factor", factor),
    };
  }
  if (kind === "join") {
    const values = new NamedValues(rest, what, undefined);
    const cpus = values.getRequired("cpus", (value, name) => readCount(value, name, 1, 65_535));
    const atMs = values.getRequired("at", readTimeMs);
    return { kind, atMs, spec: readWorker(cpus, values, ["at", "cpus"]) };
  }
  throw new LoomError(
    "usage",
    `${what} is not a fault; use die:worker=N,at=TIME, slow:worker=N,at=TIME,factor=F or join:at=TIME,cpus=N`,
  );
}

/** Random faults. */
export interface FaultRate {
  readonly seed: number;
  /** Mean number of faults per worker and hour. */
  readonly perWorkerHour: number;
}

/** Reads "SEED:RATE", e.g. "7:0.5". */
export function readFaultRate(text: string, what: string): FaultRate {
  const [, seed, rate] = /^(\d+):(.+)$/.exec(text) ?? [];
  if (seed === undefined) {
    throw new LoomError(
      "usage",
      `${what} is not SEED:RATE, such as 7:0.5 (faults per worker and hour)`,
    );
  }
  return {
    seed: readCount(seed, `${what}: the seed`, 0, 2 ** 52),
    perWorkerHour: readNumber(rate, `${what}: the rate`, 1e-9, 1e6),
  };
}

/** Of the workers that die, another one like it joins so much later. */
const REPLACED_AFTER_MS = 10_000;
/** A worker that became slow is so for about this time. */
const SLOW_MS = 60_000;
const HOUR_MS = 3_600_000;

/**
 * Draws faults: three of five kill a worker, which is replaced by another one 10 s later; the
 * others make one 1.1 to 10 times slower for a minute on average.
 */
export class RandomFaults {
  private readonly random: Random;

  constructor(private readonly rate: FaultRate) {
    this.random = new Random(rate.seed, 1);
  }

  /** When the next one comes, with so many workers there. */
  nextMs(nowMs: number, workers: number): number {
    const meanMs = HOUR_MS / this.rate.perWorkerHour / Math.max(1, workers);
    return nowMs + this.random.exponential(meanMs);
  }

  /** What happens now: what it is, and what follows from it. */
  draw(nowMs: number, alive: readonly { index: number; spec: WorkerSpec }[]): Fault[] {
    if (alive.length === 0) return [];
    const { index, spec } = alive[this.random.below(alive.length)];
    if (this.random.uniform() < 0.6) {
      return [
        { kind: "die", atMs: nowMs, worker: index },
        { kind: "join", atMs: nowMs + REPLACED_AFTER_MS, spec },
      ];
    }
    const factor = 0.1 + 0.8 * this.random.uniform();
    const untilMs = nowMs + this.random.exponential(SLOW_MS);
    return [
      { kind: "slow", atMs: nowMs, worker: index, factor },
      { kind: "slow", atMs: untilMs, worker: index, factor: 1 },
    ];
  }
}
