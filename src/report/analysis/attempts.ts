/** Attempts that did not finish their task: how many by label and by how they ended, and the time they took. */
import { ExecutionEnd } from "../../trace/index.js";
import type { ViewData } from "../page/view-data.js";
import type { Mask } from "./sorted-order.js";

export interface LabelAttempts {
  readonly label: number;
  /** Number of attempts by {@link ExecutionEnd}. */
  readonly ends: readonly number[];
  /** Attempts after which the task was executed again, because of a loss. */
  readonly repeated: number;
  /** Time that all of them ran. */
  readonly lostMs: number;
}

const ENDS = Object.keys(ExecutionEnd).length;

/** Labels without such attempts are left out; the most time lost first. */
export function attemptsByLabel(data: ViewData, mask?: Mask): LabelAttempts[] {
  const { executions, tasks, labels } = data;
  const sums = labels.map((_, label) => ({
    label,
    ends: new Array<number>(ENDS).fill(0),
    repeated: 0,
    lostMs: 0,
  }));
  for (let i = 0; i < executions.count; i++) {
    const task = executions.task[i];
    if (mask !== undefined && mask[task] === 0) continue;
    const sum = sums[tasks.label[task]];
    const end = executions.end[i];
    sum.ends[end]++;
    if (end === ExecutionEnd.workerLost || end === ExecutionEnd.inputLost) sum.repeated++;
    const ranMs = executions.endedMs[i] - executions.startedMs[i];
    if (ranMs > 0) sum.lostMs += ranMs;
  }
  return sums
    .filter(({ ends }) => ends.some((count) => count > 0))
    .sort((a, b) => b.lostMs - a.lostMs);
}
