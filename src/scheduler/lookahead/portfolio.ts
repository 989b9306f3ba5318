/**
 * The first plans, most promising ones first: list schedules in both directions with different
 * weights of transfers, late binding, and the same on few workers, as on a slow network one worker
 * alone may beat all. Called by the lookahead, which simulates each of them.
 */
import type { Candidate } from "./candidate.js";
import { Evaluator, SLICE } from "./evaluator.js";
import { LateBinding } from "./late-binding.js";
import { ListScheduler } from "./list-scheduler.js";
import type { Workload } from "./workload.js";

export class Portfolio {
  private readonly lists: ListScheduler;
  private readonly late: LateBinding;
  private readonly evaluator: Evaluator;
  /** Workers, those with most power, then those with most of the data, first. */
  private readonly workers: Uint16Array;

  constructor(private readonly load: Workload) {
    this.lists = new ListScheduler(load);
    // Only who gets what is taken from this simulation.
    this.evaluator = new Evaluator(load, false);
    this.late = new LateBinding(load, this.evaluator);
    this.workers = bestWorkers(load);
  }

  /** Steps done for making the plans. */
  get work(): number {
    return this.lists.work + this.late.work + this.evaluator.work;
  }

  /**
   * Fills the candidate with one plan after the other; yields true for each, false for work done.
   * Which ones, with which weights: those that together gave the best first plans on the graphs of
   * bench/schedules, fewest first.
   */
  *plans(candidate: Candidate): Generator<boolean> {
    const { load } = this;
    const all = load.workerCount;
    yield* this.forwards(candidate, load.upwardRank(0), 1, all);
    yield* this.forwards(candidate, load.upwardRank(1), 1, 1);
    yield* this.lateBinding(candidate, load.upwardRank(2));
    yield* this.backwards(candidate, 1, 1, all);
    yield* this.lateBinding(candidate, this.lists.endMs.slice());
    yield* this.forwards(candidate, load.upwardRank(0), 2, all);
    yield* this.lateBinding(candidate, load.longestPaths(2));
    if (load.msPerByte === 0) return;
    yield* this.backwards(candidate, 2, 0.3, all);
    yield* this.forwards(candidate, this.lists.endMs.slice(), 0.3, all);
    for (let count = 2; count < all; count *= 2) {
      yield* this.forwards(candidate, load.upwardRank(0), count === 2 ? 2 : 1, count);
    }
  }

  private *forwards(
    candidate: Candidate,
    rank: Float64Array,
    transferWeight: number,
    workerCount: number,
  ): Generator<boolean> {
    yield* this.list(candidate, rank, transferWeight, workerCount, false);
    candidate.orderBy(rank);
    yield true;
  }

  private *backwards(
    candidate: Candidate,
    rankWeight: number,
    transferWeight: number,
    workerCount: number,
  ): Generator<boolean> {
    const rank = this.load.downwardRank(rankWeight);
    yield* this.list(candidate, rank, transferWeight, workerCount, true);
    // The distance to the end, with transfers and queues.
    candidate.orderBy(this.lists.endMs);
    yield true;
  }

  private *list(
    candidate: Candidate,
    rank: Float64Array,
    transferWeight: number,
    workerCount: number,
    backwards: boolean,
  ): Generator<boolean> {
    const { lists } = this;
    const workers = this.workers.subarray(0, workerCount);
    lists.begin({ rank, backwards, transferWeight, workers });
    while (!lists.advance(SLICE)) yield false;
    candidate.worker.set(lists.worker);
    candidate.makespanMs = lists.endMs.reduce((a, b) => Math.max(a, b), 0);
  }

  private *lateBinding(candidate: Candidate, rank: Float64Array): Generator<boolean> {
    const { evaluator, late } = this;
    candidate.orderBy(rank);
    late.reset(rank);
    candidate.worker.fill(-1);
    evaluator.begin(candidate.worker, candidate.priority, Number.POSITIVE_INFINITY, late);
    while (!evaluator.advance(SLICE)) yield false;
    candidate.worker.set(evaluator.worker);
    const startOrder = evaluator.startMs.map((startMs) => -startMs);
    yield true;
    // In the order of their starts: what passed a large task that waited passes it again.
    candidate.orderBy(startOrder);
    yield true;
  }
}

function bestWorkers(load: Workload): Uint16Array {
  const { problem, speed } = load;
  const bytes = new Float64Array(load.workerCount);
  for (let o = 0; o < load.objectCount; o++) {
    if (problem.objectProducer[o] >= 0 || load.userStart[o] === load.userStart[o + 1]) continue;
    for (let i = problem.holderStart[o]; i < problem.holderStart[o + 1]; i++) {
      bytes[problem.holders[i]] += load.objectBytes[o];
    }
  }
  const power = speed.map((factor, w) => factor * problem.workerCpus[w]);
  const workers = Uint16Array.from(speed.keys());
  return workers.sort((a, b) => power[b] - power[a] || bytes[b] - bytes[a] || a - b);
}
