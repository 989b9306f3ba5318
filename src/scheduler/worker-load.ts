/**
 * What the scheduler knows of one worker: what it can run, what it has been sent, how fast it is,
 * and which tasks are meant for it but not sent yet.
 */
import { IntDeque } from "../base/index.js";
import type { WorkerResources } from "../graph/index.js";
import { LightWindow } from "./light-window.js";
import { QueuedWork } from "./queued-work.js";
import type { RequestVariant } from "./request-kind.js";
import { RowHeap } from "./row-heap.js";
import { TaskState } from "./task-state.js";
import type { TaskView } from "./task-view.js";
import type { WorkerHeap } from "./worker-heap.js";
import { WorkerMemory } from "./worker-memory.js";

/** Amounts are multiples of 1/10,000; sums of doubles are a little off. */
const ROUNDING = 1e-5;
/** Weight of the newest measurement in the moving average of its speed. */
const NEWEST = 0.1;

export class WorkerLoad {
  readonly light = new LightWindow();
  readonly memory: WorkerMemory;
  readonly cpus: number;
  /**
   * Cores wanted by the tasks that were sent, can start or run: may exceed `cpus`. Those that were sent ahead of
   * their inputs want none before these are there: they follow tasks that hold cores.
   */
  cpusAssigned = 0;
  /** Estimated work of those tasks. */
  readonly work = new QueuedWork();
  /** Number of all tasks with requests that were sent and have not finished. */
  heavyAssigned = 0;
  /** Number of those that can start, or run. */
  private startable = 0;
  /** Cores that the others will want. */
  private aheadCpus = 0;
  /** Cores of those that are being retracted. */
  cpusRetracting = 0;
  /** Tasks with a request that were sent, in that order; finished ones are removed lazily. */
  heavySent: number[] = [];
  /** One of them has finished since the last pass. */
  heavyFinished = false;
  /** Execution times here by those of the same classes in general: above 1, it is slow. */
  slowness = 1;
  /** Tasks meant for this worker: their inputs are here, or will be. */
  readonly localLight = new IntDeque();
  readonly localHeavy = new RowHeap();
  /** Tasks with requests whose unfinished inputs are all being made here: to be sent ahead, if there is room. */
  readonly ahead = new IntDeque();
  /** Count of rankings of which the keys in `localHeavy` are. */
  rankedAs = 0;
  /** Bytes of large objects on their way to it. */
  incomingBytes = 0;
  /** When one of them has come, or the first began; -1: since the last pass. */
  private incomingSinceMs = -1;
  /** The heaps that it is in, to be told when its load changes. */
  readonly heaps: WorkerHeap[] = [];
  /** In the scheduler's list of workers to look at in the next pass. */
  marked = false;
  /** Position in the scheduler's list of workers with room for light tasks; -1: not there. */
  openAt = -1;
  /** When a task with a request was last seen to finish, or the first one was sent. */
  private quietSinceMs = 0;
  private readonly offered: boolean[] = [];
  /** By resource number: what it has, and what was asked for by the tasks that were sent. */
  private readonly total: number[] = [];
  private readonly assigned: number[] = [];
  /** Those of them that are being retracted. */
  private readonly retracting: number[] = [];
  /** Tasks that were sent, by large variant. */
  private readonly largeAssigned = new Map<number, number>();
  /** Cores wanted by those that were sent as a plan wanted it, by row, and their sum. */
  private readonly planned = new Map<number, number>();
  private plannedCpus = 0;
  private readonly indices: (ReadonlySet<string> | undefined)[] = [];

  /**
   * @param resourceId number of a named resource
   * @param taskTypes symbol numbers of the task types it offers
   */
  constructor(
    readonly index: number,
    readonly resources: WorkerResources,
    resourceId: (name: string) => number,
    taskTypes: Iterable<number>,
  ) {
    this.cpus = resources.cpus;
    for (const type of taskTypes) this.offered[type] = true;
    const memory = resources.resources.find(({ name }) => name === "mem");
    this.memory = new WorkerMemory(memory?.amount ?? Number.POSITIVE_INFINITY);
    for (const { name, amount, indices } of resources.resources) {
      const id = resourceId(name);
      this.total[id] = amount;
      this.assigned[id] = 0;
      this.retracting[id] = 0;
      this.indices[id] = indices.length === 0 ? undefined : new Set(indices);
    }
  }

  /** Whether it can execute tasks of this type. */
  offers(taskType: number): boolean {
    return this.offered[taskType] === true;
  }

  /** Whether it has what the request asks for, be it free or not. */
  couldServe({ cpus, amounts, resourceIds }: RequestVariant): boolean {
    if (cpus > this.cpus) return false;
    for (let i = 0; i < resourceIds.length; i++) {
      const id = resourceIds[i];
      if (!(this.total[id] >= amounts[i].amount)) return false;
      const { indices } = amounts[i];
      if (indices.length > 0 && !indices.every((index) => this.indices[id]?.has(index))) {
        return false;
      }
    }
    return true;
  }

  /** Whether all that it asks for is free, or will be when `queued` times as much as there is has been used. */
  fits({ cpus, amounts, resourceIds }: RequestVariant, queued = 0): boolean {
    const cores = this.cpus * (1 + queued);
    if (cpus > 0 && this.cpusAssigned - this.plannedExcess + cpus > cores) return false;
    for (let i = 0; i < resourceIds.length; i++) {
      const id = resourceIds[i];
      const limit = this.total[id] * (1 + queued) + ROUNDING;
      if (!(this.assigned[id] + amounts[i].amount <= limit)) return false;
    }
    return true;
  }

  /** Whether a task with this large variant of a request was sent and is not finished. */
  hasAny({ id }: RequestVariant): boolean {
    return this.largeAssigned.has(id);
  }

  /** Whether more of a named resource that it asks for is wanted here than there is. */
  lacks({ resourceIds }: RequestVariant): boolean {
    for (const id of resourceIds) if (this.isShortOf(id)) return true;
    return false;
  }

  /** Whether more of anything is wanted here than there is: not all that was sent can be running. */
  get isOverbooked(): boolean {
    if (this.cpusAssigned - this.cpusRetracting > this.cpus) return true;
    for (let id = 0; id < this.total.length; id++) if (this.isShortOf(id)) return true;
    return false;
  }

  /** A task with this request is being retracted (1), or is not any more (-1). */
  retract({ cpus, amounts, resourceIds }: RequestVariant, sign: number): void {
    this.cpusRetracting += sign * cpus;
    for (let i = 0; i < resourceIds.length; i++) {
      this.retracting[resourceIds[i]] += sign * amounts[i].amount;
    }
  }

  /** How much of each amount of the request is asked for by the tasks that were sent, in its order. */
  takenOf({ resourceIds }: RequestVariant): number[] {
    return resourceIds.map((id) => this.assigned[id] ?? 0);
  }

  /** The share that is taken of what the request asks for; of the scarcest where there are several. */
  loadFor({ cpus, resourceIds }: RequestVariant): number {
    let most = cpus > 0 || resourceIds.length === 0 ? this.relative : 0;
    for (const id of resourceIds) most = Math.max(most, this.assigned[id] / this.total[id]);
    return most;
  }

  /** Tasks sent, in cores wanted per core that there is. */
  get relative(): number {
    return this.cpusAssigned / this.cpus;
  }

  get freeCpus(): number {
    return this.cpus - this.cpusAssigned;
  }

  /** Nothing that was sent is there any more. */
  get idle(): boolean {
    return this.heavyAssigned === 0 && this.light.assigned === 0;
  }

  /**
   * Whether it may begin a task that frees nothing, with a result of so many bytes. An idle worker
   * may always: what fills its memory may be needed by that very task's users.
   */
  mayAdd(bytes: number): boolean {
    return this.idle || this.memory.hasRoomFor(bytes);
  }

  /** A task was sent that can start, or the last input of one that was sent ahead is there. */
  take(variant: RequestVariant, nowMs: number): void {
    if (this.startable++ === 0) this.quietSinceMs = nowMs;
    this.cpusAssigned += variant.cpus;
    this.count(variant, 1);
  }

  /** The task is not there any more, or has lost an input. */
  giveBack(variant: RequestVariant): void {
    this.startable--;
    this.cpusAssigned -= variant.cpus;
    this.count(variant, -1);
  }

  /**
   * Cores wanted by planned tasks beyond what there is. All of a plan is sent at once, to start in its order:
   * it is not what others have to wait for.
   */
  get plannedExcess(): number {
    return Math.max(0, this.plannedCpus - this.cpus);
  }

  /** The task that is taken was sent because a plan wants it here. */
  takePlanned(row: number, { cpus }: RequestVariant): void {
    this.planned.set(row, cpus);
    this.plannedCpus += cpus;
  }

  /** The task is given back, be it one of those or not. */
  giveBackPlanned(row: number): void {
    this.plannedCpus -= this.planned.get(row) ?? 0;
    this.planned.delete(row);
  }

  /**
   * Whether one more such task may be sent ahead of its inputs, where `depth` times the cores may be wanted by
   * these. Named resources are too scarce to be promised.
   */
  fitsAhead({ cpus, amounts }: RequestVariant, depth: number): boolean {
    return amounts.length === 0 && this.aheadCpus + Math.max(1, cpus) <= this.cpus * depth;
  }

  /** A task was sent ahead of its inputs (`sign` 1), or is not ahead of them any more (-1). */
  countAhead({ cpus }: RequestVariant, sign: 1 | -1): void {
    this.aheadCpus += sign * Math.max(1, cpus);
  }

  /** Keeps `heavySent` within twice what is there. */
  forgetEnded({ state, worker }: TaskView): void {
    const { heavySent } = this;
    if (heavySent.length <= 64 || heavySent.length <= 2 * this.heavyAssigned) return;
    this.heavySent = heavySent.filter(
      (row) => state[row] === TaskState.assigned && worker[row] === this.index,
    );
  }

  /** A task took so long here, where `usualMs` are usual. */
  addDuration(ms: number, usualMs: number): void {
    const ratio = Math.min(100, Math.max(0.01, ms / usualMs));
    this.slowness += NEWEST * (ratio - this.slowness);
  }

  /** To be called once a pass in which something has happened here. */
  notePass(nowMs: number): void {
    if (this.heavyFinished) this.quietSinceMs = nowMs;
    this.heavyFinished = false;
    this.light.adapt(nowMs);
  }

  /** How long it has had tasks with requests without finishing one. */
  quietMs(nowMs: number): number {
    return this.startable === 0 ? 0 : nowMs - this.quietSinceMs;
  }

  /** So many bytes more are on their way to it; negative: less. */
  expectBytes(bytes: number): void {
    if (this.incomingBytes === 0) this.incomingSinceMs = -1;
    this.incomingBytes += bytes;
  }

  /** Something has come of it. */
  bytesCame(): void {
    this.incomingSinceMs = -1;
  }

  /** For how long nothing has come of what is on its way to it. */
  incomingQuietMs(nowMs: number): number {
    if (this.incomingSinceMs < 0) this.incomingSinceMs = nowMs;
    return nowMs - this.incomingSinceMs;
  }

  /** Tells the heaps that it is in. */
  loadChanged(): void {
    for (let i = 0; i < this.heaps.length; i++) this.heaps[i].update(this);
  }

  private isShortOf(id: number): boolean {
    return this.assigned[id] - this.retracting[id] > this.total[id] + ROUNDING;
  }

  private count({ id, large, amounts, resourceIds }: RequestVariant, sign: number): void {
    if (large) {
      // Ids are used again: of those that are not there nothing is kept.
      const there = (this.largeAssigned.get(id) ?? 0) + sign;
      if (there === 0) this.largeAssigned.delete(id);
      else this.largeAssigned.set(id, there);
    }
    for (let i = 0; i < resourceIds.length; i++) {
      this.assigned[resourceIds[i]] += sign * amounts[i].amount;
    }
    this.loadChanged();
  }
}
