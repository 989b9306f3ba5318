/** What a running task holds. Made and taken back by resource-slots.ts; read by the worker. */
import type { HeldAmount } from "./resource-pool.js";

/** Cores and other resources held by a task, or by several that are executed one after the other. */
export class TaskHolding {
  /** Tasks that hold them. */
  tasks = 1;

  constructor(
    /** Numbers of the core slots. */
    readonly cores: readonly number[],
    readonly amounts: readonly HeldAmount[],
  ) {}
}
