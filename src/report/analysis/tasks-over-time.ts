/** How many tasks wait for inputs, are ready, and run, over time. */
import { TracedState } from "../../trace/index.js";
import type { ViewData } from "../page/view-data.js";
import type { Mask } from "./sorted-order.js";
import { StepBuilder, type StepFunction } from "./step-function.js";

export interface TasksOverTime {
  /** Submitted, an input is not finished. */
  readonly pending: StepFunction;
  /** All inputs are finished, it does not run yet. */
  readonly ready: StepFunction;
  readonly running: StepFunction;
}

export function tasksOverTime({ tasks }: ViewData, mask?: Mask): TasksOverTime {
  const pending = new StepBuilder(tasks.count);
  const ready = new StepBuilder(tasks.count);
  const running = new StepBuilder(tasks.count * 2);
  for (let task = 0; task < tasks.count; task++) {
    if (mask !== undefined && mask[task] === 0) continue;
    // One that was given up is not waiting any more, also if it never got further.
    const isOver = tasks.state[task] >= TracedState.finished;
    const submittedMs = tasks.submittedMs[task];
    const readyMs = tasks.readyMs[task];
    const startedMs = tasks.startedMs[task];
    const endMs = firstTime(tasks.finishedMs[task], tasks.knownMs[task]);
    if (isOver && Number.isNaN(endMs)) continue;
    pending.span(submittedMs, firstTime(readyMs, startedMs, isOver ? endMs : Number.NaN));
    ready.span(readyMs, firstTime(startedMs, isOver ? endMs : Number.NaN));
    running.span(startedMs, endMs);
  }
  return { pending: pending.build(), ready: ready.build(), running: running.build() };
}

/** The first that is known. */
function firstTime(...times: number[]): number {
  return times.find((ms) => !Number.isNaN(ms)) ?? Number.NaN;
}
