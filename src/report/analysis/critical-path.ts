/**
 * The critical path as it really ran: back from the task that finished last, at each step to what held the
 * task up longest. The definitions are in docs/report.md.
 */
import type { ViewData } from "../page/view-data.js";
import { Arrivals } from "./arrivals.js";
import { type Lanes, lanesOf } from "./lanes.js";
import { firstAbove } from "./sorted-order.js";
import { type Waits, waitsOf } from "./waiting.js";

/** What a span of the path went to. */
export type PathCause =
  /** The task ran. */
  | "run"
  /** The server did not know yet that the input was finished. */
  | "report"
  /** It was not assigned to a worker, all cores were busy. */
  | "cores"
  /** It was not assigned to a worker although there were cores. */
  | "scheduling"
  /** Its last input was on the way. */
  | "transfer"
  /** It was on a worker with its inputs and a free core. */
  | "start"
  /** Nothing was submitted yet. */
  | "submission";

export interface PathSpan {
  readonly cause: PathCause;
  readonly fromMs: number;
  readonly toMs: number;
}

export interface PathStep {
  readonly task: number;
  /** What the step before was for this task; the first one waited for its submission. */
  readonly waitedFor: "input" | "core" | "submission";
  /** From the end of the step before to the end of this task, without gaps; the last one is "run". */
  readonly spans: readonly PathSpan[];
}

export interface CriticalPath {
  /** In the order in which they ran. */
  readonly steps: readonly PathStep[];
  /** Sums of the spans. */
  readonly totals: Readonly<Record<PathCause, number>>;
}

export function criticalPath(
  data: ViewData,
  lanes: Lanes = lanesOf(data),
  waits: Waits = waitsOf(data),
): CriticalPath {
  const { tasks } = data;
  const arrivals = new Arrivals(data);
  const before = new LaneNeighbours(data, lanes);
  const steps: PathStep[] = [];
  const seen = new Set<number>();
  let task = lastFinished(data);
  while (task !== -1 && !seen.has(task)) {
    seen.add(task);
    const startedMs = tasks.startedMs[task];
    const input = lastKnownInput(data, task);
    const core = before.find(task);
    const inputMs = input === -1 ? Number.NEGATIVE_INFINITY : tasks.knownMs[input];
    const transfer = arrivals.findLastInput(task);
    const arrivalMs = transfer === -1 ? Number.NEGATIVE_INFINITY : data.transfers.endMs[transfer];
    const coreMs = core === -1 ? Number.NEGATIVE_INFINITY : tasks.finishedMs[core];
    const readyMs = Math.max(inputMs, arrivalMs);
    let waitedFor: PathStep["waitedFor"] = "submission";
    let previous = -1;
    if (core !== -1 && coreMs > readyMs && coreMs > tasks.submittedMs[task] && !seen.has(core)) {
      waitedFor = "core";
      previous = core;
    } else if (input !== -1) {
      waitedFor = "input";
      // A transfer that began when all inputs were known waited for the last of them.
      const wasEarly = arrivalMs > inputMs && data.transfers.startMs[transfer] < inputMs;
      previous = wasEarly ? data.transfers.task[transfer] : input;
    }
    const fromMs = previous === -1 ? 0 : Math.min(tasks.finishedMs[previous], startedMs);
    const spans = new Spans(fromMs, startedMs);
    if (waitedFor === "submission") spans.upTo("submission", tasks.submittedMs[task]);
    if (waitedFor === "input") spans.upTo("report", tasks.knownMs[previous]);
    const toAssignment = Math.min(startedMs, tasks.assignedMs[task]) - spans.atMs;
    if (toAssignment > 0) {
      // When within it there were cores is not told: the time without comes first.
      const idleMs =
        tasks.cores[task] === 0
          ? toAssignment
          : waits.couldBePlaced.integral(spans.atMs, spans.atMs + toAssignment);
      spans.upTo("cores", spans.atMs + toAssignment - Math.min(idleMs, toAssignment));
      spans.upTo("scheduling", tasks.assignedMs[task]);
    }
    if (waitedFor === "input") spans.upTo("transfer", arrivalMs);
    spans.upTo("start", startedMs);
    spans.list.push({ cause: "run", fromMs: startedMs, toMs: tasks.finishedMs[task] });
    steps.push({ task, waitedFor, spans: spans.list });
    task = previous;
  }
  steps.reverse();
  return { steps, totals: totalsOf(steps) };
}

/** Splits a span from its beginning. */
class Spans {
  readonly list: PathSpan[] = [];

  constructor(
    public atMs: number,
    private readonly endMs: number,
  ) {}

  upTo(cause: PathCause, ms: number): void {
    const toMs = Math.min(ms, this.endMs);
    if (!(toMs > this.atMs)) return;
    this.list.push({ cause, fromMs: this.atMs, toMs });
    this.atMs = toMs;
  }
}

/** The task that last used the core of a task. */
class LaneNeighbours {
  private readonly laneOfCore = new Map<number, number>();

  constructor(
    private readonly data: ViewData,
    private readonly lanes: Lanes,
  ) {
    lanes.lanes.forEach(({ worker, core }, lane) => {
      if (core !== -1) this.laneOfCore.set(worker * 65_536 + core, lane);
    });
  }

  /** Of all its cores the one that became free last; -1: none was used before, or its core is not known. */
  find(task: number): number {
    const { tasks } = this.data;
    const first = tasks.core[task];
    let latest = -1;
    for (let core = first; core < first + tasks.cores[task]; core++) {
      const lane = this.lanes.lanes[this.laneOfCore.get(tasks.worker[task] * 65_536 + core) ?? -1];
      if (lane === undefined) return latest;
      const { items, startMs } = lane;
      let i = firstAbove(startMs, tasks.startedMs[task], 0, items.length) - 1;
      while (i >= 0 && this.lanes.items.task[items[i]] !== task) i--;
      if (i < 1) continue;
      const other = this.lanes.items.task[items[i - 1]];
      if (latest === -1 || tasks.finishedMs[other] > tasks.finishedMs[latest]) latest = other;
    }
    return latest;
  }
}

function lastFinished({ tasks }: ViewData): number {
  let last = -1;
  for (let task = 0; task < tasks.count; task++) {
    if (Number.isNaN(tasks.startedMs[task]) || Number.isNaN(tasks.finishedMs[task])) continue;
    if (last === -1 || tasks.finishedMs[task] > tasks.finishedMs[last]) last = task;
  }
  return last;
}

/** Of those that ran within the trace. */
function lastKnownInput({ tasks }: ViewData, task: number): number {
  let last = -1;
  for (let e = tasks.inputStart[task]; e < tasks.inputStart[task + 1]; e++) {
    const input = tasks.inputs[e];
    if (Number.isNaN(tasks.startedMs[input]) || Number.isNaN(tasks.finishedMs[input])) continue;
    if (last === -1 || tasks.knownMs[input] > tasks.knownMs[last]) last = input;
  }
  return last;
}

function totalsOf(steps: readonly PathStep[]): Record<PathCause, number> {
  const totals = {
    run: 0,
    report: 0,
    cores: 0,
    scheduling: 0,
    transfer: 0,
    start: 0,
    submission: 0,
  };
  for (const { spans } of steps) {
    for (const { cause, fromMs, toMs } of spans) totals[cause] += toMs - fromMs;
  }
  return totals;
}
