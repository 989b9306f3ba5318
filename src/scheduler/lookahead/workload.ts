/**
 * A problem made ready for simulating it thousands of times: each input once per task, users of
 * objects, outputs of tasks, who can execute what, and the ranks of tasks. Nothing here changes
 * during the search. Called by everything in this folder.
 */
import type { LookaheadProblem } from "./problem.js";

export class Workload {
  readonly problem: LookaheadProblem;
  readonly taskCount: number;
  readonly objectCount: number;
  readonly workerCount: number;
  /** Durations on a worker of speed 1; what is left of running tasks. Never negative or NaN. */
  readonly durationMs: Float64Array;
  readonly objectBytes: Float64Array;
  /** Inputs of tasks, each once. */
  readonly inputStart: Uint32Array;
  readonly inputs: Uint32Array;
  /** The task that each entry of `inputs` belongs to. */
  readonly taskOfInput: Uint32Array;
  /** Tasks that use object o, ascending: `users[userStart[o] .. userStart[o + 1]]`. */
  readonly userStart: Uint32Array;
  readonly users: Uint32Array;
  /** Place in `inputs` of each entry of `users`. */
  readonly userInput: Uint32Array;
  /** Objects that task t makes: `outputs[outputStart[t] .. outputStart[t + 1]]`. */
  readonly outputStart: Uint32Array;
  readonly outputs: Uint32Array;
  /** All tasks, producers before users; tasks of a cycle, and what follows them, are left out. */
  readonly order: Uint32Array;
  /** Place of each task in `order`. */
  readonly place: Uint32Array;
  /** 1: some worker can execute the task and all it depends on. */
  readonly plannable: Uint8Array;
  /** Tasks that may be moved: plannable and not running. Ascending. */
  readonly movable: Uint32Array;
  /** Longest path from the start of a task to the end, without transfers, on the fastest worker. */
  readonly tailMs: Float64Array;
  /** Time to transfer one byte; 0 where transfers cost nothing. */
  readonly msPerByte: number;
  readonly speed: Float64Array;
  /** Cores of all workers. */
  readonly totalCpus: number;
  /** No plan ends earlier: the longest path, and the work per core. */
  readonly lowerBoundMs: number;

  constructor(problem: LookaheadProblem) {
    const { taskCount, objectCount, workerCount, objectProducer } = problem;
    this.problem = problem;
    this.taskCount = taskCount;
    this.objectCount = objectCount;
    this.workerCount = workerCount;
    this.speed = new Float64Array(workerCount).fill(1);
    let topSpeed = workerCount === 0 ? 1 : 0;
    let totalCpus = 0;
    let power = 0;
    for (let w = 0; w < workerCount; w++) {
      const given = problem.workerSpeed?.[w] ?? 1;
      this.speed[w] = given > 0 && Number.isFinite(given) ? given : 1;
      topSpeed = Math.max(topSpeed, this.speed[w]);
      totalCpus += problem.workerCpus[w];
      power += problem.workerCpus[w] * this.speed[w];
    }
    this.totalCpus = totalCpus;
    const bytesPerMs = problem.network.bytesPerMs;
    this.msPerByte = bytesPerMs > 0 ? 1 / bytesPerMs : 0;
    this.durationMs = new Float64Array(taskCount);
    for (let t = 0; t < taskCount; t++) {
      const running = problem.runningAt[t] >= 0;
      this.durationMs[t] = amount(running ? problem.remainingMs[t] : problem.durationMs[t]);
    }
    this.objectBytes = Float64Array.from(problem.objectBytes.subarray(0, objectCount), amount);

    this.inputStart = new Uint32Array(taskCount + 1);
    this.inputs = new Uint32Array(problem.inputs.length);
    const usedBy = new Int32Array(objectCount).fill(-1);
    let end = 0;
    for (let t = 0; t < taskCount; t++) {
      for (let i = problem.inputStart[t]; i < problem.inputStart[t + 1]; i++) {
        const object = problem.inputs[i];
        if (usedBy[object] === t) continue;
        usedBy[object] = t;
        this.inputs[end++] = object;
      }
      this.inputStart[t + 1] = end;
    }
    const producers = objectProducer.subarray(0, objectCount);
    [this.outputStart, this.outputs] = grouped(taskCount, producers, objectCount);
    const owner = new Uint32Array(end);
    for (let t = 0; t < taskCount; t++) owner.fill(t, this.inputStart[t], this.inputStart[t + 1]);
    [this.userStart, this.userInput] = grouped(objectCount, this.inputs, end);
    this.users = this.userInput.map((input) => owner[input]);
    this.taskOfInput = owner;

    [this.order, this.place] = this.topologicalOrder();
    this.plannable = this.findPlannable();
    const movable: number[] = [];
    let work = 0;
    for (let t = 0; t < taskCount; t++) {
      if (this.plannable[t] === 0) continue;
      if (problem.runningAt[t] < 0) movable.push(t);
      // What runs has fixed remaining time whatever its worker's speed.
      else if (problem.cpus[t] > 0) {
        work += this.durationMs[t] * problem.cpus[t] * this.speed[problem.runningAt[t]];
        continue;
      }
      work += this.durationMs[t] * problem.cpus[t];
    }
    this.movable = Uint32Array.from(movable);
    this.tailMs = this.upwardRank(0, topSpeed);
    let longest = 0;
    for (let t = 0; t < taskCount; t++) {
      if (this.plannable[t] === 1) longest = Math.max(longest, this.tailMs[t]);
    }
    this.lowerBoundMs = Math.max(longest, power > 0 ? work / power : 0);
  }

  /** Whether a worker can execute a task. */
  canRun(task: number, worker: number): boolean {
    const { cpus, workerCpus, allowed } = this.problem;
    return cpus[task] <= workerCpus[worker] && (allowed === undefined || allowed(task, worker));
  }

  durationAt(task: number, worker: number): number {
    return this.problem.runningAt[task] >= 0
      ? this.durationMs[task]
      : this.durationMs[task] / this.speed[worker];
  }

  /**
   * Longest path from the start of each task to the end (the upward rank of HEFT), an edge
   * counted as `transferWeight` times what its object takes through an idle network.
   */
  upwardRank(transferWeight: number, speed = 1): Float64Array {
    const { taskCount, users, userStart, outputs, outputStart, durationMs, problem } = this;
    const rank = new Float64Array(taskCount);
    const perByte = transferWeight * this.msPerByte;
    for (let place = this.order.length - 1; place >= 0; place--) {
      const t = this.order[place];
      let after = 0;
      for (let i = outputStart[t]; i < outputStart[t + 1]; i++) {
        const object = outputs[i];
        const transfer = perByte * this.objectBytes[object];
        for (let k = userStart[object]; k < userStart[object + 1]; k++) {
          if (this.plannable[users[k]] === 0) continue;
          after = Math.max(after, transfer + rank[users[k]]);
        }
      }
      rank[t] = after + durationMs[t] / (problem.runningAt[t] >= 0 ? 1 : speed);
    }
    return rank;
  }

  /** Longest path from the beginning to the end of each task. */
  downwardRank(transferWeight: number): Float64Array {
    const { taskCount, inputs, inputStart, durationMs, problem } = this;
    const rank = new Float64Array(taskCount);
    const perByte = transferWeight * this.msPerByte;
    for (const t of this.order) {
      let before = 0;
      for (let i = inputStart[t]; i < inputStart[t + 1]; i++) {
        const producer = problem.objectProducer[inputs[i]];
        const made = producer < 0 ? 0 : rank[producer];
        before = Math.max(before, made + perByte * this.objectBytes[inputs[i]]);
      }
      rank[t] = before + durationMs[t];
    }
    return rank;
  }

  /** Longest path that leads through each task: large means little slack. */
  longestPaths(transferWeight: number): Float64Array {
    const before = this.downwardRank(transferWeight);
    const after = this.upwardRank(transferWeight);
    return before.map((lengthMs, t) => lengthMs + after[t]);
  }

  /** Kahn's algorithm. The task numbers need no order of their own. */
  private topologicalOrder(): [order: Uint32Array, place: Uint32Array] {
    const { taskCount, inputs, inputStart, outputs, outputStart, users, userStart, problem } = this;
    const order = new Uint32Array(taskCount);
    const place = new Uint32Array(taskCount);
    const unmade = new Uint32Array(taskCount);
    let end = 0;
    for (let t = 0; t < taskCount; t++) {
      for (let i = inputStart[t]; i < inputStart[t + 1]; i++) {
        if (problem.objectProducer[inputs[i]] >= 0) unmade[t]++;
      }
      if (unmade[t] === 0) order[end++] = t;
    }
    for (let next = 0; next < end; next++) {
      const t = order[next];
      place[t] = next;
      for (let i = outputStart[t]; i < outputStart[t + 1]; i++) {
        for (let k = userStart[outputs[i]]; k < userStart[outputs[i] + 1]; k++) {
          if (--unmade[users[k]] === 0) order[end++] = users[k];
        }
      }
    }
    return [order.subarray(0, end), place];
  }

  private findPlannable(): Uint8Array {
    const { taskCount, workerCount, problem, inputStart, inputs } = this;
    const plannable = new Uint8Array(taskCount);
    for (const t of this.order) {
      if (problem.runningAt[t] >= 0) {
        plannable[t] = 1;
        continue;
      }
      let possible = false;
      for (let w = 0; w < workerCount && !possible; w++) possible = this.canRun(t, w);
      for (let i = inputStart[t]; i < inputStart[t + 1] && possible; i++) {
        const producer = problem.objectProducer[inputs[i]];
        possible = producer < 0 || plannable[producer] === 1;
      }
      plannable[t] = possible ? 1 : 0;
    }
    return plannable;
  }
}

/** Estimates come from outside: what is no amount counts as nothing. */
function amount(value: number): number {
  return value > 0 && Number.isFinite(value) ? value : 0;
}

/** Numbers 0..count-1 by their group (compressed rows, ascending); those in group -1 are left out. */
function grouped(
  groups: number,
  groupOf: ArrayLike<number>,
  count: number,
): [start: Uint32Array, members: Uint32Array] {
  const start = new Uint32Array(groups + 1);
  let kept = 0;
  for (let i = 0; i < count; i++) {
    if (groupOf[i] < 0) continue;
    start[groupOf[i] + 1]++;
    kept++;
  }
  for (let g = 0; g < groups; g++) start[g + 1] += start[g];
  const members = new Uint32Array(kept);
  const next = start.slice();
  for (let i = 0; i < count; i++) if (groupOf[i] >= 0) members[next[groupOf[i]]++] = i;
  return [start, members];
}
