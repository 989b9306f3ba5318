/**
 * Where objects are, and the downloads that bring them elsewhere: each worker asks for what its
 * tasks need as soon as it exists, from the worker that made it, at most `maxDownloads` at once
 * and `maxDownloadsPerSource` from one source; what waits goes by the priority of the task that
 * needs it. Owns: copies and the order of downloads. Does not own: rates (FairNetwork). Called by
 * the evaluator.
 *
 * States of a copy: WAITING -> RUNNING -> (latency) ARRIVING -> LOCAL.
 */
import { EqualShareNetwork } from "./equal-share-network.js";
import { FairNetwork } from "./fair-network.js";
import { OrderedList } from "./ordered-list.js";
import { TimeHeap } from "./time-heap.js";
import type { Workload } from "./workload.js";

const WAITING = 0;
const RUNNING = 1;
const LOCAL = 2;

/** More downloads at once than this share the network so finely that the order says nothing. */
const MOST_DOWNLOADS = 64;

/**
 * Of the inputs of one task those go first that were made last: the others have been asked for
 * earlier, and at equal priority would go first. Less than what priorities of tasks differ by.
 */
const LAST_INPUT_FIRST = 100_000;

/** Workers for which fair rates are computed. */
const MOST_FOR_FAIR = 64;

/** Objects not there yet, made, and taken to be everywhere. */
const UNMADE = 0;
const MADE = 1;
const EVERYWHERE = 2;

export class Copies {
  /** When the next download ends; Infinity: none runs. */
  nextMs = Number.POSITIVE_INFINITY;
  /** Bytes that each worker has asked for and that have not come. */
  readonly incomingBytes: Float64Array;
  /** Bytes that are still to be fetched from each worker. */
  readonly outgoingBytes: Float64Array;

  private events = 0;
  private worker: Int32Array = new Int32Array(0);
  private priority: Float64Array = new Float64Array(0);
  private count = 0;
  private readonly state: Uint8Array;
  /** Copies of an object form a list. */
  private readonly first: Int32Array;
  private readonly next: Int32Array;
  private readonly objectOf: Int32Array;
  private readonly target: Int32Array;
  private readonly source: Int32Array;
  private readonly copyState: Uint8Array;
  private readonly copyPriority: Float64Array;
  /** Inputs of tasks that wait for a copy form a list. */
  private readonly firstWaiter: Int32Array;
  private readonly lastWaiter: Int32Array;
  private readonly nextWaiter: Int32Array;

  private readonly waiting: OrderedList[];
  private readonly maxDownloads: number;
  private readonly maxPerSource: number;
  /** Sources of the downloads that run, by receiver. */
  private readonly sources: Int32Array;
  private readonly receiving: Int32Array;
  /** Receivers that may have downloads to start. */
  private readonly open: Int32Array;
  private readonly isOpen: Uint8Array;
  private openCount = 0;
  private readonly network: FairNetwork | EqualShareNetwork;
  private readonly arrivals: TimeHeap;
  private readonly latencyMs: number;
  private readonly ended: number[] = [];

  constructor(
    private readonly load: Workload,
    private readonly inputIsLocal: (task: number, object: number) => void,
    fair: boolean,
  ) {
    const { objectCount, workerCount, problem } = load;
    const { latencyMs, maxDownloads, maxDownloadsPerSource } = problem.network;
    const most = load.inputs.length + objectCount + problem.holders.length;
    this.incomingBytes = new Float64Array(workerCount);
    this.outgoingBytes = new Float64Array(workerCount);
    this.state = new Uint8Array(objectCount);
    this.first = new Int32Array(objectCount);
    this.next = new Int32Array(most);
    this.objectOf = new Int32Array(most);
    this.target = new Int32Array(most);
    this.source = new Int32Array(most);
    this.copyState = new Uint8Array(most);
    this.copyPriority = new Float64Array(most);
    this.firstWaiter = new Int32Array(most);
    this.lastWaiter = new Int32Array(most);
    this.nextWaiter = new Int32Array(load.inputs.length);
    this.waiting = Array.from({ length: workerCount }, () => new OrderedList());
    this.maxDownloads = atLeastOne(maxDownloads);
    this.maxPerSource = atLeastOne(maxDownloadsPerSource);
    this.sources = new Int32Array(workerCount * this.maxDownloads);
    this.receiving = new Int32Array(workerCount);
    this.open = new Int32Array(workerCount);
    this.isOpen = new Uint8Array(workerCount);
    const Network = fair && workerCount <= MOST_FOR_FAIR ? FairNetwork : EqualShareNetwork;
    this.network = new Network(workerCount, 1 / load.msPerByte, most);
    this.arrivals = new TimeHeap(workerCount * this.maxDownloads);
    this.latencyMs = latencyMs > 0 && Number.isFinite(latencyMs) ? latencyMs : 0;
  }

  get work(): number {
    return this.events + this.network.work / 8;
  }

  reset(worker: Int32Array, priority: Float64Array): void {
    this.worker = worker;
    this.priority = priority;
    this.count = 0;
    this.nextMs = Number.POSITIVE_INFINITY;
    this.first.fill(-1);
    this.state.fill(UNMADE);
    this.incomingBytes.fill(0);
    this.outgoingBytes.fill(0);
    this.receiving.fill(0);
    this.isOpen.fill(0);
    this.openCount = 0;
    for (const list of this.waiting) list.clear();
    this.network.reset();
    this.arrivals.clear();
  }

  /** An object that was there before: its holders have it. */
  addExisting(object: number): void {
    const { holderStart, holders } = this.load.problem;
    this.state[object] = EVERYWHERE;
    for (let i = holderStart[object]; i < holderStart[object + 1]; i++) {
      if (holders[i] < this.load.workerCount) this.addMade(object, holders[i]);
    }
  }

  /** A worker has made an object. */
  addMade(object: number, worker: number): void {
    this.state[object] = MADE;
    this.copyState[this.add(object, worker)] = LOCAL;
  }

  /**
   * A task with a worker needs an object; nothing happens while the object is not made.
   *
   * @param complete all inputs of the task exist
   */
  want(input: number, object: number, task: number, complete: boolean): void {
    const state = this.state[object];
    if (state === UNMADE) return;
    const worker = this.worker[task];
    let copy = state === EVERYWHERE ? -1 : this.find(object, worker);
    const bytes = this.load.objectBytes[object];
    const free = this.latencyMs === 0 && bytes * this.load.msPerByte === 0;
    if (state === EVERYWHERE || (copy < 0 ? free : this.copyState[copy] === LOCAL)) {
      this.inputIsLocal(task, object);
      return;
    }
    const priority = this.priority[task] + (complete ? LAST_INPUT_FIRST : 0);
    if (copy < 0) {
      const source = this.chooseSource(object);
      copy = this.add(object, worker);
      this.copyState[copy] = WAITING;
      this.copyPriority[copy] = priority;
      this.firstWaiter[copy] = -1;
      this.source[copy] = source;
      this.incomingBytes[worker] += bytes;
      this.outgoingBytes[source] += bytes;
      this.waiting[worker].add(copy, priority);
      this.reopen(worker);
    } else if (this.copyState[copy] === WAITING && priority > this.copyPriority[copy]) {
      const list = this.waiting[worker];
      list.removeAt(list.items.indexOf(copy));
      list.add(copy, priority);
      this.copyPriority[copy] = priority;
    }
    this.nextWaiter[input] = -1;
    if (this.firstWaiter[copy] < 0) this.firstWaiter[copy] = input;
    else this.nextWaiter[this.lastWaiter[copy]] = input;
    this.lastWaiter[copy] = input;
  }

  /** Downloads that end now: their objects are local. */
  finish(nowMs: number): void {
    const { network, arrivals, ended } = this;
    if (network.nextEndMs <= nowMs) {
      network.finish(ended);
      for (let i = 0; i < ended.length; i++) {
        if (this.latencyMs === 0) this.arrived(ended[i]);
        else arrivals.push(nowMs + this.latencyMs, ended[i]);
      }
    }
    while (arrivals.firstMs <= nowMs && arrivals.size > 0) this.arrived(arrivals.pop());
  }

  /** All events of an instant are done: starts downloads, and finds when the next one ends. */
  settle(nowMs: number): void {
    for (let i = 0; i < this.openCount; i++) {
      this.isOpen[this.open[i]] = 0;
      this.startDownloads(this.open[i], nowMs);
    }
    this.openCount = 0;
    this.network.settle(nowMs);
    this.nextMs = Math.min(this.network.nextEndMs, this.arrivals.firstMs);
  }

  /** Bytes of a task's inputs, by worker, that are there or coming: added to `bytes`. */
  addLocalBytes(task: number, bytes: Float64Array): number {
    const { inputs, inputStart, objectBytes } = this.load;
    let total = 0;
    for (let i = inputStart[task]; i < inputStart[task + 1]; i++) {
      const object = inputs[i];
      if (this.state[object] === EVERYWHERE) continue;
      const size = objectBytes[object];
      total += size;
      for (let copy = this.first[object]; copy >= 0; copy = this.next[copy]) {
        bytes[this.target[copy]] += size;
        this.events += 0.25;
      }
    }
    return total;
  }

  private arrived(copy: number): void {
    this.events++;
    const object = this.objectOf[copy];
    const worker = this.target[copy];
    this.copyState[copy] = LOCAL;
    this.incomingBytes[worker] -= this.load.objectBytes[object];
    this.outgoingBytes[this.source[copy]] -= this.load.objectBytes[object];
    const base = worker * this.maxDownloads;
    const count = --this.receiving[worker];
    let slot = base;
    while (this.sources[slot] !== this.source[copy]) slot++;
    this.sources[slot] = this.sources[base + count];
    this.reopen(worker);
    const { taskOfInput } = this.load;
    for (let input = this.firstWaiter[copy]; input >= 0; input = this.nextWaiter[input]) {
      this.inputIsLocal(taskOfInput[input], object);
    }
  }

  private startDownloads(worker: number, nowMs: number): void {
    const list = this.waiting[worker];
    const base = worker * this.maxDownloads;
    for (let i = 0; i < list.size && this.receiving[worker] < this.maxDownloads; ) {
      const copy = list.items[i];
      const source = this.source[copy];
      const end = base + this.receiving[worker];
      let same = 0;
      for (let slot = base; slot < end; slot++) if (this.sources[slot] === source) same++;
      if (same >= this.maxPerSource) {
        i++;
        continue;
      }
      list.removeAt(i);
      this.events++;
      this.sources[end] = source;
      this.receiving[worker]++;
      this.copyState[copy] = RUNNING;
      const bytes = this.load.objectBytes[this.objectOf[copy]];
      if (bytes * this.load.msPerByte > 0) {
        this.network.begin(copy, source, worker, bytes, nowMs);
      } else {
        this.arrivals.push(nowMs + this.latencyMs, copy);
      }
    }
  }

  private reopen(worker: number): void {
    if (this.isOpen[worker] === 1) return;
    this.isOpen[worker] = 1;
    this.open[this.openCount++] = worker;
  }

  /** Of several holders the one that is asked for least. What is only on its way is no source. */
  private chooseSource(object: number): number {
    let best = -1;
    for (let copy = this.first[object]; copy >= 0; copy = this.next[copy]) {
      if (this.source[copy] >= 0) continue;
      const holder = this.target[copy];
      if (best < 0 || this.outgoingBytes[holder] < this.outgoingBytes[best]) best = holder;
    }
    return best;
  }

  private find(object: number, worker: number): number {
    let copy = this.first[object];
    while (copy >= 0 && this.target[copy] !== worker) copy = this.next[copy];
    return copy;
  }

  private add(object: number, worker: number): number {
    const copy = this.count++;
    this.objectOf[copy] = object;
    this.target[copy] = worker;
    this.source[copy] = -1;
    this.next[copy] = this.first[object];
    this.first[object] = copy;
    return copy;
  }
}

function atLeastOne(limit: number): number {
  return limit >= 1 ? Math.min(Math.floor(limit), MOST_DOWNLOADS) : 1;
}
