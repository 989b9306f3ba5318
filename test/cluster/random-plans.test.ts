/** The acceptance test of the project: random plans give what evaluating them in order gives. */
import { writeFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type OpenedFile, randomPlans, runPlan } from "./random-plans.js";
import { TestCluster } from "./test-cluster.js";

/** Plans per number of workers. */
const RUNS = Number(process.env.LOOM_TEST_RUNS ?? 800);
/** Plans that run at the same time. */
const BATCH = 50;

let folder: string;
const files: OpenedFile[] = [];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "plans-"));
  for (const [name, text] of Object.entries({
    empty: "",
    lines: "a,b\nc\n\n",
    long: "x,".repeat(2000),
  })) {
    const file = { path: join(folder, name), content: Buffer.from(text) };
    writeFileSync(file.path, file.content);
    files.push(file);
  }
});
afterAll(() => rm(folder, { recursive: true }));

describe("random plans", () => {
  for (const workers of [1, 2, 3, 4]) {
    it(`give the right results on ${workers} workers`, { timeout: 120_000 }, async () => {
      await using cluster = await TestCluster.start({ workers, cpus: 2 });
      const { client } = cluster;
      const batches = fc.array(randomPlans(files), { minLength: 1, maxLength: BATCH, size: "max" });
      await fc.assert(
        fc.asyncProperty(batches, async (plans) => {
          const runs = await Promise.allSettled(plans.map((plan) => runPlan(client, plan)));
          const failed = runs.find((run) => run.status === "rejected");
          if (failed !== undefined) throw failed.reason;
          expect((await client.stats()).objects).toBe(0);
          await cluster.untilIdle();
        }),
        // A batch has 25 plans on average.
        { numRuns: Math.ceil((2 * RUNS) / BATCH), interruptAfterTimeLimit: 100_000 },
      );
    });
  }
});
