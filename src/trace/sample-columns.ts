/**
 * What a worker measured each second: as a record, and in columns. Called by what writes and reads traces, and by
 * the live page.
 */
import type { WorkerSample } from "../protocol/index.js";
import type { SampleRecord } from "./format.js";
import { GrowingColumns } from "./growing-columns.js";
import type { TracedSamples } from "./model.js";

const FIRST_CAPACITY = 64;

function sampleColumns() {
  const n = FIRST_CAPACITY;
  return {
    atMs: new Float64Array(n),
    cpus: new Float32Array(n),
    memoryBytes: new Float64Array(n),
    freeMemoryBytes: new Float64Array(n),
    objectBytes: new Float64Array(n),
    receivedBytes: new Float64Array(n),
    sentBytes: new Float64Array(n),
    runningTasks: new Uint32Array(n),
  };
}

/** One sample, without whose it is. */
export type Sample = Omit<SampleRecord, "worker">;

/** @param workerCpus number of the worker's cores */
export function sampleOf(sample: WorkerSample, workerCpus: number): Sample {
  // Of processes that it has started not all machines tell.
  const known = (value: number): number => (Number.isFinite(value) ? value : 0);
  return {
    atMs: sample.timeMs,
    cpus: (known(sample.workerCpu) + known(sample.taskCpu)) * workerCpus,
    memoryBytes: sample.workerRssBytes + known(sample.taskRssBytes),
    freeMemoryBytes: sample.freeMemoryBytes,
    objectBytes: sample.storeBytes,
    receivedBytes: sample.receivedBytes,
    sentBytes: sample.sentBytes,
    runningTasks: sample.runningTasks,
  };
}

export class SampleColumns {
  private readonly growing = new GrowingColumns(sampleColumns());

  get count(): number {
    return this.growing.count;
  }

  dropFirst(count: number): void {
    this.growing.dropFirst(count);
  }

  add(sample: Sample): void {
    const at = this.growing.add();
    const { columns } = this.growing;
    columns.atMs[at] = sample.atMs;
    columns.cpus[at] = sample.cpus;
    columns.memoryBytes[at] = sample.memoryBytes;
    columns.freeMemoryBytes[at] = sample.freeMemoryBytes;
    columns.objectBytes[at] = sample.objectBytes;
    columns.receivedBytes[at] = sample.receivedBytes;
    columns.sentBytes[at] = sample.sentBytes;
    columns.runningTasks[at] = sample.runningTasks;
  }

  finish(): TracedSamples {
    return { count: this.growing.count, ...this.growing.finish() };
  }
}
