/**
 * Memory of the server for a task: growth of its peak resident memory during one large plan
 * in a fresh server. Called by cases.ts; docs/benchmarks.md says what it includes.
 */
import { Client } from "hyperloom";
import { startCluster } from "./cluster.js";
import type { PlanSpec } from "./plans.js";
import { peakResidentBytes, resetPeak, residentBytes } from "./process-usage.js";
import { type BenchCase, rounded } from "./record.js";

export function memoryCase(plan: PlanSpec): BenchCase {
  return {
    name: `memory-${plan.name}`,
    workers: "fixed",
    async run() {
      const workers = 1;
      const cluster = await startCluster(workers);
      try {
        await using client = await Client.connect(cluster.address);
        const task = plan.build();
        resetPeak(cluster.serverPid);
        const before = residentBytes(cluster.serverPid);
        const future = client.submitOne(task);
        await future.wait();
        const growth = peakResidentBytes(cluster.serverPid) - before;
        return {
          case: `memory-${plan.name}`,
          what: plan.what,
          workers,
          tasks: plan.taskCount,
          serverBytesPerTask: Math.round(growth / plan.taskCount),
          serverMBBefore: rounded(before / 1e6),
        };
      } finally {
        await cluster.stop();
      }
    },
  };
}
