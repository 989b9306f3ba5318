/**
 * Light tasks (no cores): those that are ready, and how many go on asynchronously. Owns the limit
 * of these: one for tasks that this process executes (asynchronous when they read files), another one
 * for those that other processes execute (functions), which may wait for anything: they must not hold back
 * the others. Called by the worker's core.
 */
import { LightQueue } from "./light-queue.js";
import type { WorkerTask } from "./worker-task.js";

/** So many of each sort may go on asynchronously at once; more wait meanwhile. */
export const MAX_ASYNC_LIGHT = 256;

export class LightTasks {
  private readonly here = new LightQueue();
  private readonly elsewhere = new LightQueue();
  /** Tasks that go on asynchronously, cancelled ones included. */
  private asyncHere = 0;
  private asyncElsewhere = 0;

  /** @param isElsewhere whether tasks of this type (a symbol's number) run in other processes */
  constructor(private readonly isElsewhere: (taskType: number) => boolean) {}

  /** Those that go on asynchronously. */
  get async(): number {
    return this.asyncHere + this.asyncElsewhere;
  }

  /** The task is ready. */
  push(task: WorkerTask): void {
    (this.isElsewhere(task.taskType) ? this.elsewhere : this.here).push(task);
  }

  /** Removes and returns the first task that is still ready and may start. */
  shift(): WorkerTask | undefined {
    const task = this.asyncHere < MAX_ASYNC_LIGHT ? this.here.shift() : undefined;
    if (task !== undefined || this.asyncElsewhere >= MAX_ASYNC_LIGHT) return task;
    return this.elsewhere.shift();
  }

  /** The task that was started goes on asynchronously. */
  goesOn(task: WorkerTask): void {
    task.countsAsync = true;
    if (this.isElsewhere(task.taskType)) this.asyncElsewhere++;
    else this.asyncHere++;
  }

  /** The task has ended. */
  ended(task: WorkerTask): void {
    if (!task.countsAsync) return;
    if (this.isElsewhere(task.taskType)) this.asyncElsewhere--;
    else this.asyncHere--;
  }

  /** All tasks that are ready. For checks. */
  tasks(): WorkerTask[] {
    return [...this.here.tasks(), ...this.elsewhere.tasks()];
  }

  /** Throws if the counts can't be. For tests. */
  check(): void {
    const { asyncHere, asyncElsewhere } = this;
    if (asyncHere < 0 || asyncElsewhere < 0) {
      throw new Error(`${asyncHere} and ${asyncElsewhere} asynchronous light tasks`);
    }
  }
}
