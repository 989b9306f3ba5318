/**
 * How much work the tasks are that a worker was sent. What has been learned of execution times since counts for
 * them too: so cores are counted by class, and only declared times are added up. Part of WorkerLoad.
 */
import type { TaskClass } from "./task-class.js";

export class QueuedWork {
  private readonly cpus = new Map<TaskClass, number>();
  private declaredMs = 0;
  /** What sumMs() found in that pass, and what was added since; NaN: nothing. */
  private summedMs = Number.NaN;
  private summedPass = 0;
  private summedAtMs = 0;

  /** Tasks of the class want so many cores more; negative: less. */
  add(taskClass: TaskClass, cpus: number): void {
    const sum = (this.cpus.get(taskClass) ?? 0) + cpus;
    if (sum === 0) this.cpus.delete(taskClass);
    else this.cpus.set(taskClass, sum);
    // There may be thousands of classes: what is sent in one pass is not summed up anew each time.
    this.summedMs += cpus * this.expectedMs(taskClass, this.summedAtMs);
  }

  /** The same for a task of which the time is declared, in core-milliseconds. */
  addDeclared(cpuMs: number): void {
    this.declaredMs += cpuMs;
    this.summedMs = Number.NaN;
  }

  /**
   * Estimated core-milliseconds of all. Tasks that run count in what a class is thought to take: the
   * long ones are those that fill the workers while the mean knows of the short ones only.
   * @param pass number of the scheduling pass, in which estimates do not change; 0: outside of any
   */
  sumMs(nowMs: number, pass = 0): number {
    if (pass > 0 && pass === this.summedPass && this.summedMs >= 0) return this.summedMs;
    // Sums of doubles are a little off.
    let ms = Math.max(0, this.declaredMs);
    for (const [taskClass, cpus] of this.cpus) {
      ms += cpus * this.expectedMs(taskClass, nowMs);
    }
    this.summedMs = ms;
    this.summedPass = pass;
    this.summedAtMs = nowMs;
    return ms;
  }

  private expectedMs({ durations, durationMs }: TaskClass, nowMs: number): number {
    return durations.expectedMs(nowMs) ?? durationMs;
  }
}
