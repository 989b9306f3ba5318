/**
 * When tasks without requests ran. Their worker executes them one after the other and only notes how many
 * in which span; they finish in that order. So they are laid out within these spans, each with its own duration
 * where that was measured, the others with equal shares of what is left. Called by read-trace.ts.
 */
import type { ServerReading } from "./server-reading.js";

const ROUNDING_MS = 0.05;

export interface LightRuns {
  readonly count: number;
  /** In the server's time. */
  readonly startMs: Float64Array;
  readonly durationMs: Float32Array;
  readonly tasks: Uint32Array;
}

export const NO_LIGHT_RUNS: LightRuns = {
  count: 0,
  startMs: new Float64Array(0),
  durationMs: new Float32Array(0),
  tasks: new Uint32Array(0),
};

/** Light tasks that finished or failed, by the place of their worker, in the order of their ends. */
export function lightTasksOfWorkers(server: ServerReading): Uint32Array[] {
  const { classes, endings, tasks, workers } = server;
  const { taskClass, worker, startedMs } = tasks.columns;
  const order = endings.columns.task;
  const isLight = (task: number): boolean => {
    if (worker[task] === -1) return false;
    const its = classes.at(taskClass[task]);
    // Only tasks with requests tell that they start.
    return its === undefined ? Number.isNaN(startedMs[task]) : its.variants.length === 0;
  };
  const counts = new Uint32Array(workers.length);
  for (let i = 0; i < endings.count; i++) if (isLight(order[i])) counts[worker[order[i]]]++;
  const lists = Array.from(counts, (count) => new Uint32Array(count));
  counts.fill(0);
  for (let i = 0; i < endings.count; i++) {
    const task = order[i];
    if (isLight(task)) lists[worker[task]][counts[worker[task]]++] = task;
  }
  return lists;
}

/** Sets when the tasks, all of one worker, started and finished. */
export function layOutLight(server: ServerReading, tasks: Uint32Array, runs: LightRuns): void {
  const { assignedMs, knownMs } = server.tasks.columns;
  let run = 0;
  let left = runs.count > 0 ? runs.tasks[0] : 0;
  let cursorMs = Number.NEGATIVE_INFINITY;
  let at = 0;
  while (at < tasks.length) {
    const first = tasks[at];
    while (
      run < runs.count &&
      (left === 0 || runs.startMs[run] + runs.durationMs[run] + ROUNDING_MS < assignedMs[first])
    ) {
      run++;
      left = run < runs.count ? runs.tasks[run] : 0;
    }
    let end = at + 1;
    if (run < runs.count && runs.startMs[run] <= knownMs[first] + ROUNDING_MS) {
      const startMs = Math.max(runs.startMs[run], cursorMs);
      const endMs = runs.startMs[run] + runs.durationMs[run];
      end = Math.min(at + left, tasks.length);
      left -= end - at;
      cursorMs = spread(server, tasks.subarray(at, end), startMs, Math.max(startMs, endMs), true);
    } else {
      // Its worker's file does not say: between being sent and being known, with those known at once.
      while (end < tasks.length && knownMs[tasks[end]] === knownMs[first]) end++;
      const group = tasks.subarray(at, end);
      const endMs = knownMs[first];
      const earliest = Math.max(cursorMs, assignedMs[first] || Number.NEGATIVE_INFINITY);
      const startMs = Math.min(endMs, Math.max(earliest, endMs - measured(server, group)));
      cursorMs = spread(server, group, startMs, endMs, false);
    }
    at = end;
  }
}

function measured(server: ServerReading, tasks: Uint32Array): number {
  const { durationUs } = server.tasks.columns;
  let totalMs = 0;
  for (let i = 0; i < tasks.length; i++) totalMs += durationUs[tasks[i]] / 1000;
  return totalMs;
}

/** One after the other in this span; gives where they end. */
function spread(
  server: ServerReading,
  tasks: Uint32Array,
  startMs: number,
  endMs: number,
  isFull: boolean,
): number {
  const { durationUs, startedMs, finishedMs, isExact } = server.tasks.columns;
  const totalMs = measured(server, tasks);
  const spanMs = endMs - startMs;
  const scale = totalMs > spanMs ? spanMs / totalMs : 1;
  let unmeasured = 0;
  for (let i = 0; i < tasks.length; i++) if (durationUs[tasks[i]] === 0) unmeasured++;
  const shareMs = isFull && unmeasured > 0 ? Math.max(0, spanMs - totalMs) / unmeasured : 0;
  let cursorMs = startMs;
  for (let i = 0; i < tasks.length; i++) {
    const task = tasks[i];
    const us = durationUs[task];
    const nextMs = Math.min(endMs, cursorMs + (us === 0 ? shareMs : (us / 1000) * scale));
    if (isExact[task] === 0) {
      startedMs[task] = cursorMs;
      finishedMs[task] = nextMs;
    }
    cursorMs = nextMs;
  }
  return cursorMs;
}
