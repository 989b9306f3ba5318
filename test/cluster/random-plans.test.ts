/** The acceptance test of the project: random plans give what evaluating them in order gives. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { makeOpenedFiles } from "./opened-files.js";
import { randomPlans } from "./random-plans.js";
import { runPlan } from "./run-plan.js";
import { TestCluster } from "./test-cluster.js";

/** Plans per number of workers. */
const RUNS = Number(process.env.LOOM_TEST_RUNS ?? 2500);
/** After that a failing plan is shown as it is, not made smaller any more. */
const LIMIT_MS = 30_000 + 20 * RUNS;
/** Plans that run at the same time. */
const BATCH = 50;

const files = makeOpenedFiles();

describe("random plans", () => {
  for (const workers of [1, 2, 3, 4]) {
    it(`give the right results on ${workers} workers`, {
      timeout: LIMIT_MS + 60_000,
    }, async () => {
      await using cluster = await TestCluster.start({ workers, cpus: 2 });
      const { client } = cluster;
      const batches = fc.array(randomPlans({ files }), {
        minLength: 1,
        maxLength: BATCH,
        size: "max",
      });
      await fc.assert(
        fc.asyncProperty(batches, async (plans) => {
          const runs = await Promise.allSettled(plans.map((plan) => runPlan(client, plan)));
          const failed = runs.find((run) => run.status === "rejected");
          if (failed !== undefined) throw failed.reason;
          expect((await client.stats()).objects).toBe(0);
          await cluster.untilIdle();
        }),
        // A batch has 25 plans on average.
        { numRuns: Math.ceil((2 * RUNS) / BATCH), interruptAfterTimeLimit: LIMIT_MS },
      );
    });
  }
});
