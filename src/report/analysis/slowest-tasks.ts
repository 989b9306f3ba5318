/** The tasks that ran longest. */
import type { ViewData } from "../page/view-data.js";
import { type Mask, sortedOrder } from "./sorted-order.js";

/** At most `limit` of those that ran and ended, the longest first, equal ones by number. */
export function slowestTasks({ tasks }: ViewData, limit: number, mask?: Mask): Uint32Array {
  // Ascending, so the longest come first as the smallest.
  const durations = new Float64Array(tasks.count);
  for (let task = 0; task < tasks.count; task++) {
    durations[task] = tasks.startedMs[task] - tasks.finishedMs[task];
  }
  return sortedOrder(durations, tasks.count, mask).subarray(0, limit);
}
