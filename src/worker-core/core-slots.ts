/**
 * The cores that tasks may hold, numbered from 0: the outside pins programs by these numbers.
 * Owns which are held, and by how many tasks. Called by the worker's core.
 */
import type { WorkerTask } from "./worker-task.js";

/** Cores held by a task, or by several that are executed one after the other. */
export class CoreSet {
  /** Tasks that hold them. */
  tasks = 1;

  constructor(readonly numbers: readonly number[]) {}
}

export class CoreSlots {
  /** By number; undefined = free. */
  readonly holders: (CoreSet | undefined)[];
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
    const numbers: number[] = [];
    const set = new CoreSet(numbers);
    for (let i = 0; numbers.length < task.cpus; i++) {
      if (this.holders[i] !== undefined) continue;
      this.holders[i] = set;
      numbers.push(i);
    }
    task.coreSet = set;
    this.freeCount -= numbers.length;
  }

  /** Gives the task the cores that the other one holds, which asks for as many. */
  share(task: WorkerTask, set: CoreSet): void {
    set.tasks++;
    task.coreSet = set;
  }

  /** Takes the task's cores back, if it holds any; they are free when no other task holds them. */
  release(task: WorkerTask): void {
    const set = task.coreSet;
    if (set === undefined) return;
    task.coreSet = undefined;
    if (--set.tasks > 0) return;
    for (const core of set.numbers) this.holders[core] = undefined;
    this.freeCount += set.numbers.length;
  }
}
