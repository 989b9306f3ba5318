/** The most and the least that workers measured. */
import type { ViewData } from "../page/view-data.js";

export interface MemoryMarks {
  readonly worker: number;
  /** Resident memory of the worker and what it started; NaN: nothing was measured. */
  readonly maxBytes: number;
  readonly maxAtMs: number;
  /** Objects in memory. */
  readonly maxObjectBytes: number;
  readonly maxObjectAtMs: number;
  readonly minFreeBytes: number;
  readonly minFreeAtMs: number;
  readonly maxCpus: number;
  readonly meanCpus: number;
}

/** One entry a worker. */
export function memoryMarks({ workers }: ViewData): MemoryMarks[] {
  return workers.map(({ samples }, worker) => {
    const memory = extreme(samples.memoryBytes, samples.count, 1);
    const objects = extreme(samples.objectBytes, samples.count, 1);
    const free = extreme(samples.freeMemoryBytes, samples.count, -1);
    const cpus = samples.cpus.subarray(0, samples.count);
    return {
      worker,
      maxBytes: samples.memoryBytes[memory] ?? Number.NaN,
      maxAtMs: samples.atMs[memory] ?? Number.NaN,
      maxObjectBytes: samples.objectBytes[objects] ?? Number.NaN,
      maxObjectAtMs: samples.atMs[objects] ?? Number.NaN,
      minFreeBytes: samples.freeMemoryBytes[free] ?? Number.NaN,
      minFreeAtMs: samples.atMs[free] ?? Number.NaN,
      maxCpus: cpus.length === 0 ? Number.NaN : cpus.reduce((max, value) => Math.max(max, value)),
      meanCpus: cpus.reduce((sum, value) => sum + value, 0) / cpus.length,
    };
  });
}

/** Place of the largest value times `sign`, the first of equal ones; -1: there is none. */
function extreme(values: Float64Array, count: number, sign: 1 | -1): number {
  let best = -1;
  for (let i = 0; i < count; i++) {
    if (Number.isNaN(values[i])) continue;
    if (best === -1 || values[i] * sign > values[best] * sign) best = i;
  }
  return best;
}
