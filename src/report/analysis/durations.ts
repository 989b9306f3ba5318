/** How long tasks ran, by label: what a box plot shows. */
import { TracedState } from "../../trace/index.js";
import type { ViewData } from "../page/view-data.js";
import type { Mask } from "./sorted-order.js";

export interface DurationBox {
  readonly label: number;
  readonly count: number;
  readonly totalMs: number;
  readonly meanMs: number;
  readonly minMs: number;
  /** Quartiles, linearly interpolated between neighbours. */
  readonly lowerMs: number;
  readonly medianMs: number;
  readonly upperMs: number;
  readonly maxMs: number;
}

/** Of finished tasks; the label with the largest total first. */
export function durationsByLabel({ tasks, labels }: ViewData, mask?: Mask): DurationBox[] {
  const isCounted = (task: number): boolean =>
    tasks.state[task] === TracedState.finished &&
    !Number.isNaN(tasks.finishedMs[task] - tasks.startedMs[task]) &&
    (mask === undefined || mask[task] === 1);
  const counts = new Uint32Array(labels.length);
  for (let task = 0; task < tasks.count; task++) if (isCounted(task)) counts[tasks.label[task]]++;
  const columns = Array.from(counts, (count) => new Float64Array(count));
  counts.fill(0);
  for (let task = 0; task < tasks.count; task++) {
    if (!isCounted(task)) continue;
    const label = tasks.label[task];
    columns[label][counts[label]++] = Math.max(0, tasks.finishedMs[task] - tasks.startedMs[task]);
  }
  const boxes = columns.flatMap((durations, label) =>
    durations.length === 0 ? [] : [boxOf(label, durations.sort())],
  );
  return boxes.sort((a, b) => b.totalMs - a.totalMs);
}

function boxOf(label: number, sorted: Float64Array): DurationBox {
  const totalMs = sorted.reduce((sum, ms) => sum + ms, 0);
  return {
    label,
    count: sorted.length,
    totalMs,
    meanMs: totalMs / sorted.length,
    minMs: sorted[0],
    lowerMs: quantile(sorted, 0.25),
    medianMs: quantile(sorted, 0.5),
    upperMs: quantile(sorted, 0.75),
    maxMs: sorted[sorted.length - 1],
  };
}

/** Definition 7 of Hyndman and Fan (1996), the default of R and NumPy. */
function quantile(sorted: Float64Array, share: number): number {
  const position = (sorted.length - 1) * share;
  const below = Math.floor(position);
  const above = Math.min(below + 1, sorted.length - 1);
  return sorted[below] + (sorted[above] - sorted[below]) * (position - below);
}
