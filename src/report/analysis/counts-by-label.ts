/** Finished tasks and their cumulative execution time, by label over time. */
import { TracedState } from "../../trace/index.js";
import type { ViewData } from "../page/view-data.js";
import { type Mask, sortedOrder } from "./sorted-order.js";
import { StepFunction } from "./step-function.js";

export interface LabelCurves {
  readonly label: number;
  /** Tasks finished so far. */
  readonly finished: StepFunction;
  /** Sum of the durations of these, in ms. */
  readonly durationMs: StepFunction;
}

/** One entry for each label of which tasks finished, in the order of labels' numbers. */
export function countsByLabel({ tasks, labels }: ViewData, mask?: Mask): LabelCurves[] {
  const counts = new Uint32Array(labels.length);
  const order = sortedOrder(tasks.finishedMs, tasks.count, mask).filter(
    (task) => tasks.state[task] === TracedState.finished,
  );
  for (const task of order) counts[tasks.label[task]]++;
  const columns = Array.from(counts, (count) => ({
    times: new Float64Array(count),
    finished: new Float64Array(count),
    durations: new Float64Array(count),
    used: 0,
    sum: 0,
  }));
  for (const task of order) {
    const column = columns[tasks.label[task]];
    const i = column.used++;
    const durationMs = tasks.finishedMs[task] - tasks.startedMs[task];
    if (durationMs > 0) column.sum += durationMs;
    column.times[i] = tasks.finishedMs[task];
    column.finished[i] = i + 1;
    column.durations[i] = column.sum;
  }
  return columns.flatMap(({ times, finished, durations, used }, label) =>
    used === 0
      ? []
      : [
          {
            label,
            finished: new StepFunction(times, finished),
            durationMs: new StepFunction(times, durations),
          },
        ],
  );
}
