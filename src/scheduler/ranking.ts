/**
 * Upward ranks: for each task the estimated time of the longest path from its start to the end of
 * its plan (Topcuoglu, Hariri, Wu: "Performance-effective and low-complexity task scheduling for
 * heterogeneous computing", 2002; there with transfer times, which are left out here as most
 * tasks go where their data is). Tasks with a request are started in this order. Ranks are computed when a plan comes, and again,
 * in slices, when execution times turn out to be others than was assumed.
 */
import type { TaskClasses } from "./task-classes.js";
import type { Declared, TaskView } from "./task-view.js";

/** Rows looked at in one pass: a few milliseconds. */
const ROWS_PER_PASS = 50_000;
/** Not more often than this, and than so many rows per millisecond call for: it is to take no time. */
const INTERVAL_MS = 200;
const ROWS_PER_MS = 200;
/** An estimate that differs by this factor from the one used is worth ranking again. */
const WORTH_RANKING = 1.5;

/** No rank is larger, whatever was declared: user priorities come first (task-class.ts). */
export const MAX_RANK_MS = 4e11;

/** Rows of a plan. */
export interface Range {
  readonly firstRow: number;
  readonly count: number;
  /** Some of its tasks stand for others that are made when it is known how many. */
  readonly dynamic: boolean;
}

export class Ranking {
  /** Plans that have tasks with requests, by first row. */
  private readonly plans = new Map<number, Range>();
  private stale = false;
  private nextMs = 0;
  /** Of all plans. */
  rows = 0;
  private readonly pending: Range[] = [];
  /** Next row of the range in work, going down; -1: none is. */
  private next = -1;

  constructor(
    private readonly tasks: TaskView,
    private readonly classes: TaskClasses,
    private readonly declared: Declared,
  ) {}

  /** A plan with tasks with requests has come: all of it is ranked at once. */
  planAdded(firstRow: number, count: number, dynamic: boolean): void {
    this.plans.set(firstRow, { firstRow, count, dynamic });
    this.rows += count;
    this.rank(firstRow + count - 1, firstRow);
  }

  planRemoved(firstRow: number): void {
    this.rows -= this.plans.get(firstRow)?.count ?? 0;
    this.plans.delete(firstRow);
  }

  /** The plans, in the order in which they came. */
  ranges(): Iterable<Range> {
    return this.plans.values();
  }

  /** A class has another estimate than before. */
  estimateChanged(index: number, nowMs: number): void {
    const { durations, rankedMs } = this.classes.list[index];
    const ms = durations.expectedMs(nowMs) ?? rankedMs;
    if (ms > WORTH_RANKING * rankedMs || rankedMs > WORTH_RANKING * ms) {
      this.stale = true;
    }
  }

  /** Goes on with ranking if that is due; true: a round has been finished, keys have changed. */
  advance(nowMs: number): boolean {
    if (this.pending.length === 0) {
      if (!this.stale || nowMs < this.nextMs) return false;
      this.stale = false;
      this.nextMs = nowMs + Math.max(INTERVAL_MS, this.rows / ROWS_PER_MS);
      this.estimate(nowMs);
      this.pending.push(...this.plans.values());
      this.next = -1;
    }
    for (let left = ROWS_PER_PASS; left > 0; ) {
      const range = this.pending[this.pending.length - 1];
      if (range === undefined) return true;
      // The plan may be gone, and its rows another one's.
      if (this.plans.get(range.firstRow) !== range) {
        this.pending.pop();
        this.next = -1;
        continue;
      }
      const from = this.next < 0 ? range.firstRow + range.count - 1 : this.next;
      const to = Math.max(range.firstRow, from - left + 1);
      this.rank(from, to);
      left -= from - to + 1;
      this.next = to - 1;
      if (to === range.firstRow) {
        this.pending.pop();
        this.next = -1;
      }
    }
    return this.pending.length === 0;
  }

  /**
   * Takes over what is known by now. Classes of which nothing is known count as the longest known
   * one: so some of each are tried early, and none turns out to be long when all others are done.
   */
  private estimate(nowMs: number): void {
    const { classes } = this;
    let longestMs = 0;
    for (const { light, isGone, durations } of classes.list) {
      if (!light && !isGone) longestMs = Math.max(longestMs, durations.expectedMs(nowMs) ?? 0);
    }
    // Those that come later take it from here.
    classes.longestMs = longestMs;
    for (const taskClass of classes.list) {
      const { light, known, durationMs, durations } = taskClass;
      if (light) taskClass.rankedMs = durationMs;
      else if (known) taskClass.rankedMs = durations.expectedMs(nowMs) ?? durationMs;
      else taskClass.rankedMs = Math.max(durationMs, longestMs);
    }
  }

  /** Ranks the rows from `from` down to `to`: users come after their inputs, so before them here. */
  private rank(from: number, to: number): void {
    const { rank, taskClass, userHead, nextUser, edgeUser } = this.tasks;
    const { list } = this.classes;
    for (let row = from; row >= to; row--) {
      let longest = 0;
      for (let edge = userHead[row]; edge >= 0; edge = nextUser[edge]) {
        const of = rank[edgeUser[edge]];
        if (of > longest) longest = of;
      }
      const declaredMs = this.declared.durationMs(row);
      const ms = longest + (declaredMs >= 0 ? declaredMs : list[taskClass[row]].rankedMs);
      rank[row] = Math.min(MAX_RANK_MS, ms);
    }
  }
}
