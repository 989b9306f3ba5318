/**
 * What a plan costs the client: making the task objects, and submit() (numbering, encoding,
 * handing to the socket). Called by cases.ts.
 */
import { Client } from "hyperloom";
import { startCluster } from "./cluster.js";
import type { PlanSpec } from "./plans.js";
import { type BenchCase, median, rounded } from "./record.js";
import { timePlan } from "./timed-plan.js";

export function encodeCase(plan: PlanSpec): BenchCase {
  return {
    name: `encode-${plan.name}`,
    workers: "fixed",
    async run({ repeat }) {
      const workers = 1;
      const cluster = await startCluster(workers);
      try {
        await using client = await Client.connect(cluster.address);
        const buildMs: number[] = [];
        const submitMs: number[] = [];
        for (let i = 0; i <= repeat; i++) {
          const start = performance.now();
          const task = plan.build();
          buildMs.push(performance.now() - start);
          submitMs.push((await timePlan(client, task)).submitMs);
        }
        const nanoseconds = (ms: number): number => rounded((ms * 1e6) / plan.taskCount);
        return {
          case: `encode-${plan.name}`,
          what: plan.what,
          workers,
          tasks: plan.taskCount,
          coldBuildNsPerTask: nanoseconds(buildMs[0]),
          warmBuildNsPerTask: nanoseconds(median(buildMs.slice(1))),
          coldSubmitNsPerTask: nanoseconds(submitMs[0]),
          warmSubmitNsPerTask: nanoseconds(median(submitMs.slice(1))),
        };
      } finally {
        await cluster.stop();
      }
    },
  };
}
