/**
 * Classes of tasks that are alike to the scheduler: the same cores, the same task type.
 * Each has its own queue of ready tasks, so that one that fits nowhere blocks no other.
 */
import { IntDeque } from "../base/index.js";

/** Assumed for a class of which nothing is known yet. */
const UNKNOWN_HEAVY_MS = 50;

export class TaskClass {
  /** Ready tasks that any able worker may take. */
  readonly ready = new IntDeque();
  /** Mean execution time, a moving average; undefined until one has been measured. */
  private measuredMs: number | undefined;

  constructor(
    readonly index: number,
    readonly cpus: number,
    readonly taskType: number,
  ) {}

  get light(): boolean {
    return this.cpus === 0;
  }

  /** Estimated execution time of one task. */
  get durationMs(): number {
    return this.measuredMs ?? (this.light ? 0.005 : UNKNOWN_HEAVY_MS);
  }

  addDuration(ms: number): void {
    this.measuredMs = this.measuredMs === undefined ? ms : 0.9 * this.measuredMs + 0.1 * ms;
  }
}

/** All classes; a task's class is a number in the task table. */
export class TaskClasses {
  readonly list: TaskClass[] = [];
  private readonly byKey = new Map<number, number>();

  /** The number of the class; made when it is new. */
  find(cpus: number, taskType: number): number {
    const key = cpus * 65536 + taskType;
    let index = this.byKey.get(key);
    if (index === undefined) {
      index = this.list.length;
      this.list.push(new TaskClass(index, cpus, taskType));
      this.byKey.set(key, index);
    }
    return index;
  }
}
