/**
 * Plans that look ahead: for plans of a moderate number of tasks of which execution times are known
 * (declared, or measured for the label), the lookahead is asked where and in which order all of
 * them should run; the scheduler then follows that. Owns when it is asked, with how much effort, and
 * what came out: the worker of each planned task. docs/scheduling.md says when it is used.
 */
import { Lookahead, type LookaheadPlan } from "./lookahead/index.js";
import { buildProblem, type SearchedTasks } from "./lookahead-problem.js";
import { MAX_RANK_MS } from "./ranking.js";
import type { Scheduler } from "./scheduler.js";
import { TaskFlag, TaskState } from "./task-state.js";
import { LARGE_BYTES } from "./transfers.js";
import type { WorkerLoad } from "./worker-load.js";

/** More workers are served task by task. */
const MAX_WORKERS = 256;
/** Shorter work is done before much thought about it pays. */
const MIN_WORK_MS = 500;
/** Steps (well under a microsecond each) spent on searching per millisecond that the plan takes, and at most. */
const STEPS_PER_MS = 20;
const MAX_STEPS = 2_000_000;
/** Steps in one pass. */
const STEPS_PER_PASS = 50_000;
/** An execution time is taken for a surprise beyond this factor of the estimate. */
const SURPRISE = 1.3;
/** So large a share of surprises, and the plan is worth nothing. */
const SURPRISES_SHARE = 0.1;
const SEED = 1;
/** In place of a row of a search whose plan is gone. */
const GONE = -1;
/** A plan that is not done after so many times the time it should take has failed. */
const PATIENCE = 1.25;
/** After a search there is none for so many times as long: plans may come all the time. */
const REST = 10;
/** Tasks are held back no longer than this. */
const MAX_HOLD_MS = 2000;

interface Search extends SearchedTasks {
  readonly lookahead: Lookahead;
  readonly startedMs: number;
  /** As many as it is worth. */
  steps: number;
}

export class Guide {
  /** Worker index per planned row that is open. */
  private readonly planned = new Map<number, number>();
  private due = false;
  private search: Search | undefined;
  /** Whether the tasks for which a plan is searched, or will be, have just come; since when they wait for it. */
  private first = true;
  private heldSinceMs = Number.POSITIVE_INFINITY;
  private wasHolding = false;
  private nowMs = 0;
  private overdueMs = 0;
  private restUntilMs = Number.NEGATIVE_INFINITY;
  private plannedTasks = 0;
  private surprises = 0;

  constructor(private readonly scheduler: Scheduler) {}

  /** While a plan is searched for tasks that have just come, none with requests is sent. */
  get holdsBack(): boolean {
    return this.search !== undefined && this.first && this.nowMs - this.heldSinceMs <= MAX_HOLD_MS;
  }

  /** A plan with tasks with requests has come. */
  planAdded(): void {
    this.due = true;
    // Others wait already, for a search or for work to end: they are not held back once more.
    if (this.search === undefined) this.first = true;
  }

  /** A plan is gone, its rows will be used again. */
  planRemoved(firstRow: number, count: number): void {
    if (this.planned.size > 0) {
      for (let row = firstRow; row < firstRow + count; row++) this.planned.delete(row);
    }
    const rows = this.search?.rows ?? [];
    for (let task = 0; task < rows.length; task++) {
      if (rows[task] >= firstRow && rows[task] < firstRow + count) rows[task] = GONE;
    }
  }

  workersChanged(): void {
    // Workers that the search knows may be others by now.
    this.search = undefined;
    this.due = true;
  }

  /** Where the row is planned to run; undefined: nowhere, or the worker is gone. */
  workerFor(row: number): WorkerLoad | undefined {
    if (this.planned.size === 0) return undefined;
    const worker = this.planned.get(row);
    return worker === undefined ? undefined : this.scheduler.workers[worker];
  }

  isPlanned(row: number): boolean {
    return this.planned.size > 0 && this.planned.has(row);
  }

  /** It takes much longer than was planned. */
  get isOverdue(): boolean {
    return this.nowMs > this.overdueMs;
  }

  /** The task has finished, or failed, or was taken back. */
  taskEnded(row: number): void {
    if (this.planned.size > 0) this.planned.delete(row);
  }

  /** A planned task took so long. */
  noteDuration(ms: number, estimateMs: number): void {
    if (ms < SURPRISE * estimateMs && estimateMs < SURPRISE * ms) return;
    if (++this.surprises > SURPRISES_SHARE * this.plannedTasks) this.planned.clear();
  }

  /** The object of the row is there now, for which the task `user` waits at another worker. */
  inputThere(row: number, user: number): void {
    const { tasks, workers } = this.scheduler;
    this.prefetch(row, workers[tasks.worker[user]]!, user);
  }

  /** The object of the row is there now: those who are planned elsewhere fetch it already. */
  objectThere(row: number): void {
    if (this.planned.size === 0) return;
    const { tasks } = this.scheduler;
    if (tasks.size[row] < LARGE_BYTES) return;
    const first = new Map<WorkerLoad, number>();
    for (let edge = tasks.userHead[row]; edge >= 0; edge = tasks.nextUser[edge]) {
      const user = tasks.edgeUser[edge];
      const load = this.workerFor(user);
      if (load === undefined) continue;
      const known = first.get(load);
      if (known === undefined || tasks.rank[user] > tasks.rank[known]) first.set(load, user);
    }
    for (const [load, user] of first) this.prefetch(row, load, user);
  }

  /** Goes on searching; true: there is more to do. Called once a pass. */
  advance(nowMs: number): boolean {
    this.nowMs = nowMs;
    const more = this.goOn();
    const { holdsBack } = this;
    if (this.wasHolding && !holdsBack) {
      // What was held back meanwhile goes on.
      for (const load of this.scheduler.alive) this.scheduler.mark(load);
    }
    this.wasHolding = holdsBack;
    return more;
  }

  private goOn(): boolean {
    const { nowMs } = this;
    if (this.due && this.search === undefined && nowMs >= this.restUntilMs) {
      this.due = false;
      this.search = this.begin();
      // A search that was begun anew, as workers had changed, does not hold back anew.
      if (this.search !== undefined) this.heldSinceMs = Math.min(this.heldSinceMs, nowMs);
      else this.holdNoMore();
    }
    const { search } = this;
    if (search === undefined) return false;
    const { lookahead } = search;
    const done = lookahead.improve(Math.min(STEPS_PER_PASS, search.steps - lookahead.work));
    // The time that the work takes is known better now: transfers, and long paths, are in it.
    search.steps = stepsFor(lookahead.best.makespanMs);
    if (!done && lookahead.work < search.steps) return true;
    this.search = undefined;
    this.holdNoMore();
    this.restUntilMs = nowMs + REST * (nowMs - search.startedMs);
    this.follow(search, lookahead.best);
    return false;
  }

  private holdNoMore(): void {
    this.first = false;
    this.heldSinceMs = Number.POSITIVE_INFINITY;
  }

  private begin(): Search | undefined {
    const { scheduler } = this;
    const workers = scheduler.alive.length;
    if (workers < 2 || workers > MAX_WORKERS) return undefined;
    const searched = buildProblem(scheduler);
    if (searched === undefined || searched.workMs < MIN_WORK_MS) return undefined;
    const lookahead = new Lookahead(searched.problem, SEED);
    return { ...searched, startedMs: this.nowMs, steps: stepsFor(searched.workMs), lookahead };
  }

  private follow({ rows, workers }: SearchedTasks, plan: LookaheadPlan): void {
    const { scheduler, planned } = this;
    const { tasks } = scheduler;
    planned.clear();
    this.surprises = 0;
    const longestMs = Math.min(MAX_RANK_MS, plan.makespanMs);
    const order = Array.from(rows.keys()).sort((a, b) => plan.priority[b] - plan.priority[a]);
    order.forEach((task, place) => {
      const row = rows[task];
      const state = row === GONE ? TaskState.free : tasks.state[row];
      if (state !== TaskState.waiting && state !== TaskState.ready) return;
      // The order of the plan becomes the rank: workers and queues go by it.
      tasks.rank[row] = ((order.length - place) / order.length) * longestMs;
      if (plan.worker[task] < 0) return;
      const load = workers[plan.worker[task]];
      planned.set(row, load.index);
      if (state === TaskState.ready && !(tasks.flags[row] & TaskFlag.queued)) {
        scheduler.queueAsPlanned(row, load);
      }
    });
    this.plannedTasks = planned.size;
    this.overdueMs = this.nowMs + PATIENCE * plan.makespanMs;
    for (const row of planned.keys()) this.prefetchInputs(row);
  }

  private prefetchInputs(row: number): void {
    const { tasks } = this.scheduler;
    const load = this.workerFor(row)!;
    const end = tasks.inputStart[row] + tasks.inputCount[row];
    for (let edge = tasks.inputStart[row]; edge < end; edge++) {
      const input = tasks.edgeInput[edge];
      if (tasks.state[input] === TaskState.finished && tasks.size[input] >= LARGE_BYTES) {
        this.prefetch(input, load, row);
      }
    }
  }

  private prefetch(row: number, load: WorkerLoad, user: number): void {
    const { tasks, transfers, actions } = this.scheduler;
    if (tasks.holds(load.index, row)) return;
    if (tasks.size[row] >= LARGE_BYTES) {
      if (transfers.isOnWay(row, load.index)) return;
      transfers.begin(row, tasks.size[row], load, true);
    }
    actions.prefetch(row, load.index, user);
  }
}

function stepsFor(planMs: number): number {
  return Math.min(MAX_STEPS, STEPS_PER_MS * planMs);
}
