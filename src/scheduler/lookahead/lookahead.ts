/**
 * Plans by looking ahead: makes many candidate schedules, simulates each, keeps the best and goes
 * on improving it, as long as the caller lets it. Owns: the course of the search. Called by the
 * scheduler, in slices. docs/lookahead.md explains what is searched and why.
 */
import { LoomError } from "../../base/index.js";
import { Candidate } from "./candidate.js";
import { Evaluator, SLICE } from "./evaluator.js";
import { LocalSearch } from "./local-search.js";
import { Portfolio } from "./portfolio.js";
import type { LookaheadPlan, LookaheadProblem } from "./problem.js";
import { Random } from "./random.js";
import { Trial } from "./trial.js";
import { Workload } from "./workload.js";

/** Rounds of local search without any gain before it ends, and what counts as a gain. */
const IDLE_ROUNDS = 3;
const GAIN = 1e-3;
/** Changes tried in a round of local search: per task, and at least. */
const CHANGES_PER_TASK = 4;
const FEWEST_CHANGES = 300;
/** So close to the lower bound there is nothing to gain. */
const NEAR_ENOUGH = 1e-6;

export class Lookahead {
  private readonly load: Workload;
  private readonly evaluator: Evaluator;
  private readonly portfolio: Portfolio;
  private readonly random: Random;
  private readonly bestCandidate: Candidate;
  private readonly search: Generator<unknown>;
  private finished = false;
  private hasPlan = false;
  private bestPlan: LookaheadPlan | undefined;

  /**
   * @param problem is read during the whole search: its arrays must not change
   * @param seed any number: the same seed and problem give the same plans
   * @example
   * const lookahead = new Lookahead(problem, 1);
   * lookahead.improve(20_000);
   * const { worker, priority } = lookahead.best;
   */
  constructor(problem: LookaheadProblem, seed: number) {
    this.load = new Workload(problem);
    this.evaluator = new Evaluator(this.load);
    this.portfolio = new Portfolio(this.load);
    this.random = new Random(seed);
    this.bestCandidate = new Candidate(this.load);
    this.search = this.run();
  }

  /**
   * Goes on searching. How the work is cut into calls does not change what is found.
   *
   * @param budget steps to do: a task started or ended, a download ended, ...; well under a
   *   microsecond each. The first call goes on until there is a plan, whatever the budget.
   * @returns true when there is nothing left to try
   */
  improve(budget: number): boolean {
    const stopAt = this.work + budget;
    while (!this.finished && (this.work < stopAt || !this.hasPlan)) {
      this.finished = this.search.next().done === true;
    }
    return this.finished;
  }

  /** Steps done so far: what `improve` counts. */
  get work(): number {
    return this.evaluator.work + this.portfolio.work;
  }

  /**
   * The best plan so far; its arrays stay as they are when the search goes on.
   * @throws LoomError `internal` before the first call of improve()
   */
  get best(): LookaheadPlan {
    if (!this.hasPlan) throw new LoomError("internal", "no plan yet: call improve() first");
    const { worker, priority, makespanMs } = this.bestCandidate;
    this.bestPlan ??= { worker: worker.slice(), priority: priority.slice(), makespanMs };
    return this.bestPlan;
  }

  private *run(): Generator<unknown> {
    const { load, evaluator, bestCandidate: best } = this;
    const current = new Candidate(load);
    const trial = new Trial(load, evaluator, this.random, () => {
      this.bestPlan = undefined;
    });
    let simulated = false;
    for (const isPlan of this.portfolio.plans(current)) {
      yield;
      if (!isPlan) continue;
      if (!this.hasPlan) {
        // There at once, with the makespan that was estimated while making it.
        best.copyFrom(current);
        this.hasPlan = true;
        yield;
      }
      const limitMs = simulated ? best.worthMs : Number.POSITIVE_INFINITY;
      evaluator.begin(current.worker, current.priority, limitMs);
      while (!evaluator.advance(SLICE)) yield;
      current.makespanMs = evaluator.makespanMs;
      if (!simulated || current.makespanMs < best.worthMs) yield* trial.run(current, best);
      simulated = true;
      if (this.isOptimal()) return;
    }
    const localSearch = new LocalSearch(load, evaluator, this.random, trial);
    const changes = Math.max(FEWEST_CHANGES, load.movable.length * CHANGES_PER_TASK);
    for (let idle = 0; idle < IDLE_ROUNDS && load.movable.length > 0; idle++) {
      const before = best.worthMs;
      current.copyFrom(best);
      for (const _ of localSearch.round(current, best, changes)) {
        yield;
        if (this.isOptimal()) return;
      }
      if (best.worthMs < before * (1 - GAIN)) idle = -1;
    }
  }

  private isOptimal(): boolean {
    return this.bestCandidate.worthMs <= this.load.lowerBoundMs * (1 + NEAR_ENOUGH);
  }
}
