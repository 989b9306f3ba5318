/**
 * What generators share: their parameters as text, and tasks with durations and sizes from
 * log-normal distributions. Called by the generators.
 */
import { readBytes, readCount, readNumber, readTimeMs } from "../amounts.js";
import type { NamedValues } from "../named-values.js";
import type { Random } from "../random.js";
import type { TaskRequest, WorkloadBuilder } from "../workload.js";

/** One kind of generated graphs. */
export interface Generator {
  readonly name: string;
  /** How the size is written after the name, e.g. "N" or "WxL". */
  readonly size: string;
  readonly summary: string;
  /** Names of its own parameters, with default and meaning. */
  readonly parameters: readonly (readonly [name: string, fallback: string, meaning: string])[];
  build(builder: WorkloadBuilder, size: readonly number[], values: GeneratorValues): void;
}

/** Parameters that all generators know. */
export const COMMON: Generator["parameters"] = [
  ["ms", "100", "median duration of a task, in milliseconds unless it has a unit"],
  [
    "sigma",
    "0",
    "of the logarithm of durations (0: all alike, 1: 16 of 100 take over 2.7 medians)",
  ],
  ["bytes", "0", "median size of a task's result"],
  ["bytes-sigma", "0", "of the logarithm of sizes"],
  ["cpus", "1", "cores that a task holds; 0: a light task"],
];

/** Values given for one generator, and its source of random numbers. */
export class GeneratorValues {
  constructor(
    readonly values: NamedValues,
    readonly random: Random,
  ) {}

  count(name: string, fallback: number, max = 1e9): number {
    return this.values.get(name, (text, what) => readCount(text, what, 1, max), fallback);
  }

  number(name: string, fallback: number, min = 0, max = 1e12): number {
    return this.values.get(name, (text, what) => readNumber(text, what, min, max), fallback);
  }

  /** Without a unit: milliseconds, as the parameters' names say. */
  timeMs(name: string, fallbackMs: number): number {
    const read = (text: string, what: string) =>
      readTimeMs(/^[\d.]+(e[+-]?\d+)?$/i.test(text) ? `${text}ms` : text, what);
    return this.values.get(name, read, fallbackMs);
  }

  bytes(name: string, fallback: number): number {
    return this.values.get(name, readBytes, fallback);
  }

  /** Adds tasks as the common parameters say, with other cores if some are given. */
  tasks(builder: WorkloadBuilder, label: string, otherCpus?: number): TaskMaker {
    const given = this.values.get("cpus", (text, what) => readCount(text, what, 0, 65_535), 1);
    const cpus = otherCpus ?? given;
    return new TaskMaker(builder, this.random, {
      label,
      request: { cpus, amounts: [] },
      ms: this.timeMs("ms", 100),
      sigma: this.number("sigma", 0, 0, 10),
      bytes: this.bytes("bytes", 0),
      bytesSigma: this.number("bytes-sigma", 0, 0, 10),
    });
  }
}

/** Tasks that are alike. */
export interface TaskPattern {
  readonly label: string;
  readonly request: TaskRequest;
  /** Median. */
  readonly ms: number;
  readonly sigma: number;
  /** Median. */
  readonly bytes: number;
  readonly bytesSigma: number;
}

/** Adds tasks of one kind. */
export class TaskMaker {
  private readonly kind: number;

  constructor(
    private readonly builder: WorkloadBuilder,
    private readonly random: Random,
    private readonly pattern: TaskPattern,
  ) {
    this.kind = builder.kind(pattern.label, pattern.request);
  }

  /** Adds one, further inputs with builder.input(); `msFactor` times as long as the others. */
  add(firstInput = -1, msFactor = 1): number {
    const { ms, sigma, bytes, bytesSigma } = this.pattern;
    const durationMs = msFactor * this.random.logNormal(ms, sigma);
    const sizeBytes = Math.round(this.random.logNormal(bytes, bytesSigma));
    return this.builder.task(this.kind, durationMs, sizeBytes, firstInput);
  }
}
