/**
 * The cores that tasks may hold, numbered from 0: the outside pins programs by these numbers.
 * Owns which task holds which. Called by the worker's core.
 */
import type { WorkerTask } from "./worker-task.js";

export class CoreSlots {
  /** By number; undefined = free. A task is in it exactly as often as its `cores` say. */
  readonly holders: (WorkerTask | undefined)[];
  private freeCount: number;

  constructor(count: number) {
    this.holders = new Array(count).fill(undefined);
    this.freeCount = count;
  }

  get count(): number {
    return this.holders.length;
  }

  get free(): number {
    return this.freeCount;
  }

  /** Gives the task as many cores as it asks for, the lowest; that many must be free. */
  take(task: WorkerTask): void {
    const cores: number[] = [];
    for (let i = 0; cores.length < task.cpus; i++) {
      if (this.holders[i] !== undefined) continue;
      this.holders[i] = task;
      cores.push(i);
    }
    task.cores = cores;
    this.freeCount -= cores.length;
  }

  /** Takes the task's cores back, if it holds any. */
  release(task: WorkerTask): void {
    const { cores } = task;
    if (cores.length === 0) return;
    for (const core of cores) this.holders[core] = undefined;
    this.freeCount += cores.length;
    task.releaseCores();
  }
}
