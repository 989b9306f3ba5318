/**
 * What can say more of the death of a task's processes than their end: their memory before, and the
 * kernel's count of kills for want of memory. Owned by the task runner.
 */
import type { Executor } from "../executors/index.js";
import { MemoryGroups } from "./memory-groups.js";
import { MemoryWatch } from "./memory-watch.js";
import { OomWatch } from "./oom-watch.js";

export class DeathWitnesses {
  readonly oom: OomWatch;
  private readonly memoryWatch: MemoryWatch;

  /** @param groups where limits of memory are. Default: those of this process */
  constructor(
    executors: readonly Executor[],
    readonly groups = new MemoryGroups(),
  ) {
    this.oom = new OomWatch(groups);
    this.memoryWatch = new MemoryWatch(executors, (nowMs) => this.oom.look(nowMs));
    this.memoryWatch.start();
  }

  /** Looks no more. */
  close(): void {
    this.memoryWatch.stop();
  }
}
