/**
 * Improves a schedule by small random changes (simulated annealing): a task, or tasks that share
 * data, go to another worker; two tasks change places; a task goes earlier or later in the order.
 * Most changes are made along the critical chain of the last simulation. Worse results
 * are accepted with a chance that shrinks as the round goes on. Called by the lookahead.
 */
import type { Candidate } from "./candidate.js";
import { type Evaluator, SLICE } from "./evaluator.js";
import type { Random } from "./random.js";
import type { Trial } from "./trial.js";
import type { Workload } from "./workload.js";

/** How much worse than the current schedule one may be to be accepted now and then, at first. */
const HEAT = 0.002;
/** Share of changes that begin at the critical chain. */
const ON_CHAIN = 0.7;
/** Shares of the kinds of changes, added up; the rest moves several related tasks. */
const SHIFTS = 0.3;
const MOVES = 0.7;
const SWAPS = 0.85;
/** Share of moves to where data of the task is made or used; others go anywhere. */
const TO_NEIGHBOUR = 0.8;

export class LocalSearch {
  /** What the last change did, to take it back: pairs (task, former worker), (task, former place). */
  private readonly movedTasks: number[] = [];
  private readonly movedFrom: number[] = [];
  private shifted = -1;
  private shiftedFrom = 0;
  private readonly chain: number[] = [];

  constructor(
    private readonly load: Workload,
    private readonly evaluator: Evaluator,
    private readonly random: Random,
    private readonly trial: Trial,
  ) {}

  /**
   * One round, from `current`; `best` is replaced whenever something better is found. Yields
   * whenever some work is done.
   */
  *round(current: Candidate, best: Candidate, changes: number): Generator<void> {
    const { evaluator, random } = this;
    this.findChain();
    for (let i = 0; i < changes; i++) {
      const cooling = 1 - i / changes;
      const temperature = HEAT * current.makespanMs * cooling * cooling;
      if (!this.change(current)) continue;
      const limitMs = current.makespanMs - temperature * Math.log(1 - random.next());
      evaluator.begin(current.worker, current.priority, limitMs);
      while (!evaluator.advance(SLICE)) yield;
      if (evaluator.makespanMs > limitMs) {
        this.undo(current);
      } else {
        current.makespanMs = evaluator.makespanMs;
        this.findChain();
        if (current.makespanMs < best.worthMs) yield* this.trial.run(current, best);
      }
      yield;
    }
  }

  /** Tasks whose waiting made the last simulation as long as it was, last one first. */
  private findChain(): void {
    const { evaluator, load, chain } = this;
    chain.length = 0;
    let last = -1;
    for (let t = 0; t < load.taskCount; t++) {
      if (load.plannable[t] === 1 && (last < 0 || evaluator.endMs[t] > evaluator.endMs[last]))
        last = t;
    }
    for (; last >= 0; last = evaluator.waitedFor[last]) {
      if (load.problem.runningAt[last] < 0) chain.push(last);
    }
  }

  private pickTask(): number {
    const { random, chain, load } = this;
    if (chain.length > 0 && random.next() < ON_CHAIN) return chain[random.below(chain.length)];
    return load.movable[random.below(load.movable.length)];
  }

  private change(candidate: Candidate): boolean {
    const { random, load } = this;
    this.movedTasks.length = 0;
    this.movedFrom.length = 0;
    this.shifted = -1;
    const task = this.pickTask();
    const kind = random.next();
    if (load.workerCount === 1 || kind < SHIFTS) return this.shift(candidate, task);
    if (kind < MOVES) {
      const target = this.pickTarget(candidate, task);
      this.move(candidate, task, target);
    } else if (kind < SWAPS) {
      const other = load.movable[random.below(load.movable.length)];
      const a = candidate.worker[task];
      this.move(candidate, task, candidate.worker[other]);
      this.move(candidate, other, a);
    } else {
      const target = this.pickTarget(candidate, task);
      const from = candidate.worker[task];
      this.move(candidate, task, target);
      this.moveRelated(candidate, task, from, target);
    }
    return this.movedTasks.length > 0;
  }

  private pickTarget(candidate: Candidate, task: number): number {
    const { random, load } = this;
    if (random.next() < TO_NEIGHBOUR) {
      const near = this.pickNeighbour(task);
      if (near >= 0 && candidate.worker[near] >= 0) return candidate.worker[near];
    }
    return random.below(load.workerCount);
  }

  /** A task that makes an input, uses an output, or uses the same input; -1: none found. */
  private pickNeighbour(task: number): number {
    const { random, load } = this;
    const inputs = load.inputStart[task + 1] - load.inputStart[task];
    const outputs = load.outputStart[task + 1] - load.outputStart[task];
    if (inputs + outputs === 0) return -1;
    const pick = random.below(inputs + outputs);
    let object: number;
    if (pick < inputs) {
      object = load.inputs[load.inputStart[task] + pick];
      const producer = load.problem.objectProducer[object];
      if (producer >= 0 && random.next() < 0.6) return producer;
    } else object = load.outputs[load.outputStart[task] + pick - inputs];
    const users = load.userStart[object + 1] - load.userStart[object];
    if (users === 0) return -1;
    return load.users[load.userStart[object] + random.below(users)];
  }

  /** Takes along tasks at the same worker that are connected with the moved one. */
  private moveRelated(candidate: Candidate, task: number, from: number, to: number): void {
    let at = task;
    for (let i = this.random.below(8); i >= 0; i--) {
      const near = this.pickNeighbour(at);
      if (near < 0 || candidate.worker[near] !== from) continue;
      this.move(candidate, near, to);
      at = near;
    }
  }

  private move(candidate: Candidate, task: number, to: number): void {
    const from = candidate.worker[task];
    if (from === to || this.load.problem.runningAt[task] >= 0 || !this.load.canRun(task, to))
      return;
    this.movedTasks.push(task);
    this.movedFrom.push(from);
    candidate.worker[task] = to;
  }

  private shift(candidate: Candidate, task: number): boolean {
    const { random, evaluator, load } = this;
    const from = candidate.place[task];
    let to: number;
    const cause = evaluator.waitedFor[task];
    if (random.next() < 0.3 && cause >= 0 && load.problem.runningAt[cause] < 0)
      to = candidate.place[cause];
    else if (random.next() < 0.5) to = random.below(candidate.order.length);
    else to = Math.max(0, Math.min(candidate.order.length - 1, from + random.below(21) - 10));
    const { userPriority } = load.problem;
    if (to === from || userPriority[candidate.order[to]] !== userPriority[task]) return false;
    this.shifted = task;
    this.shiftedFrom = from;
    candidate.moveTo(task, to);
    return true;
  }

  private undo(candidate: Candidate): void {
    for (let i = this.movedTasks.length - 1; i >= 0; i--) {
      candidate.worker[this.movedTasks[i]] = this.movedFrom[i];
    }
    if (this.shifted >= 0) candidate.moveTo(this.shifted, this.shiftedFrom);
  }
}
