/** Workers are killed, or fall asleep, at random moments while random plans run. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Future } from "../../src/client/index.js";
import { Lanes } from "./lanes.js";
import { makeOpenedFiles } from "./opened-files.js";
import { type RandomNumbers, randomNumbers } from "./random-numbers.js";
import { type PlanOptions, randomPlans } from "./random-plans.js";
import { runPlan } from "./run-plan.js";
import { TestCluster, until } from "./test-cluster.js";

/** How often something happens to the workers, in each test. */
const KILLS = Number(process.env.LOOM_TEST_KILLS ?? 10);
const WORKERS = 3;

const files = makeOpenedFiles();

/** Counts how often a result was announced to be finished. */
class Announcements {
  readonly counts: number[] = [];

  watch(future: Future): void {
    const state = Future.stateOf(future);
    const at = this.counts.push(0) - 1;
    const become = state.become.bind(state);
    state.become = (status, error) => {
      if (status === "finished") this.counts[at]++;
      become(status, error);
    };
  }
}

/** Makes bad things happen to the workers, after some progress each time. */
async function disturb(cluster: TestCluster, lanes: Lanes, random: RandomNumbers): Promise<void> {
  const pick = () => cluster.workers[random.below(cluster.workers.length)];
  for (let i = 0; i < KILLS; i++) {
    const goal = lanes.finishedPlans + random.below(20);
    await until(`${goal} plans have run`, () => lanes.finishedPlans >= goal);
    if (random.below(6) === 0) {
      await letSleep(cluster, pick().pid);
    } else {
      const count = 1 + random.below(2);
      for (let killed = 0; killed < count; killed++) cluster.kill(pick());
    }
    while (cluster.workers.length < WORKERS) await cluster.addWorker();
  }
}

/** Stops the process until the server has given it up. */
async function letSleep(cluster: TestCluster, pid: number): Promise<void> {
  const worker = cluster.workerOf(pid);
  worker.kill("SIGSTOP");
  try {
    await until("the server has given up the sleeping worker", async () => {
      const { workers } = await cluster.client.status();
      return workers.every((other) => other.pid !== pid);
    });
    await cluster.addWorker();
  } finally {
    worker.kill("SIGCONT");
  }
}

/** Clients that come, submit much and go at once. */
async function comeAndGo(cluster: TestCluster, options: PlanOptions, seed: number): Promise<void> {
  const client = await cluster.connect();
  const plans = fc.sample(randomPlans(options), { numRuns: 10, seed });
  const runs = Promise.allSettled(plans.map((plan) => runPlan(client, plan)));
  await client.stats();
  await client.close();
  await runs;
}

describe("random plans give the right results while workers are lost", () => {
  const cases: [name: string, lanes: number, options: Partial<PlanOptions>][] = [
    ["small tasks", 20, {}],
    ["many programs", 6, { programs: "many" }],
    ["large objects", 6, { contents: "large" }],
  ];
  for (const [name, laneCount, more] of cases) {
    it(name, { timeout: 60_000 + 5_000 * KILLS }, async () => {
      // A task may be lost often here without being to blame.
      const serverArgs = ["--max-losses", "100000", "--heartbeat-timeout", "2"];
      await using cluster = await TestCluster.start({ workers: WORKERS, cpus: 2, serverArgs });
      const { client } = cluster;
      const options = { files, ...more };
      const random = randomNumbers();
      const announcements = new Announcements();
      const lanes = new Lanes(laneCount, async () => {
        const seed = random.below(2 ** 31);
        if (random.below(50) === 0) await comeAndGo(cluster, options, seed);
        const [plan] = fc.sample(randomPlans(options), { numRuns: 1, seed });
        await runPlan(client, plan, (future) => announcements.watch(future));
      });
      try {
        await Promise.race([disturb(cluster, lanes, random), lanes.ended]);
        lanes.stop();
        await lanes.ended;
      } catch (error) {
        const { message } = error as Error;
        throw new Error(`with seed ${random.seed}: ${message}`, { cause: error });
      } finally {
        lanes.stop();
        await Promise.allSettled([lanes.ended]);
      }
      await until("nothing is held", async () => (await client.stats()).objects === 0);
      await cluster.untilIdle();
      expect(announcements.counts.filter((count) => count > 1)).toEqual([]);
    });
  }
});
