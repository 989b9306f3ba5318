/** Random plans of functions give what evaluating them in order gives, also while processes and workers die. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Lanes } from "../cluster/lanes.js";
import { type RandomNumbers, randomNumbers } from "../cluster/random-numbers.js";
import { randomPlans } from "./random-plans.js";
import { runPlan } from "./run-random-plan.js";
import { type SharedCluster, sharedCluster, until } from "./shared-cluster.js";

/** Batches of plans, per number of workers. */
const RUNS = Number(process.env.LOOM_TEST_RUNS ?? 12);
/** How often something is killed, in each test. */
const KILLS = Number(process.env.LOOM_TEST_KILLS ?? 12);
/** Plans that run at the same time. */
const BATCH = 8;
const LIMIT_MS = 60_000 + 1000 * (RUNS + KILLS);

async function untilNothingIsLeft(cluster: SharedCluster): Promise<void> {
  await cluster.untilIdle();
  await until(
    "no result file is left",
    () => cluster.resultFiles().length === 0,
    () => cluster.resultFiles().join(", "),
  );
}

describe.each([1, 2])("random plans on %i workers", (workers) => {
  const cluster = sharedCluster({ workers, cpus: 2 });

  it("give the right results", { timeout: LIMIT_MS }, async () => {
    const batches = fc.array(randomPlans(), { minLength: 1, maxLength: BATCH, size: "max" });
    await fc.assert(
      fc.asyncProperty(batches, async (plans) => {
        const { client } = cluster;
        const runs = await Promise.allSettled(plans.map((plan) => runPlan(client, plan)));
        const failed = runs.find((run) => run.status === "rejected");
        if (failed !== undefined) throw failed.reason;
        await cluster.untilIdle();
      }),
      { numRuns: RUNS, interruptAfterTimeLimit: LIMIT_MS - 30_000 },
    );
    await untilNothingIsLeft(cluster);
  });
});

/** Kills something after some progress, again and again. */
async function killOften(
  lanes: Lanes,
  random: RandomNumbers,
  kill: () => void | Promise<void>,
): Promise<void> {
  for (let i = 0; i < KILLS; i++) {
    const goal = lanes.finishedPlans + random.below(6);
    await until(`${goal} plans have run`, () => lanes.finishedPlans >= goal);
    await kill();
  }
}

describe("random plans give the right results while", () => {
  const serverArgs = ["--max-losses", "100000"];
  const cluster = sharedCluster({ workers: 2, cpus: 2, serverArgs });
  const killProcess = (random: RandomNumbers) => {
    const running = cluster.functionProcesses();
    if (running.length === 0) return;
    try {
      process.kill(running[random.below(running.length)].pid, "SIGKILL");
    } catch {
      // It has ended meanwhile.
    }
  };
  const killWorker = async (random: RandomNumbers) => {
    cluster.kill(cluster.workers[random.below(cluster.workers.length)]);
    await cluster.addWorker();
  };
  /** What a process can't be blamed for. */
  const killed = /it was killed by SIGKILL/;
  const lost = /"once"|once only|was lost/;

  it.each<[string, RegExp, (random: RandomNumbers) => void | Promise<void>]>([
    ["function processes are killed", killed, killProcess],
    ["workers are killed", lost, killWorker],
    [
      "both are killed",
      new RegExp(`${killed.source}|${lost.source}`),
      (random) => (random.below(3) === 0 ? killWorker(random) : killProcess(random)),
    ],
  ])("%s", { timeout: LIMIT_MS }, async (_, excuse, kill) => {
    const random = randomNumbers();
    const lanes = new Lanes(BATCH, async () => {
      const seed = random.below(2 ** 31);
      const [plan] = fc.sample(randomPlans(), { numRuns: 1, seed });
      await runPlan(cluster.client, plan, excuse);
    });
    try {
      await Promise.race([killOften(lanes, random, () => kill(random)), lanes.ended]);
      lanes.stop();
      await lanes.ended;
    } catch (error) {
      const { message } = error as Error;
      throw new Error(`with seed ${random.seed}: ${message}`, { cause: error });
    } finally {
      lanes.stop();
      await Promise.allSettled([lanes.ended]);
    }
    expect(lanes.finishedPlans).toBeGreaterThan(KILLS / 2);
    await untilNothingIsLeft(cluster);
  });
});
