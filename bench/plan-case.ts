/**
 * Plans of tiny tasks: what HyperLoom itself costs. Cold (first plan in fresh processes), then
 * warm. Called by cases.ts.
 */
import { Client } from "hyperloom";
import { startCluster } from "./cluster.js";
import type { PlanSpec } from "./plans.js";
import { cpuTimeUs } from "./process-usage.js";
import { type BenchCase, mean, median, rounded } from "./record.js";
import { type PlanTiming, timePlan } from "./timed-plan.js";

export function planCase(plan: PlanSpec, workerCounts: readonly number[]): BenchCase {
  return {
    name: plan.name,
    workers: workerCounts,
    async run({ workers, repeat }) {
      const cluster = await startCluster(workers, workers > 2 ? ["--cpus", "1"] : []);
      try {
        await using client = await Client.connect(cluster.address);
        const serverPids = [cluster.serverPid];
        const measured = async (): Promise<PlanTiming & { serverUs: number; workerUs: number }> => {
          const task = plan.build();
          const serverBefore = cpuTimeUs(serverPids);
          const workersBefore = cpuTimeUs(cluster.workerPids);
          const timing = await timePlan(client, task);
          return {
            ...timing,
            serverUs: cpuTimeUs(serverPids) - serverBefore,
            workerUs: cpuTimeUs(cluster.workerPids) - workersBefore,
          };
        };
        const cold = await measured();
        const warm = [];
        for (let i = 0; i < repeat; i++) warm.push(await measured());
        const perTask = (total: number): number => rounded(total / plan.taskCount);
        // The mean, not the median, of CPU times: garbage collection comes in some plans only.
        return {
          case: plan.name,
          what: plan.what,
          workers,
          tasks: plan.taskCount,
          coldTasksPerSecond: rounded((plan.taskCount / cold.ms) * 1000),
          warmTasksPerSecond: rounded((plan.taskCount / median(warm.map(({ ms }) => ms))) * 1000),
          coldServerCpuUsPerTask: perTask(cold.serverUs),
          warmServerCpuUsPerTask: perTask(mean(warm.map(({ serverUs }) => serverUs))),
          coldWorkerCpuUsPerTask: perTask(cold.workerUs),
          warmWorkerCpuUsPerTask: perTask(mean(warm.map(({ workerUs }) => workerUs))),
          warmSubmitMs: rounded(median(warm.map(({ submitMs }) => submitMs))),
        };
      } finally {
        await cluster.stop();
      }
    },
  };
}
