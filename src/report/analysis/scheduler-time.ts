/** When the server was in scheduling passes, and how fast they assigned tasks, over time. */
import type { ViewData } from "../page/view-data.js";
import { StepFunction } from "./step-function.js";

export interface SchedulerTime {
  /** 1 while it is in a pass: the mean over a span is the share of it. */
  readonly inPasses: StepFunction;
  /** Assignments per second: those of a pass spread evenly over it. */
  readonly assignedPerSecond: StepFunction;
  readonly passes: number;
  readonly longestMs: number;
  readonly longestAtMs: number;
}

/** Durations are in whole microseconds: what is told as 0 took some part of one. */
const SHORTEST_MS = 0.001;

export function schedulerTime({ passes }: ViewData): SchedulerTime {
  const { count, atMs, durationMs, assigned } = passes;
  const times = new Float64Array(2 * count);
  const isIn = new Float64Array(2 * count);
  const speeds = new Float64Array(2 * count);
  let steps = 0;
  let longestMs = 0;
  let longestAtMs = Number.NaN;
  // Of passes that are told to begin at the same moment, as times are rounded.
  let sum = 0;
  for (let i = 0; i < count; i++) {
    sum += assigned[i];
    if (durationMs[i] > longestMs) {
      longestMs = durationMs[i];
      longestAtMs = atMs[i];
    }
    const nextMs = i + 1 < count ? atMs[i + 1] : Number.POSITIVE_INFINITY;
    if (nextMs <= atMs[i]) continue;
    // One ends before the next begins, whatever rounding makes of it: the server does one thing at a time.
    const endMs = Math.min(atMs[i] + Math.max(durationMs[i], SHORTEST_MS), nextMs);
    times[steps] = atMs[i];
    isIn[steps] = 1;
    speeds[steps++] = (sum / (endMs - atMs[i])) * 1000;
    times[steps++] = endMs;
    sum = 0;
  }
  return {
    inPasses: new StepFunction(times.subarray(0, steps), isIn.subarray(0, steps)),
    assignedPerSecond: new StepFunction(times.subarray(0, steps), speeds.subarray(0, steps)),
    passes: count,
    longestMs,
    longestAtMs,
  };
}
