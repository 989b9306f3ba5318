/** Workers are killed at random moments while random plans run; others take their places. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Future } from "../../src/client/index.js";
import { makeOpenedFiles } from "./opened-files.js";
import { randomNumbers } from "./random-numbers.js";
import { randomPlans, runPlan } from "./random-plans.js";
import { TestCluster, until } from "./test-cluster.js";

const KILLS = Number(process.env.LOOM_TEST_KILLS ?? 24);
/** Plans that run at the same time. */
const LANES = 20;

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

describe("random plans while workers are lost", () => {
  it("give the right results", { timeout: 60_000 + 5_000 * KILLS }, async () => {
    // A task may be lost often here without being to blame.
    const serverArgs = ["--max-losses", "100000"];
    await using cluster = await TestCluster.start({ workers: 3, cpus: 2, serverArgs });
    const { client } = cluster;
    const { seed, below } = randomNumbers();
    const announcements = new Announcements();
    let finishedPlans = 0;
    let stop = false;
    const runLane = async (): Promise<void> => {
      while (!stop) {
        const [plan] = fc.sample(randomPlans(files), { numRuns: 1, seed: below(2 ** 31) });
        await runPlan(client, plan, (future) => announcements.watch(future));
        finishedPlans++;
      }
    };
    const lanes = Promise.all(Array.from({ length: LANES }, runLane));
    const kill = async (): Promise<void> => {
      for (let kills = 0; kills < KILLS; kills++) {
        // Not after a certain time, but after some progress.
        const goal = finishedPlans + below(40);
        await until(`${goal} plans have run`, () => finishedPlans >= goal);
        const count = cluster.workers.length > 1 ? 1 + below(2) : 1;
        for (let i = 0; i < count; i++) {
          cluster.kill(cluster.workers[below(cluster.workers.length)]);
        }
        await cluster.addWorker();
        if (cluster.workers.length < 3) await cluster.addWorker();
      }
    };
    try {
      await Promise.race([kill(), lanes]);
      stop = true;
      await lanes;
    } catch (error) {
      throw new Error(`with seed ${seed}: ${(error as Error).message}`, { cause: error });
    } finally {
      stop = true;
      await Promise.allSettled([lanes]);
    }
    expect((await client.stats()).objects).toBe(0);
    await cluster.untilIdle();
    expect(announcements.counts.filter((count) => count > 1)).toEqual([]);
    expect(finishedPlans).toBeGreaterThan(100);
  });
});
