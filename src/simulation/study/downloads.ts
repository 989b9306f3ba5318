/**
 * Where objects are, and who downloads what: requests, their queues and the limits per worker
 * and source. Objects come from the worker that made them, once to each worker, and stay.
 * Called by study-simulation.ts; the rates are the network's business (max-min-network.ts).
 */
import { DownloadQueue, WaitingDownloads } from "./download-queue.js";
import type { MaxMinNetwork } from "./max-min-network.js";

/** States of a copy (object, worker); a positive number is a waiting download. */
const ABSENT = 0;
const HERE = -1;
const RUNNING = -2;

export interface DownloadLimits {
  /** Running downloads per worker. */
  readonly maxDownloads: number;
  /** Of these, from one source. */
  readonly maxDownloadsPerSource: number;
}

export class Downloads {
  /** Sum of the sizes of all downloads that have started. */
  transferBytes = 0;
  /** The worker that made the object; -1: it does not exist yet. */
  readonly source: Int16Array;
  private readonly copies: Int32Array;
  private readonly waiting = new WaitingDownloads();
  private readonly queues: (DownloadQueue | undefined)[];
  /** By destination * workerCount + source. */
  private readonly runningFrom: Uint8Array;
  private readonly running: Uint8Array;
  private readonly waitingAt: Uint32Array;

  constructor(
    private readonly workerCount: number,
    private readonly objectBytes: Float64Array,
    private readonly network: MaxMinNetwork,
    private readonly limits: DownloadLimits,
  ) {
    this.source = new Int16Array(objectBytes.length).fill(-1);
    this.copies = new Int32Array(objectBytes.length * workerCount);
    this.queues = new Array(workerCount * workerCount);
    this.runningFrom = new Uint8Array(workerCount * workerCount);
    this.running = new Uint8Array(workerCount);
    this.waitingAt = new Uint32Array(workerCount);
  }

  exists(object: number): boolean {
    return this.source[object] >= 0;
  }

  isHere(object: number, worker: number): boolean {
    return this.copies[object * this.workerCount + worker] === HERE;
  }

  /** A task has made the object at this worker. */
  made(object: number, worker: number): void {
    this.source[object] = worker;
    this.copies[object * this.workerCount + worker] = HERE;
  }

  /**
   * The worker wants the existing object, which it does not have; of several requests the highest
   * priority counts. True: it has no size and is here at once.
   */
  request(object: number, worker: number, priority: number, prefetched: boolean): boolean {
    const { waiting, workerCount } = this;
    const copy = object * workerCount + worker;
    if (this.objectBytes[object] === 0) {
      this.copies[copy] = HERE;
      return true;
    }
    let number = this.copies[copy];
    if (number === RUNNING) return false;
    if (number === ABSENT) {
      number = waiting.add(object, priority);
      this.copies[copy] = number;
      this.queueOf(object, worker).add(number);
      this.waitingAt[worker]++;
    } else if (priority > waiting.priority[number]) {
      waiting.priority[number] = priority;
      this.queueOf(object, worker).raised(number);
    }
    if (prefetched) waiting.prefetched[number] = 1;
    return false;
  }

  /** No task at the worker needs the object any more: a download that waits, and is no prefetch, goes. */
  unwanted(object: number, worker: number): void {
    const copy = object * this.workerCount + worker;
    const number = this.copies[copy];
    if (number <= 0 || this.waiting.prefetched[number]) return;
    this.queueOf(object, worker).remove(number);
    this.waiting.remove(number);
    this.waitingAt[worker]--;
    this.copies[copy] = ABSENT;
  }

  /** Starts waiting downloads to the worker as far as the limits allow. */
  startWaiting(worker: number, nowS: number): void {
    const { waiting, workerCount, queues, runningFrom, running } = this;
    const { maxDownloads, maxDownloadsPerSource } = this.limits;
    const first = worker * workerCount;
    while (this.waitingAt[worker] > 0 && running[worker] < maxDownloads) {
      let best: DownloadQueue | undefined;
      for (let source = 0; source < workerCount; source++) {
        const queue = queues[first + source];
        if (queue === undefined || queue.length === 0) continue;
        if (runningFrom[first + source] >= maxDownloadsPerSource) continue;
        if (best === undefined || waiting.isBefore(queue.first, best.first)) best = queue;
      }
      if (best === undefined) return;
      const number = best.first;
      best.removeFirst();
      this.waitingAt[worker]--;
      this.begin(waiting.object[number], worker, nowS);
      waiting.remove(number);
    }
  }

  /** The network has ended the download. */
  ended(object: number, worker: number): void {
    this.copies[object * this.workerCount + worker] = HERE;
    this.running[worker]--;
    this.runningFrom[worker * this.workerCount + this.source[object]]--;
  }

  private begin(object: number, worker: number, nowS: number): void {
    const source = this.source[object];
    const bytes = this.objectBytes[object];
    this.copies[object * this.workerCount + worker] = RUNNING;
    this.running[worker]++;
    this.runningFrom[worker * this.workerCount + source]++;
    this.transferBytes += bytes;
    this.network.start(object, source, worker, bytes, nowS);
  }

  private queueOf(object: number, worker: number): DownloadQueue {
    const index = worker * this.workerCount + this.source[object];
    let queue = this.queues[index];
    if (queue === undefined) {
      queue = new DownloadQueue(this.waiting);
      this.queues[index] = queue;
    }
    return queue;
  }
}
