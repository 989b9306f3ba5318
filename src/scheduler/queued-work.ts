/**
 * How much work the tasks are that a worker was sent. What has been learned of execution times since counts for
 * them too: so cores are counted by class, and only declared times are added up. Part of WorkerLoad.
 */
import type { TaskClass } from "./task-class.js";

export class QueuedWork {
  private readonly cpus = new Map<TaskClass, number>();
  private declaredMs = 0;

  /** Tasks of the class want so many cores more; negative: less. */
  add(taskClass: TaskClass, cpus: number): void {
    const sum = (this.cpus.get(taskClass) ?? 0) + cpus;
    if (sum === 0) this.cpus.delete(taskClass);
    else this.cpus.set(taskClass, sum);
  }

  /** The same for a task of which the time is declared, in core-milliseconds. */
  addDeclared(cpuMs: number): void {
    this.declaredMs += cpuMs;
  }

  /**
   * Estimated core-milliseconds of all. Tasks that run count in what a class is thought to take: the
   * long ones are those that fill the workers while the mean knows of the short ones only.
   */
  sumMs(nowMs: number): number {
    // Sums of doubles are a little off.
    let ms = Math.max(0, this.declaredMs);
    for (const [taskClass, cpus] of this.cpus) {
      ms += cpus * (taskClass.durations.expectedMs(nowMs) ?? taskClass.durationMs);
    }
    return ms;
  }
}
