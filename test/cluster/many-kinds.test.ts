/** More kinds of tasks, one after the other, than a server keeps: numbers are used again, nobody mixes them up. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it, onTestFinished } from "vitest";
import { type Context, jsTask, resources, tasks } from "../../src/index.js";
import { readTrace } from "../../src/trace/index.js";
import { TestCluster } from "./test-cluster.js";

const PLANS = 5;
/** Those of two plans may be in use at once: less than there are numbers for labels. */
const TASKS = 2000;

it("workers know what each task holds", async () => {
  await using cluster = await TestCluster.start({
    workers: 1,
    cpus: 2,
    resources: { mem: "1GiB" },
  });
  const { client } = cluster;
  const held = jsTask((ctx: Context) => String(ctx.resources.mem?.amount), { context: true });
  for (let plan = 0; plan < PLANS; plan++) {
    const amounts = Array.from({ length: TASKS }, (_, i) => 1000 + plan * TASKS + i);
    const futures = client.submit(
      amounts.map((mem) => held().withRequest(resources({ cpus: 1, mem }))),
    );
    const texts = await client.gather(futures);
    expect(texts.map(String)).toEqual(amounts.map(String));
    for (const future of futures) future.release();
  }
});

it("traces tell which label each task has", async () => {
  const directory = mkdtempSync(join(tmpdir(), "loom-kinds-"));
  onTestFinished(() => rmSync(directory, { recursive: true }));
  {
    await using cluster = await TestCluster.start({ workers: 1, cpus: 1 });
    const { client } = cluster;
    await client.setTrace(directory);
    for (let plan = 0; plan < PLANS; plan++) {
      const labelled = Array.from({ length: TASKS }, (_, i) =>
        tasks.const("x").withLabel(`p${plan}.${i}:all`),
      );
      const futures = client.submit(labelled);
      await client.gather(futures);
      for (const future of futures) future.release();
    }
    await client.setTrace(undefined);
  }
  const { tasks: traced, classes } = await readTrace(directory);
  expect(traced.count).toBe(PLANS * TASKS);
  const numbers = new Set(classes.map((its) => its.class));
  expect(numbers.size).toBeLessThan(classes.length);
  for (let i = 0; i < traced.count; i++) {
    const { label } = classes[traced.taskClass[i]];
    expect(`${label}:all`).toBe(traced.labelOf(i));
  }
});
