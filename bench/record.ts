/** What a case reports; one JSON object each in the file of `--json`. */

export interface BenchRecord {
  case: string;
  what: string;
  workers: number;
  /** Case-specific numbers, units in their names; null: could not be measured here. */
  [figure: string]: string | number | null;
}

/** What a case is told. */
export interface CaseOptions {
  workers: number;
  /** Warm repetitions. */
  repeat: number;
  /** Where the server is to write a profile of its CPU time; cases that can't do that ignore it. */
  profileFolder?: string;
}

/** One thing that can be measured with `--case`. */
export interface BenchCase {
  name: string;
  /** Numbers of workers when `--workers` isn't given; a fixed number ignores `--workers`. */
  workers: readonly number[] | "fixed";
  run(options: CaseOptions): Promise<BenchRecord>;
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

export function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

/** With three significant digits: more would be noise. */
export function rounded(value: number): number {
  return Number(value.toPrecision(3));
}
