/** When objects came to workers: a look-up over all transfers. Called by what explains waiting. */
import type { ViewData } from "../page/view-data.js";
import { firstAbove, sortedOrder } from "./sorted-order.js";

export class Arrivals {
  /** Task and worker of each transfer that came, as one number, ascending. */
  private readonly keys: Float64Array;
  private readonly transfer: Uint32Array;
  private readonly workers: number;

  constructor(private readonly data: ViewData) {
    const { transfers, workers } = data;
    this.workers = workers.length + 1;
    const keys = new Float64Array(transfers.count);
    for (let i = 0; i < transfers.count; i++) {
      keys[i] =
        transfers.came[i] === 1 ? this.keyOf(transfers.task[i], transfers.to[i]) : Number.NaN;
    }
    this.transfer = sortedOrder(keys);
    this.keys = new Float64Array(this.transfer.length);
    for (let i = 0; i < this.keys.length; i++) this.keys[i] = keys[this.transfer[i]];
  }

  /** The transfer that brought a task's result to a worker, the last one before a time; -1: none. */
  find(task: number, worker: number, beforeMs: number): number {
    if (this.keys.length === 0) return -1;
    const key = this.keyOf(task, worker);
    const { startMs } = this.data.transfers;
    let found = -1;
    let i = firstAbove(this.keys, key - 0.5, 0, this.keys.length);
    for (; i < this.keys.length && this.keys[i] === key; i++) {
      const transfer = this.transfer[i];
      if (startMs[transfer] >= beforeMs) continue;
      if (found === -1 || startMs[transfer] > startMs[found]) found = transfer;
    }
    return found;
  }

  /** The input of a task whose transfer to the task's worker ended last, as its transfer; -1: none was fetched. */
  findLastInput(task: number): number {
    if (this.keys.length === 0) return -1;
    const { tasks, transfers } = this.data;
    let last = -1;
    for (let e = tasks.inputStart[task]; e < tasks.inputStart[task + 1]; e++) {
      const transfer = this.find(tasks.inputs[e], tasks.worker[task], tasks.startedMs[task]);
      if (transfer === -1) continue;
      if (last === -1 || transfers.endMs[transfer] > transfers.endMs[last]) last = transfer;
    }
    return last;
  }

  private keyOf(task: number, worker: number): number {
    return task * this.workers + worker;
  }
}
