/** Time that the server spent in scheduling passes, and what they assigned, over time. */
import type { ViewData } from "../page/view-data.js";
import { StepBuilder, type StepFunction } from "./step-function.js";

export interface SchedulerTime {
  /** Ms so far. */
  readonly durationMs: StepFunction;
  /** Assignments so far. */
  readonly assigned: StepFunction;
  readonly passes: number;
  readonly longestMs: number;
  readonly longestAtMs: number;
}

export function schedulerTime({ passes }: ViewData): SchedulerTime {
  const duration = new StepBuilder(passes.count);
  const assigned = new StepBuilder(passes.count);
  let longestMs = 0;
  let longestAtMs = Number.NaN;
  for (let i = 0; i < passes.count; i++) {
    duration.add(passes.atMs[i], passes.durationMs[i]);
    assigned.add(passes.atMs[i], passes.assigned[i]);
    if (passes.durationMs[i] > longestMs) {
      longestMs = passes.durationMs[i];
      longestAtMs = passes.atMs[i];
    }
  }
  return {
    durationMs: duration.build(),
    assigned: assigned.build(),
    passes: passes.count,
    longestMs,
    longestAtMs,
  };
}
