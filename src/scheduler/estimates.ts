/**
 * What is expected: how long tasks take, how large their results are, how long tasks wait for cores and
 * for data. What users declared comes before what was measured for the class.
 */
import type { RequestVariant } from "./request-kind.js";
import type { TaskClass } from "./task-class.js";
import type { Declared } from "./task-view.js";
import type { Transfers } from "./transfers.js";
import type { WorkerLoad } from "./worker-load.js";

/** Tasks sent ahead for each core, at most: functions may take a microsecond. */
const MAX_AHEAD = 512;
/** Work to be queued at a worker's core. */
const QUEUED_MS = 10;
/** Tasks that take longer are not queued at a worker: a round trip is nothing for them. */
const LATE_BINDING_MS = 100;
/** Unless the transfer of their inputs takes more than this share of their time. */
const WORTH_FETCHING_AHEAD = 0.01;

export class Estimates {
  /** Time of the pass. */
  nowMs = 0;
  /** Its number. */
  pass = 0;

  constructor(
    private readonly transfers: Transfers,
    private readonly declared: Declared,
  ) {}

  /** Execution time of the task. */
  durationMs(row: number, taskClass: TaskClass): number {
    const declaredMs = this.declaredMs(row);
    return declaredMs >= 0 ? declaredMs : taskClass.durationMs;
  }

  /** Execution time that the user has declared; NaN: none. */
  declaredMs(row: number): number {
    return this.declared.any ? this.declared.durationMs(row) : Number.NaN;
  }

  /** Bytes that the task's result will take of its worker's memory. */
  memoryBytes(row: number, taskClass: TaskClass): number {
    if (!this.declared.any) return taskClass.memoryBytes;
    const declaredBytes = this.declared.resultBytes(row);
    return declaredBytes >= 0 ? declaredBytes : taskClass.memoryBytes;
  }

  /** Bytes of the task's result; 0: nothing is known. */
  resultBytes(row: number, taskClass: TaskClass): number {
    const declaredBytes = this.declared.any ? this.declared.resultBytes(row) : Number.NaN;
    return declaredBytes >= 0 ? declaredBytes : (taskClass.resultBytes ?? 0);
  }

  /** How long a task with this request would wait there for what it asks for before it starts. */
  startMs(load: WorkerLoad, variant: RequestVariant): number {
    if (load.fits(variant)) return 0;
    const share = load.loadFor(variant);
    const meanMs =
      (load.work.sumMs(this.nowMs, this.pass) * load.slowness) / Math.max(1, load.cpusAssigned);
    // What queues for it at the server will take as long as what it has been sent.
    const queued = load.localHeavy.length / Math.max(1, load.heavyAssigned);
    return share * Math.max(meanMs * (1 + queued), load.quietMs(this.nowMs));
  }

  /** How long the worker needs to fetch so many bytes, behind what is on its way. */
  transferMs(load: WorkerLoad, bytes: number): number {
    if (bytes === 0) return 0;
    const { bytesPerMs, latencyMs } = this.transfers.network;
    return latencyMs + (load.incomingBytes + bytes) / bytesPerMs;
  }

  /**
   * How long it will take until all that is on its way to the worker is there. What is late takes as long again,
   * as nothing else is known of it.
   */
  arrivalMs(load: WorkerLoad): number {
    const { transfers, nowMs } = this;
    if (load.incomingBytes === 0) return 0;
    const quietMs = load.incomingQuietMs(nowMs);
    if (transfers.isOverdue(load, nowMs)) return quietMs;
    const { bytesPerMs, latencyMs } = transfers.network;
    return Math.max(0, latencyMs + load.incomingBytes / bytesPerMs - quietMs);
  }

  /**
   * How long a task of this class takes at a busy worker: as past ones did, but at least as long
   * as nothing has ended there, for those that run now may take longer than any before.
   */
  turnMs(load: WorkerLoad, taskClass: TaskClass): number {
    return Math.max(taskClass.durationMs, load.quietMs(this.nowMs));
  }

  /**
   * Whether the worker may be sent a task of this duration, of which it misses so many bytes of inputs,
   * though it can't start it at once.
   */
  mayQueue(
    load: WorkerLoad,
    variant: RequestVariant,
    usualMs: number,
    missingBytes: number,
  ): boolean {
    const durationMs = usualMs * load.slowness;
    const transferMs = missingBytes / this.transfers.network.bytesPerMs;
    const depth = queueDepth(durationMs, transferMs, variant);
    // What a plan has sent there is not to be waited for: the order says which is first.
    if (load.fits(variant, load.plannedExcess > 0 ? Math.max(1, depth) : depth)) return true;
    // Small ones may queue there without end: a large one would never be sent.
    return variant.large && !load.hasAny(variant);
  }

  /** Whether the worker may be sent one more task of this duration ahead of inputs that are made there. */
  mayGoAhead(load: WorkerLoad, variant: RequestVariant, usualMs: number): boolean {
    return load.fitsAhead(variant, queueDepth(usualMs * load.slowness, 0, variant));
  }
}

/**
 * How many times what a worker has may be asked for by tasks that queue there (besides what runs): about
 * 10 ms of work. Long tasks are given out when they can start; unless their inputs can be fetched
 * meanwhile, or they are large ones, for which a worker must be emptied.
 */
function queueDepth(durationMs: number, transferMs: number, variant: RequestVariant): number {
  if (durationMs <= LATE_BINDING_MS) {
    return Math.min(MAX_AHEAD, Math.max(1, QUEUED_MS / durationMs));
  }
  return variant.large || transferMs > WORTH_FETCHING_AHEAD * durationMs ? 1 : 0;
}
