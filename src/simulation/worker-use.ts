/**
 * What of a modelled worker is in use: cores, transfers under way, bytes of objects; and the sums of
 * that for the report. Keeps the counts of all workers' cores in step. Part of ModelledWorker.
 */
import type { Run } from "./runs.js";
import type { SimulationCore } from "./simulation-core.js";
import type { WorkerSpec } from "./worker-spec.js";

export class WorkerUse {
  /** Cores not held by runs; 0 when the worker is dead. */
  freeCpus: number;
  memoryBytes = 0;
  // Sums.
  busyCoreMs = 0;
  lightMs = 0;
  runs = 0;
  lightTasks = 0;
  highWaterBytes = 0;
  /** How often an object came on top of a full memory. */
  overLimit = 0;
  private openFetches = 0;
  /** Free cores for which a transfer is under way. */
  private transferCores = 0;

  constructor(
    private readonly simulation: SimulationCore,
    private readonly spec: WorkerSpec,
  ) {
    const { cpus } = spec;
    this.freeCpus = cpus;
    simulation.time.cores += cpus;
    simulation.time.freeCores += cpus;
  }

  /** A task takes its cores. */
  hold(cpus: number): void {
    this.runs++;
    this.freeCpus -= cpus;
    this.simulation.time.freeCores -= cpus;
    this.shareOut();
  }

  /** The run does not hold its cores any more; returns how long it did, in core-milliseconds. */
  release({ cpus, heldMs }: Run): number {
    const { time, nowMs } = this.simulation;
    this.freeCpus += cpus;
    time.freeCores += cpus;
    this.shareOut();
    const coreMs = (nowMs - heldMs) * cpus;
    this.busyCoreMs += coreMs;
    return coreMs;
  }

  /** The thread has executed a light task. */
  countLight(ms: number): void {
    this.lightTasks++;
    this.lightMs += ms;
  }

  /** Fetches begin to be under way, or end. */
  countFetches(change: number): void {
    this.openFetches += change;
    this.shareOut();
  }

  store(bytes: number): void {
    this.memoryBytes += bytes;
    if (this.memoryBytes > this.highWaterBytes) this.highWaterBytes = this.memoryBytes;
    if (this.memoryBytes > this.spec.memoryBytes) this.overLimit++;
  }

  drop(bytes: number): void {
    this.memoryBytes -= bytes;
  }

  /** The worker is gone, with its cores, of which no run holds any now that is not counted. */
  end(): void {
    const { time } = this.simulation;
    time.cores -= this.spec.cpus;
    time.freeCores -= this.freeCpus;
    time.transferCores -= this.transferCores;
    this.transferCores = 0;
    this.freeCpus = 0;
    this.memoryBytes = 0;
  }

  private shareOut(): void {
    const before = this.transferCores;
    this.transferCores = Math.min(this.freeCpus, this.openFetches);
    this.simulation.time.transferCores += this.transferCores - before;
  }
}
