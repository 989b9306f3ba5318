/**
 * What a worker measures of itself each second while somebody looks, and its layout in the
 * record `sample`. Owns no measuring (that is the worker's sampler) and keeps nothing.
 */

/** One look at a worker and at the processes that it has started. */
export interface WorkerSample {
  /** When, by the clock of the worker's machine: milliseconds since 1970. */
  readonly timeMs: number;
  /**
   * User and system time of the worker's own process since the last sample, as a fraction of its
   * cpus: 1 = all of them were busy. 0 in the first sample.
   */
  readonly workerCpu: number;
  /** The same of all processes that it started; NaN where it can't be measured (not Linux). */
  readonly taskCpu: number;
  /** Resident memory of the worker's process. */
  readonly workerRssBytes: number;
  /** Resident memory of all processes that it started; NaN where it can't be measured. */
  readonly taskRssBytes: number;
  /** Memory that is still to be had: of the control group or, without a limit, of the machine. */
  readonly freeMemoryBytes: number;
  /** Memory of the control group or, without a limit, of the machine. */
  readonly totalMemoryBytes: number;
  /** Objects in the worker's store: bytes in memory. */
  readonly storeBytes: number;
  /** Bytes of objects sent to other workers since the last sample. */
  readonly sentBytes: number;
  /** Bytes of objects received from other workers since the last sample. */
  readonly receivedBytes: number;
  /** Tasks that run. */
  readonly runningTasks: number;
}

/** In the order in which they travel, each as f64. */
const FIELDS = [
  "timeMs",
  "workerCpu",
  "taskCpu",
  "workerRssBytes",
  "taskRssBytes",
  "freeMemoryBytes",
  "totalMemoryBytes",
  "storeBytes",
  "sentBytes",
  "receivedBytes",
  "runningTasks",
] as const satisfies readonly (keyof WorkerSample)[];

/** Where these can't be measured they are NaN. */
const MAY_BE_UNKNOWN: ReadonlySet<keyof WorkerSample> = new Set(["taskCpu", "taskRssBytes"]);

/** A field that is no number, though it must be one; undefined: none is. */
export function findWrongField(sample: WorkerSample): keyof WorkerSample | undefined {
  return FIELDS.find(
    (field) =>
      !Number.isFinite(sample[field]) &&
      !(Number.isNaN(sample[field]) && MAY_BE_UNKNOWN.has(field)),
  );
}

/** Bytes that a sample takes in its record. */
export const SAMPLE_BYTES = 8 * FIELDS.length;

/** Writes the sample's {@link SAMPLE_BYTES} bytes. */
export function writeSample(view: DataView, at: number, sample: WorkerSample): void {
  FIELDS.forEach((field, i) => {
    view.setFloat64(at + 8 * i, sample[field], true);
  });
}

/** Reads what {@link writeSample} wrote. */
export function readSample(view: DataView, at: number): WorkerSample {
  const sample: Partial<Record<keyof WorkerSample, number>> = {};
  FIELDS.forEach((field, i) => {
    sample[field] = view.getFloat64(at + 8 * i, true);
  });
  return sample as unknown as WorkerSample;
}
