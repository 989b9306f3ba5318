/**
 * The production scheduler in the study's model: a server core gets the graph as a plan, is told at
 * each decision what has happened, and its effects are the answer. The study's workers take
 * the place of worker processes and the network.
 *
 * An element of a result (graph-plan.ts) exists in the study as soon as its producer has ended: its
 * light task is done in the same decision in which it is assigned. Objects stay for ever, so drops
 * are ignored. A task given back goes to another worker at the decision after.
 */
import { LoomError } from "../../base/index.js";
import { ServerCore, type ServerOutbox } from "../../server-core/index.js";
import type { TaskGraph } from "../graph-file.js";
import { SYMBOLS } from "../wire-numbers.js";
import { type GraphPlan, graphPlan, type StudyInformation } from "./graph-plan.js";
import type { StudyCluster } from "./study-model.js";
import type { StudyAnswer, StudyNews, StudyScheduler } from "./study-scheduler.js";

const CLIENT = 1;
const BYTES_PER_MS = (1024 * 1024) / 1000;
const NOTHING = new Uint8Array(0);
/** The study adds 100,000 to the priority of some downloads: less than the least difference here. */
const PRIORITY_SCALE = 1e10;
/** Others may always pass a task that waits for cores. */
const NO_BLOCKING = Number.NEGATIVE_INFINITY;

export interface CoreSchedulerOptions {
  /** Default exact. */
  readonly information?: StudyInformation;
  /** Milliseconds of real time; without it `realMs` stays 0. */
  readonly clock?: () => number;
}

export class CoreScheduler implements StudyScheduler, ServerOutbox {
  /** Real time spent in the core. */
  realMs = 0;
  /** Effects so far. */
  assignments = 0;
  retractions = 0;
  prefetches = 0;

  private readonly core: ServerCore;
  private readonly plan: GraphPlan;
  /** The row of the plan's first task; they are consecutive. */
  private firstRow = 0;
  /** By id in the plan: the assignment as last made. */
  private readonly worker: Int32Array;
  private readonly attempt: Int32Array;
  /** By id: the attempt that the core wants back; 0: it wants no answer. */
  private readonly retracted: Int32Array;
  private readonly hasFinished: Uint8Array;
  /** Ids of light tasks that were assigned or are wanted back since the last pass. */
  private readonly elements: number[] = [];
  private answer: StudyAnswer | undefined;

  /** @throws LoomError `plan` when the core refuses the graph */
  constructor(
    private readonly graph: TaskGraph,
    private readonly cluster: StudyCluster,
    private readonly options: CoreSchedulerOptions = {},
  ) {
    this.plan = graphPlan(graph, options.information ?? "exact");
    const { taskCount } = this.plan.columns;
    this.worker = new Int32Array(taskCount).fill(-1);
    this.attempt = new Int32Array(taskCount);
    this.retracted = new Int32Array(taskCount);
    this.hasFinished = new Uint8Array(taskCount);
    this.core = new ServerCore(
      this,
      {
        isTaskType: (symbol) => symbol >= 0 && symbol < SYMBOLS,
        nameOf: (symbol) => `number ${symbol}`,
        findReasonNotOffered: () => undefined,
      },
      { maxLosses: 0 },
    );
    this.measured(() => this.begin());
  }

  decide(news: StudyNews, answer: StudyAnswer): void {
    this.measured(() => {
      this.answer = answer;
      this.tell(news);
      for (let more = true; more; ) {
        more = this.core.schedule(news.nowS * 1000) || this.elements.length > 0;
        for (const id of this.elements.splice(0)) this.carryOut(id);
      }
      this.answer = undefined;
    });
  }

  private begin(): void {
    const { core, cluster } = this;
    const types = Array.from({ length: SYMBOLS }, (_, i) => i);
    const { workerCount, cores, bandwidthMiB } = cluster;
    for (let worker = 0; worker < workerCount; worker++) {
      core.addWorker(worker, `worker ${worker}`, { cpus: cores, resources: [] }, types);
    }
    core.setNetwork({
      bytesPerMs: bandwidthMiB * BYTES_PER_MS,
      latencyMs: 0,
      maxDownloads: cluster.maxDownloads ?? 4,
      maxDownloadsPerSource: cluster.maxDownloadsPerSource ?? 2,
    });
    core.addClient(CLIENT, false);
    const refusal = core.submitPlan(CLIENT, this.plan.columns);
    if (refusal !== undefined) {
      throw new LoomError("plan", `graph ${this.graph.name}: ${refusal.message}`);
    }
  }

  /** What has happened, in the order in which workers would report it. */
  private tell(news: StudyNews): void {
    const { core, plan, graph } = this;
    for (const task of news.started) {
      const id = plan.idOfTask[task];
      core.taskStarted(this.worker[id], this.firstRow + id, this.attempt[id]);
    }
    for (const task of news.finished) {
      let bytes = 0;
      for (let k = graph.outputStart[task]; k < graph.outputStart[task + 1]; k++) {
        bytes += graph.objectBytes[k];
      }
      const id = plan.idOfTask[task];
      this.finished(id, bytes, graph.durationS[task] * 1e6);
      for (let k = graph.outputStart[task]; k < graph.outputStart[task + 1]; k++) {
        const element = plan.idOfObject[k];
        if (element !== id && element >= 0) this.carryOut(element);
      }
    }
    news.fetched.forEach((object, i) => {
      core.objectFetched(news.fetchedAt[i], this.firstRow + plan.idOfObject[object]);
    });
    for (const task of news.withdrawn) {
      const id = plan.idOfTask[task];
      const attempt = this.retracted[id];
      if (attempt > 0) core.taskRetracted(this.worker[id], this.firstRow + id, attempt);
    }
  }

  private finished(id: number, bytes: number, durationUs: number): void {
    this.hasFinished[id] = 1;
    const row = this.firstRow + id;
    const { worker, attempt } = this;
    this.core.taskFinished(worker[id], row, attempt[id], bytes, durationUs, NOTHING, 0, -1);
  }

  /**
   * A light task, wherever it is assigned: given back if it is wanted back, done if its producer has
   * ended. The object is at the producer's worker.
   */
  private carryOut(id: number): void {
    if (this.worker[id] < 0 || this.hasFinished[id]) return;
    const object = this.plan.objectOf[id];
    const producer = this.plan.idOfTask[this.graph.objectProducer[object]];
    if (this.hasFinished[producer]) {
      this.finished(id, this.graph.objectBytes[object], 0);
      if (this.worker[producer] !== this.worker[id]) {
        this.core.objectFetched(this.worker[producer], this.firstRow + id);
      }
    } else if (this.retracted[id] === this.attempt[id]) {
      this.core.taskRetracted(this.worker[id], this.firstRow + id, this.attempt[id]);
      this.worker[id] = -1;
    }
  }

  private measured(run: () => void): void {
    const { clock } = this.options;
    const startedMs = clock?.() ?? 0;
    run();
    this.realMs += (clock?.() ?? 0) - startedMs;
  }

  // --- effects of the core ---------------------------------------------------------------

  assignTask(worker: number, row: number): void {
    const { core, plan } = this;
    const id = core.taskIdOf(row);
    this.firstRow = row - id;
    this.worker[id] = worker;
    this.attempt[id] = core.table.attempt[row];
    const task = plan.taskOf[id];
    if (task >= 0) {
      this.assignments++;
      this.answer!.assign(task, worker, this.priorityOf(row), NO_BLOCKING);
    } else {
      this.elements.push(id);
    }
  }

  retractTask(_worker: number, row: number, attempt: number): void {
    this.retractions++;
    this.withdraw(row, attempt);
  }

  prefetchObject(worker: number, row: number, user: number): void {
    this.prefetches++;
    const object = this.plan.objectOf[row - this.firstRow];
    if (object >= 0) this.answer!.prefetch(object, worker, this.priorityOf(user));
  }

  cancelTask(_worker: number, row: number): void {
    this.withdraw(row, 0);
  }

  dropObject(): void {}
  ping(): void {}
  tellFinished(): void {}
  tellUnable(): void {}
  resultChanged(): void {}

  tellFailed(_client: number, { taskId, message }: { taskId: number; message: string }): void {
    throw new LoomError("internal", `the core says that task ${taskId} failed: ${message}`);
  }

  private withdraw(row: number, attempt: number): void {
    const id = row - this.firstRow;
    const task = this.plan.taskOf[id];
    this.retracted[id] = attempt;
    if (task >= 0) this.answer!.withdraw(task);
    else if (attempt > 0) this.elements.push(id);
    else this.worker[id] = -1;
  }

  private priorityOf(row: number): number {
    return this.core.priorityOf(row) * PRIORITY_SCALE;
  }
}
