/**
 * How tasks are grouped:
 * - a *shape* is what placement must know: the request and the task type. Each shape has its own
 *   queue of ready tasks, so that one that fits nowhere blocks no other.
 * - a *class* is a shape, a label and a user priority: what is learned of execution times and
 *   sizes of results is learned per class. A task's class is a number in the task table.
 * The table of both is task-classes.ts.
 */
import { IntDeque } from "../base/index.js";
import { DurationEstimate } from "./duration-estimate.js";
import type { RequestKind } from "./request-kind.js";
import { RowHeap } from "./row-heap.js";
import type { WorkerHeap } from "./worker-heap.js";

/** Assumed for a class of which nothing is known yet. */
const UNKNOWN_HEAVY_MS = 50;
const UNKNOWN_LIGHT_MS = 0.005;
/** Weight of the newest measurement in a moving average; earlier ones weigh more at first. */
const NEWEST = 0.05;
/** User priorities come before everything else: no rank (in ms) is as large. */
const PRIORITY_STEP = 1e12;

export class TaskShape {
  /** Ready tasks without a request, in the order in which they became ready. */
  readonly ready = new IntDeque();
  /** Ready tasks with a request, the one to be started first at the top. */
  readonly heavy = new RowHeap();
  /** Count of rankings of which the keys in `heavy` are. */
  rankedAs = 0;
  /** Heaps of workers that could execute it, least loaded first; made by WorkerIndex. */
  able: WorkerHeap[] = [];
  /** State of the worker index of which `able` is. */
  ableVersion = -1;
  /** Number of its classes; without any it is forgotten. */
  classes = 0;

  constructor(
    readonly index: number,
    /** Of no other shape, while `index` is used again. */
    readonly serial: number,
    readonly kind: RequestKind,
    readonly taskType: number,
    /** Light shapes: tasks of other priorities are other shapes. */
    readonly priority: number,
  ) {}

  get light(): boolean {
    return this.kind.index === 0;
  }
}

export class TaskClass {
  readonly durations = new DurationEstimate();
  private meanBytes: number | undefined;
  private meanMemory = 0;
  private sizes = 0;
  /** The estimate with which ranks were last computed. */
  rankedMs: number;
  /** Added to the rank of a task to give its place in the order. */
  readonly base: number;
  /** Plans with tasks of it: as long as there are any it is not forgotten. */
  plans = 0;
  /** Position in the order in which classes lost their last plan. */
  idleSince = 0;
  /** It was forgotten; rows of plans that are gone may have its index still. */
  isGone = false;

  constructor(
    readonly index: number,
    readonly shape: TaskShape,
    /** Number of its label; 0: none. */
    readonly label: number,
    readonly priority: number,
  ) {
    this.base = priority * PRIORITY_STEP;
    this.rankedMs = this.durationMs;
  }

  get light(): boolean {
    return this.shape.kind.index === 0;
  }

  /** Estimated execution time of one task. */
  get durationMs(): number {
    return this.durations.meanMs ?? (this.light ? UNKNOWN_LIGHT_MS : UNKNOWN_HEAVY_MS);
  }

  /** Whether an execution time has been measured. */
  get known(): boolean {
    return this.durations.meanMs !== undefined;
  }

  /** Whether tasks have finished, none of which took a time that was worth measuring. */
  get isInstant(): boolean {
    return this.sizes > 0 && !this.known;
  }

  /** Estimated size of one result; undefined: nothing is known. */
  get resultBytes(): number | undefined {
    return this.meanBytes;
  }

  /** Estimated bytes of one result that take memory; results in files take none. */
  get memoryBytes(): number {
    return this.meanMemory;
  }

  addSize(bytes: number, inMemory: boolean): void {
    this.sizes++;
    const weight = Math.max(NEWEST, 1 / this.sizes);
    this.meanBytes = (this.meanBytes ?? 0) * (1 - weight) + weight * bytes;
    this.meanMemory = this.meanMemory * (1 - weight) + (inMemory ? weight * bytes : 0);
  }
}
