/**
 * The study's model as events on virtual time: tasks end, downloads end, answers of the scheduler
 * apply, decisions are made. Owns the order of what happens at one instant. The parts: downloads.ts
 * and max-min-network.ts (data), prepared-tasks.ts (start of tasks). Called by simulateStudy().
 *
 * One instant: tasks end, downloads end, an answer applies; each of these may make tasks prepared.
 * Then workers start tasks, the scheduler may decide (with schedulingS = 0 its answer applies at
 * once, and workers look again), and at last downloads start and the network finds its rates.
 */
import { LoomError } from "../../base/index.js";
import type { TaskGraph } from "../graph-file.js";
import { DecisionCycle } from "./decision-cycle.js";
import { Downloads } from "./downloads.js";
import { MaxMinNetwork } from "./max-min-network.js";
import { PreparedTasks } from "./prepared-tasks.js";
import type { StudyCluster, StudyReport } from "./study-model.js";
import type { StudyAnswer, StudyScheduler } from "./study-scheduler.js";
import { TaskEndQueue } from "./task-end-queue.js";

/** Added to the priority of downloads for tasks whose inputs all exist. */
const ALL_INPUTS_EXIST = 100_000;
const NEVER = Number.POSITIVE_INFINITY;

export class StudySimulation {
  private readonly worker: Int16Array;
  private readonly startS: Float64Array;
  private readonly endS: Float64Array;
  private readonly priority: Float64Array;
  private readonly blocking: Float64Array;
  /** Inputs that do not exist yet. */
  private readonly unmade: Uint32Array;
  /** Assigned tasks: inputs that are not at the worker. */
  private readonly missing: Uint32Array;
  private readonly network: MaxMinNetwork;
  private readonly downloads: Downloads;
  private readonly prepared: PreparedTasks;
  private readonly ends: TaskEndQueue;
  /** Prefetches of objects that do not exist yet. */
  private readonly prefetches = new Map<number, { worker: number; priority: number }[]>();

  private nowS = 0;
  private finishedTasks = 0;
  /** An answer has applied after the end of the last task. */
  private seenAll = false;
  private readonly cycle: DecisionCycle;
  /** Workers at which something may start. */
  private readonly touched: number[] = [];
  private readonly isTouched: Uint8Array;

  constructor(
    private readonly graph: TaskGraph,
    private readonly cluster: Required<StudyCluster>,
    scheduler: StudyScheduler,
  ) {
    this.cycle = new DecisionCycle(scheduler, cluster);
    const { taskCount, inputStart } = graph;
    const { workerCount, cores, bandwidthMiB, maxDownloads } = cluster;
    this.worker = new Int16Array(taskCount).fill(-1);
    this.startS = new Float64Array(taskCount).fill(Number.NaN);
    this.endS = new Float64Array(taskCount).fill(Number.NaN);
    this.priority = new Float64Array(taskCount);
    this.blocking = new Float64Array(taskCount);
    this.unmade = new Uint32Array(taskCount);
    this.missing = new Uint32Array(taskCount);
    for (let task = 0; task < taskCount; task++) {
      this.unmade[task] = inputStart[task + 1] - inputStart[task];
    }
    this.isTouched = new Uint8Array(workerCount);
    this.network = new MaxMinNetwork(workerCount, bandwidthMiB, maxDownloads);
    this.downloads = new Downloads(workerCount, graph.objectBytes, this.network, cluster);
    this.prepared = new PreparedTasks(
      workerCount,
      cores,
      graph.cpus,
      this.priority,
      this.blocking,
      (task) => this.start(task),
    );
    this.ends = new TaskEndQueue(this.endS);
  }

  run(): StudyReport {
    const { ends, network, cycle } = this;
    while (!this.seenAll) {
      this.nowS = Math.min(ends.nextEndS, network.nextEndS, cycle.nextS);
      if (this.nowS === NEVER || cycle.isIdling) throw this.stuck();
      while (ends.nextEndS === this.nowS) this.end(ends.take());
      if (network.nextEndS <= this.nowS) this.endDownloads();
      if (cycle.isAnswerDue(this.nowS)) this.apply();
      this.startTasks();
      if (cycle.isDecisionDue(this.nowS)) this.decide();
      this.startDownloads();
    }
    const { startS, endS, worker } = this;
    const { transferBytes } = this.downloads;
    const { decisions } = cycle;
    return { makespanS: this.nowS, startS, endS, worker, transferBytes, decisions };
  }

  // --- tasks -----------------------------------------------------------------------------

  private start(task: number): void {
    this.startS[task] = this.nowS;
    this.endS[task] = this.nowS + this.graph.durationS[task];
    this.ends.add(task);
    this.cycle.news.started.push(task);
  }

  /** The task's outputs exist: at once for its users at the same worker, to be fetched by others. */
  private end(task: number): void {
    const { outputStart, userStart, users } = this.graph;
    const at = this.worker[task];
    this.prepared.freeCoresOf(task, at);
    this.touch(at);
    this.finishedTasks++;
    this.cycle.news.finished.push(task);
    this.cycle.happened(this.nowS);
    const firstObject = outputStart[task];
    const endObject = outputStart[task + 1];
    for (let object = firstObject; object < endObject; object++) {
      this.downloads.made(object, at);
      for (let k = userStart[object]; k < userStart[object + 1]; k++) this.unmade[users[k]]--;
    }
    const cameHere: number[] = [];
    for (let object = firstObject; object < endObject; object++) {
      for (let k = userStart[object]; k < userStart[object + 1]; k++) {
        const user = users[k];
        const userAt = this.worker[user];
        if (userAt === at) {
          if (--this.missing[user] === 0) cameHere.push(user);
        } else if (userAt >= 0) this.request(object, user);
      }
      const wanted = this.prefetches.get(object);
      if (wanted === undefined) continue;
      this.prefetches.delete(object);
      for (const { worker, priority } of wanted) this.prefetchExisting(object, worker, priority);
    }
    for (const user of cameHere.sort((a, b) => a - b)) this.prepared.add(user, at);
  }

  private startTasks(): void {
    for (const worker of this.touched) this.prepared.startAt(worker);
  }

  // --- data ------------------------------------------------------------------------------

  /** The assigned user needs the object, which exists, at its worker. */
  private request(object: number, user: number): void {
    const at = this.worker[user];
    const ready = this.unmade[user] === 0 ? ALL_INPUTS_EXIST : 0;
    this.touch(at);
    if (this.downloads.request(object, at, this.priority[user] + ready, false)) {
      this.arrived(object, at);
    }
  }

  private prefetchExisting(object: number, worker: number, priority: number): void {
    if (this.downloads.isHere(object, worker)) return;
    this.touch(worker);
    if (this.downloads.request(object, worker, priority, true)) this.arrived(object, worker);
  }

  private endDownloads(): void {
    const { network, cycle } = this;
    network.advance(this.nowS);
    for (let i = 0; i < network.endedObjects.length; i++) {
      const object = network.endedObjects[i];
      const at = network.endedAt[i];
      this.downloads.ended(object, at);
      cycle.news.fetched.push(object);
      cycle.news.fetchedAt.push(at);
      cycle.happened(this.nowS);
      this.arrived(object, at);
    }
  }

  /** A copy of the object is at the worker now. */
  private arrived(object: number, at: number): void {
    const { userStart, users } = this.graph;
    this.touch(at);
    for (let k = userStart[object]; k < userStart[object + 1]; k++) {
      const user = users[k];
      if (this.worker[user] === at && --this.missing[user] === 0) this.prepared.add(user, at);
    }
  }

  private startDownloads(): void {
    for (const worker of this.touched) {
      this.downloads.startWaiting(worker, this.nowS);
      this.isTouched[worker] = 0;
    }
    this.touched.length = 0;
    this.network.settle();
  }

  private touch(worker: number): void {
    if (this.isTouched[worker]) return;
    this.isTouched[worker] = 1;
    this.touched.push(worker);
  }

  // --- decisions -------------------------------------------------------------------------

  private decide(): void {
    this.cycle.decide(this.nowS);
    if (!this.cycle.isAnswerDue(this.nowS)) return;
    this.apply();
    this.startTasks();
  }

  private apply(): void {
    if (this.finishedTasks === this.graph.taskCount) this.seenAll = true;
    this.cycle.apply(this.nowS, this.target);
  }

  private readonly target: StudyAnswer = {
    assign: (task, worker, priority, blocking) => {
      this.checkAssignment(task, worker);
      if (this.startS[task] >= 0) return;
      if (this.worker[task] >= 0) this.takeBack(task, worker);
      this.priority[task] = priority;
      this.blocking[task] = blocking;
      this.worker[task] = worker;
      this.touch(worker);
      const { inputStart, inputs } = this.graph;
      // Counted first: an input of size 0 arrives while they are requested.
      let missing = 0;
      for (let k = inputStart[task]; k < inputStart[task + 1]; k++) {
        if (!this.downloads.isHere(inputs[k], worker)) missing++;
      }
      this.missing[task] = missing;
      if (missing === 0) this.prepared.addAssigned(task, worker);
      for (let k = inputStart[task]; missing > 0 && k < inputStart[task + 1]; k++) {
        const object = inputs[k];
        if (this.downloads.exists(object) && !this.downloads.isHere(object, worker)) {
          this.request(object, task);
        }
      }
    },
    withdraw: (task) => {
      if (this.worker[task] < 0 || this.startS[task] >= 0) return;
      this.takeBack(task, -1);
      this.cycle.news.withdrawn.push(task);
    },
    prefetch: (object, worker, priority) => {
      if (this.downloads.exists(object)) this.prefetchExisting(object, worker, priority);
      else {
        const wanted = this.prefetches.get(object);
        if (wanted === undefined) this.prefetches.set(object, [{ worker, priority }]);
        else wanted.push({ worker, priority });
      }
    },
  };

  /** A task that has not started leaves its worker, and with it downloads that only it waited for. */
  private takeBack(task: number, nextWorker: number): void {
    const at = this.worker[task];
    if (this.missing[task] === 0) this.prepared.remove(task, at);
    this.worker[task] = -1;
    if (nextWorker === at) return;
    const { inputStart, inputs, userStart, users } = this.graph;
    for (let k = inputStart[task]; k < inputStart[task + 1]; k++) {
      const object = inputs[k];
      let wanted = false;
      for (let u = userStart[object]; !wanted && u < userStart[object + 1]; u++) {
        wanted = this.worker[users[u]] === at;
      }
      if (!wanted && this.downloads.exists(object)) this.downloads.unwanted(object, at);
    }
  }

  private checkAssignment(task: number, worker: number): void {
    const { cpus, taskIds } = this.graph;
    const { workerCount, cores } = this.cluster;
    if (!(worker >= 0 && worker < workerCount)) {
      throw new LoomError("internal", `task ${taskIds[task]} is assigned to worker ${worker}`);
    }
    if (cpus[task] <= cores) return;
    throw new LoomError(
      "usage",
      `task ${taskIds[task]} of graph ${this.graph.name} wants ${cpus[task]} cores, the workers have ${cores}; give them more`,
    );
  }

  private stuck(): LoomError {
    const task = this.endS.findIndex(Number.isNaN);
    const where =
      this.worker[task] < 0
        ? "is not assigned"
        : `waits at worker ${this.worker[task]} for ${this.missing[task]} inputs`;
    const left = this.graph.taskCount - this.finishedTasks;
    const why = this.cycle.isIdling
      ? "the scheduler takes tasks back and gives them again without end"
      : "nothing happens any more";
    return new LoomError(
      "internal",
      `graph ${this.graph.name}: ${why}, though ${left} tasks have not ended; task ${this.graph.taskIds[task]} ${where}`,
    );
  }
}
