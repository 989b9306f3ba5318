/**
 * What the server alone costs: plans of tiny tasks with 1 to 256 connections of workers that finish
 * everything at once. Called by cases.ts; docs/benchmarks.md explains the figures.
 */
import { Client } from "hyperloom";
import type { PlanSpec } from "./plans.js";
import { cpuTimeUs } from "./process-usage.js";
import { type BenchCase, mean, median, rounded } from "./record.js";
import { timePlan } from "./timed-plan.js";
import { startZeroCluster } from "./zero-cluster.js";

export function serverCase(plan: PlanSpec, connections: readonly number[]): BenchCase {
  const name = `server-${plan.name}`;
  return {
    name,
    workers: connections,
    async run({ workers, repeat, profileFolder }) {
      const cluster = await startZeroCluster(workers, profileFolder);
      try {
        await using client = await Client.connect(cluster.address);
        const measured = async (): Promise<{ ms: number; serverUs: number }> => {
          const task = plan.build();
          const before = cpuTimeUs([cluster.serverPid]);
          const { ms } = await timePlan(client, task);
          return { ms, serverUs: cpuTimeUs([cluster.serverPid]) - before };
        };
        const cold = await measured();
        const before = await cluster.wireCounts();
        const warm = [];
        for (let i = 0; i < repeat; i++) warm.push(await measured());
        const after = await cluster.wireCounts();
        const tasks = plan.taskCount;
        const assigned = after.assigned - before.assigned;
        const perAssigned = (total: number): number => rounded(total / assigned);
        return {
          case: name,
          what: `${plan.what}; workers finish tasks at once without doing them`,
          workers,
          tasks,
          coldTasksPerSecond: rounded((tasks / cold.ms) * 1000),
          warmTasksPerSecond: rounded((tasks / median(warm.map(({ ms }) => ms))) * 1000),
          coldServerCpuUsPerTask: rounded(cold.serverUs / tasks),
          warmServerCpuUsPerTask: rounded(mean(warm.map(({ serverUs }) => serverUs)) / tasks),
          toWorkersBytesPerTask: perAssigned(after.bytesFromServer - before.bytesFromServer),
          fromWorkersBytesPerTask: perAssigned(after.bytesToServer - before.bytesToServer),
          tasksPerFrame: rounded(assigned / (after.framesFromServer - before.framesFromServer)),
          // More than 1: tasks were taken back from one worker and given to another.
          assignmentsPerTask: rounded(assigned / (tasks * repeat)),
        };
      } finally {
        await cluster.stop();
      }
    },
  };
}
