/**
 * Rows of the time line: what ran on each core of each worker, one thing after the other. Called by the time
 * line and by the critical path. Owns which row a task without a known core is put into.
 */
import { UNKNOWN_CORE } from "../../trace/index.js";
import type { ViewData } from "../page/view-data.js";
import { forEachExecution } from "./core-use.js";
import { firstAbove, sortedOrder } from "./sorted-order.js";

/** Rows of a worker for what has no known core; more of it at a time is drawn on top of each other. */
const MAX_LOOSE_LANES = 64;

export interface Lane {
  readonly worker: number;
  /** Number of the core; -1: for what has none. */
  readonly core: number;
  /** By start. */
  readonly items: Uint32Array;
  readonly startMs: Float64Array;
  /** Ascending: the largest end up to here. */
  readonly reachMs: Float64Array;
  /** Time in use before the item at the same place. */
  readonly usedMs: Float64Array;
}

/** What lanes show; numbers are of items. */
export interface LaneItems {
  readonly count: number;
  readonly task: Uint32Array;
  /** Number of the attempt that came to nothing; -1: the task's last one. */
  readonly execution: Int32Array;
  readonly startMs: Float64Array;
  readonly endMs: Float64Array;
}

export interface Lanes {
  readonly items: LaneItems;
  /** Worker by worker, cores first. */
  readonly lanes: readonly Lane[];
}

export function lanesOf(data: ViewData): Lanes {
  const { items, worker } = collectItems(data);
  const { tasks, workers } = data;
  const order = sortedOrder(items.startMs, items.count);
  // Rows of cores, then loose ones, of each worker: numbers of items in the order of their starts.
  const byCore = workers.map((): Map<number, number[]> => new Map());
  const loose = workers.map((): number[] => []);
  for (const item of order) {
    const task = items.task[item];
    const core = tasks.core[task];
    if (core === UNKNOWN_CORE || items.execution[item] !== -1) {
      loose[worker[item]].push(item);
      continue;
    }
    const rows = byCore[worker[item]];
    const last = core + Math.max(1, tasks.cores[task]);
    for (let c = core; c < last; c++) {
      const row = rows.get(c);
      if (row === undefined) rows.set(c, [item]);
      else row.push(item);
    }
  }
  const lanes = workers.flatMap(({ cpus }, index) => {
    const rows = byCore[index];
    if (rows.size > 0) for (let c = 0; c < cpus; c++) if (!rows.has(c)) rows.set(c, []);
    const cores = [...rows].sort(([a], [b]) => a - b);
    return [
      ...cores.map(([core, row]) => laneOf(items, index, core, row)),
      ...packed(items, loose[index]).map((row) => laneOf(items, index, -1, row)),
    ];
  });
  return { items, lanes };
}

/** What a lane shows at a time: the item's place in the lane; -1: nothing. */
export function findInLane(lane: Lane, items: LaneItems, ms: number, toleranceMs: number): number {
  const from = firstAbove(lane.reachMs, ms - toleranceMs, 0, lane.items.length);
  let best = -1;
  let bestMs = toleranceMs;
  for (let i = from; i < lane.items.length && lane.startMs[i] <= ms + toleranceMs; i++) {
    const item = lane.items[i];
    const distanceMs = Math.max(lane.startMs[i] - ms, ms - items.endMs[item], 0);
    if (distanceMs < bestMs || (best === -1 && distanceMs <= bestMs)) {
      best = i;
      bestMs = distanceMs;
    }
    if (distanceMs === 0) break;
  }
  return best;
}

function collectItems(data: ViewData): { items: LaneItems; worker: Int16Array } {
  const limit = data.tasks.count + data.executions.count;
  const task = new Uint32Array(limit);
  const execution = new Int32Array(limit);
  const startMs = new Float64Array(limit);
  const endMs = new Float64Array(limit);
  const worker = new Int16Array(limit);
  let count = 0;
  forEachExecution(data, (number, ranOn, fromMs, toMs, _cores, attempt) => {
    task[count] = number;
    execution[count] = attempt;
    startMs[count] = fromMs;
    endMs[count] = Math.max(fromMs, Number.isNaN(toMs) ? fromMs : toMs);
    worker[count++] = ranOn;
  });
  return { items: { count, task, execution, startMs, endMs }, worker };
}

/** Puts items into as few rows as they need, each into the first that is free. */
function packed({ startMs, endMs }: LaneItems, order: readonly number[]): number[][] {
  const rows: number[][] = [];
  const freeMs: number[] = [];
  for (const item of order) {
    let row = freeMs.findIndex((ms) => ms <= startMs[item]);
    if (row === -1) {
      row = rows.length;
      if (row === MAX_LOOSE_LANES) row = freeMs.indexOf(Math.min(...freeMs));
      else rows.push([]);
    }
    rows[row].push(item);
    freeMs[row] = Math.max(freeMs[row] ?? 0, endMs[item]);
  }
  return rows;
}

function laneOf(all: LaneItems, worker: number, core: number, row: readonly number[]): Lane {
  const items = Uint32Array.from(row);
  const startMs = new Float64Array(items.length);
  const reachMs = new Float64Array(items.length);
  const usedMs = new Float64Array(items.length + 1);
  for (let i = 0; i < items.length; i++) {
    const item = items[i];
    startMs[i] = all.startMs[item];
    reachMs[i] = Math.max(i === 0 ? 0 : reachMs[i - 1], all.endMs[item]);
    usedMs[i + 1] = usedMs[i] + all.endMs[item] - all.startMs[item];
  }
  return { worker, core, items, startMs, reachMs, usedMs };
}
