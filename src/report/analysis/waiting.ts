/**
 * Why tasks did not run earlier: the time from a task's submission to its start, split by cause. The
 * definitions are in docs/report.md.
 */
import type { ViewData } from "../page/view-data.js";
import { Arrivals } from "./arrivals.js";
import { type CoreUse, coreUse } from "./core-use.js";
import type { Mask } from "./sorted-order.js";
import { combined, StepBuilder, type StepFunction } from "./step-function.js";

/** One entry a task: ms; 0 also for tasks that have not started. */
export interface Waits {
  /** Until the last input was finished. */
  readonly inputsMs: Float64Array;
  /** Until the last input had come to the worker. */
  readonly transferMs: Float64Array;
  /** For a core: of any worker while it was not assigned, of its worker afterwards. */
  readonly coresMs: Float64Array;
  /** The rest: scheduling and messages. */
  readonly schedulerMs: Float64Array;
  /** When it was on a worker with its inputs finished, and when these had come there. NaN: not started. */
  readonly placedMs: Float64Array;
  readonly arrivedMs: Float64Array;
  /** Share of the tasks that were ready and not on a worker for which there were idle cores, over time. */
  readonly couldBePlaced: StepFunction;
}

export interface LabelWaits {
  readonly label: number;
  readonly tasks: number;
  readonly inputsMs: number;
  readonly transferMs: number;
  readonly coresMs: number;
  readonly schedulerMs: number;
}

export function waitsOf(data: ViewData, use: CoreUse = coreUse(data)): Waits {
  const { tasks, workers } = data;
  const column = (): Float64Array => new Float64Array(tasks.count);
  const inputsMs = column();
  const transferMs = column();
  const coresMs = column();
  const schedulerMs = column();
  const placedMs = column().fill(Number.NaN);
  const arrivedMs = column().fill(Number.NaN);
  const arrivals = new Arrivals(data);
  const unplaced = new StepBuilder(tasks.count);
  const unstarted = workers.map(() => new StepBuilder());
  for (let task = 0; task < tasks.count; task++) {
    const startedMs = tasks.startedMs[task];
    const worker = tasks.worker[task];
    if (Number.isNaN(startedMs) || worker < 0 || worker >= workers.length) continue;
    const submittedMs = Math.min(tasks.submittedMs[task], startedMs);
    const readyMs = between(submittedMs, tasks.readyMs[task], startedMs, submittedMs);
    const placed = between(readyMs, tasks.assignedMs[task], startedMs, startedMs);
    const transfer = startedMs > placed ? arrivals.findLastInput(task) : -1;
    const endMs = transfer === -1 ? placed : data.transfers.endMs[transfer];
    const arrived = between(placed, endMs, startedMs, placed);
    const cores = tasks.cores[task];
    inputsMs[task] = readyMs - submittedMs;
    transferMs[task] = arrived - placed;
    placedMs[task] = placed;
    arrivedMs[task] = arrived;
    unplaced.span(readyMs, placed, cores);
    unstarted[worker].span(arrived, startedMs, cores);
  }
  const couldBePlaced = combined(use.allIdle, unplaced.build(), shareServed);
  const couldStart = use.idle.map((idle, worker) =>
    combined(idle, unstarted[worker].build(), shareServed),
  );
  for (let task = 0; task < tasks.count; task++) {
    const placed = placedMs[task];
    if (Number.isNaN(placed)) continue;
    const startedMs = tasks.startedMs[task];
    const readyMs = Math.min(tasks.submittedMs[task], startedMs) + inputsMs[task];
    const waitedMs = placed - readyMs + (startedMs - arrivedMs[task]);
    const servedMs =
      couldBePlaced.integral(readyMs, placed) +
      couldStart[tasks.worker[task]].integral(arrivedMs[task], startedMs);
    // What holds no core does not wait for one.
    const isServed = tasks.cores[task] === 0;
    schedulerMs[task] = isServed ? waitedMs : Math.min(waitedMs, Math.max(0, servedMs));
    coresMs[task] = waitedMs - schedulerMs[task];
  }
  const causes = { inputsMs, transferMs, coresMs, schedulerMs };
  return { ...causes, placedMs, arrivedMs, couldBePlaced };
}

/** Which share of the cores wanted could be given from those that were idle. */
function shareServed(idle: number, wanted: number): number {
  return idle <= 0 || wanted <= 0 ? 0 : Math.min(1, idle / wanted);
}

/** Sums over the tasks that started; the label that waited longest after its inputs were there comes first. */
export function waitsByLabel({ tasks, labels }: ViewData, waits: Waits, mask?: Mask): LabelWaits[] {
  const sums = labels.map((_, label) => ({
    label,
    tasks: 0,
    inputsMs: 0,
    transferMs: 0,
    coresMs: 0,
    schedulerMs: 0,
  }));
  for (let task = 0; task < tasks.count; task++) {
    if (Number.isNaN(waits.placedMs[task]) || (mask !== undefined && mask[task] === 0)) continue;
    const sum = sums[tasks.label[task]];
    sum.tasks++;
    sum.inputsMs += waits.inputsMs[task];
    sum.transferMs += waits.transferMs[task];
    sum.coresMs += waits.coresMs[task];
    sum.schedulerMs += waits.schedulerMs[task];
  }
  const afterInputs = (sum: LabelWaits): number => sum.transferMs + sum.coresMs + sum.schedulerMs;
  return sums.filter((sum) => sum.tasks > 0).sort((a, b) => afterInputs(b) - afterInputs(a));
}

/** A time, kept between two; `unknown` if it is NaN. */
function between(fromMs: number, ms: number, toMs: number, unknown: number): number {
  return Number.isNaN(ms) ? unknown : Math.min(toMs, Math.max(fromMs, ms));
}
