/**
 * Whether a schedule is as good as it looks: it is simulated once more with durations that are a
 * little different, and with the least urgent one first of tasks whose inputs come in one instant. One
 * that falls apart then (a task comes a moment later, another one takes its cores, for long) will not
 * hold in reality either. Called when something is better than the best.
 */
import type { Candidate } from "./candidate.js";
import { type Evaluator, SLICE } from "./evaluator.js";
import type { Random } from "./random.js";
import type { Workload } from "./workload.js";

/** Durations differ by at most this share. */
const JITTER = 0.005;
/** A makespan longer by this share is no surprise then. */
const TOLERANCE = 0.01;

export class Trial {
  private readonly stretch: Float64Array;

  constructor(
    load: Workload,
    private readonly evaluator: Evaluator,
    random: Random,
    private readonly bestChanged: () => void,
  ) {
    this.stretch = new Float64Array(load.taskCount);
    for (let t = 0; t < this.stretch.length; t++) {
      this.stretch[t] = 1 + JITTER * (2 * random.next() - 1);
    }
  }

  /** The candidate, which has been simulated, replaces the best one if it stands the trial. */
  *run(candidate: Candidate, best: Candidate): Generator<void> {
    const { evaluator } = this;
    evaluator.stretch = this.stretch;
    const limitMs = best.worthMs * (1 + TOLERANCE);
    evaluator.begin(candidate.worker, candidate.priority, limitMs);
    while (!evaluator.advance(SLICE)) yield;
    evaluator.stretch = undefined;
    candidate.worthMs = Math.max(candidate.makespanMs, evaluator.makespanMs / (1 + TOLERANCE));
    // The first one has nothing to be compared with.
    if (candidate.worthMs >= best.worthMs && best.worthMs < Number.POSITIVE_INFINITY) return;
    best.copyFrom(candidate);
    this.bestChanged();
  }
}
