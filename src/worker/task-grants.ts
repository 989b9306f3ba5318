/**
 * What tasks hold, from the worker core's numbers to the names that users know. Owns one
 * TaskGrant per set of resources held, also where several tasks share it. Called by the runner.
 */
import { TaskGrant } from "../executors/index.js";
import type { TaskHolding, WorkerCoreOptions } from "../worker-core/index.js";

const UNITS = 10_000;

export class TaskGrants {
  private readonly grants = new WeakMap<TaskHolding, TaskGrant>();
  private readonly hasGpus: boolean;

  /** @param coreNumbers of each core slot; empty: slots are named by their own numbers */
  constructor(
    private readonly coreNumbers: readonly number[],
    resources: WorkerCoreOptions["resources"],
  ) {
    const gpus = resources?.find(({ name }) => name === "gpus");
    this.hasGpus = gpus !== undefined && gpus.indices.length > 0;
  }

  of(held: TaskHolding): TaskGrant {
    let grant = this.grants.get(held);
    if (grant === undefined) {
      grant = this.grantOf(held);
      this.grants.set(held, grant);
    }
    return grant;
  }

  private grantOf({ cores, amounts }: TaskHolding): TaskGrant {
    const resources: Record<string, { amount: number; indices: string[] }> = {};
    if (cores.length > 0) {
      const indices = cores.map((slot) => String(this.coreNumbers[slot] ?? slot));
      resources.cpus = { amount: cores.length, indices };
    }
    for (const { pool, units, positions } of amounts) {
      const indices = positions.map((position) => pool.indices[position]);
      resources[pool.name] = { amount: units / UNITS, indices };
    }
    return new TaskGrant(resources, this.hasGpus);
  }
}
