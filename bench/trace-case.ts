/**
 * What tracing costs: the same plan in one cluster, with and without, in turns, so that what else the
 * machine does meanwhile meets both alike. Called by cases.ts.
 */
import { mkdtempSync, readdirSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Client } from "hyperloom";
import { startCluster } from "./cluster.js";
import type { PlanSpec } from "./plans.js";
import { cpuTimeUs } from "./process-usage.js";
import { type BenchCase, mean, median, rounded } from "./record.js";
import { timePlan } from "./timed-plan.js";

/** Runs that warm the processes up and do not count. */
const WARM_UP = 3;
/**
 * Plans with a trace, then as many without. The first of them does not count: a trace that begins has each
 * worker look at itself at once, which it does each second from then on.
 */
const IN_A_ROW = 5;

interface Measured {
  readonly ms: number;
  /** CPU time of the server and the workers. */
  readonly cpuUs: number;
}

export function traceCase(plan: PlanSpec): BenchCase {
  return {
    name: `trace-${plan.name}`,
    workers: [1, 8],
    async run({ workers, repeat }) {
      const cluster = await startCluster(workers, workers > 2 ? ["--cpus", "1"] : []);
      const directory = mkdtempSync(join(tmpdir(), "loom-trace-"));
      try {
        await using client = await Client.connect(cluster.address);
        const pids = [cluster.serverPid, ...cluster.workerPids];
        const measured = async (): Promise<Measured> => {
          const task = plan.build();
          const before = cpuTimeUs(pids);
          const { ms } = await timePlan(client, task);
          return { ms, cpuUs: cpuTimeUs(pids) - before };
        };
        for (let i = 0; i < WARM_UP; i++) await measured();
        const without: Measured[] = [];
        const traced: Measured[] = [];
        for (let turn = 0; turn < 2 * repeat; turn++) {
          const isTraced = turn % 2 === 1;
          await client.setTrace(isTraced ? directory : undefined);
          for (let i = 0; i < IN_A_ROW; i++) {
            const result = await measured();
            if (i > 0) (isTraced ? traced : without).push(result);
          }
        }
        await client.setTrace(undefined);
        const sizes = readdirSync(directory).map((name) => statSync(join(directory, name)).size);
        const perSecond = (runs: { ms: number }[]): number =>
          (plan.taskCount / median(runs.map(({ ms }) => ms))) * 1000;
        const cpu = (runs: { cpuUs: number }[]): number => mean(runs.map(({ cpuUs }) => cpuUs));
        const bytes = sizes.reduce((sum, size) => sum + size, 0);
        return {
          case: `trace-${plan.name}`,
          what: `${plan.what}, with and without a trace`,
          workers,
          tasks: plan.taskCount,
          tasksPerSecond: rounded(perSecond(without)),
          tracedTasksPerSecond: rounded(perSecond(traced)),
          tracedShareOfThroughput: rounded(perSecond(traced) / perSecond(without)),
          tracedShareOfCpu: rounded(cpu(traced) / cpu(without)),
          traceBytesPerTask: rounded(bytes / (repeat * IN_A_ROW * plan.taskCount)),
        };
      } finally {
        await cluster.stop();
        rmSync(directory, { recursive: true });
      }
    },
  };
}
