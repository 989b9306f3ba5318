/** dslice and dget on real clusters: the same results as plans that say what each task takes. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { TaskFailed, tasks } from "../../src/client/index.js";
import type { Task } from "../../src/graph/index.js";
import { lengthOf, randomDynamicPlans, runDynamicPlan } from "./random-dynamic-plans.js";
import { randomNumbers } from "./random-numbers.js";
import { TestCluster, until, within } from "./test-cluster.js";

const RUNS = Number(process.env.LOOM_TEST_RUNS ?? 400);
const LIMIT_MS = 30_000 + 60 * RUNS;
/** Plans that run at the same time. */
const BATCH = 20;
/** What the server makes for each core. */
const SLICES_PER_CORE = 4;

const LINES = Array.from({ length: 100 }, (_, i) => `line ${i}\n`);
const lines = tasks.split(tasks.const(LINES.join("")));
const all = (task: Task<Buffer>): Task<Buffer[]> => tasks.arrayMake<Task<Buffer>[]>([task]);

describe("dslice and dget", () => {
  it("give what the tasks they stand for give", async () => {
    await using cluster = await TestCluster.start({ workers: 2, cpus: 2 });
    const { client } = cluster;
    const wrap = (task: Task<Buffer>) =>
      tasks.run(["sh", "-c", 'cat; printf "%s" "$END"'], {
        stdin: task,
        variables: [["END", tasks.const(";")]],
        cpus: 1,
      });
    const count = SLICES_PER_CORE * 4;
    const bounds = Array.from({ length: count + 1 }, (_, i) => Math.floor((i * 100) / count));
    const [slices, written, gets, writtenGets] = client.submit([
      all(wrap(tasks.dslice(lines))),
      tasks.arrayMake(bounds.slice(1).map((end, i) => wrap(tasks.slice(lines, bounds[i], end)))),
      all(tasks.merge([tasks.dget(lines), tasks.const("!")])),
      tasks.arrayMake(LINES.map((_, i) => tasks.merge([tasks.get(lines, i), tasks.const("!")]))),
    ]);
    expect(await within("slices", slices.fetch())).toEqual(await written.fetch());
    expect(await within("elements", gets.fetch())).toEqual(await writtenGets.fetch());
    expect(await gets.fetch()).toEqual(LINES.map((line) => Buffer.from(`${line}!`)));
    client.release([slices, written, gets, writtenGets]);
    await cluster.untilIdle();
    expect((await client.stats()).objects).toBe(0);
  });

  it("work with functions, and inside of each other", async () => {
    await using cluster = await TestCluster.start({ workers: 2, cpus: 1 });
    const { client } = cluster;
    const source = "def parts(a): return [part.encode() for part in a.read().decode().split()]";
    const parts = (input: Task<Buffer>) =>
      tasks.pythonSource<Buffer[]>(source, { function: "parts", inputs: [input] });
    const words = tasks.dget(parts(tasks.dget(lines)));
    const future = client.submitOne(all(tasks.merge([words, tasks.const(".")])));
    const expected = LINES.flatMap((line) => line.trim().split(" "));
    expect((await within("words", future.fetch())).map(String)).toEqual(
      expected.map((word) => `${word}.`),
    );
  });

  it("of nothing: one empty slice, but no element", async () => {
    await using cluster = await TestCluster.start({ workers: 1, cpus: 1 });
    const { client } = cluster;
    const nothing = tasks.split(tasks.const(""));
    const slices = client.submitOne(all(tasks.dslice(nothing)));
    expect(await within("slices", slices.fetch())).toEqual([Buffer.alloc(0)]);
    const element = client.submitOne(all(tasks.dget(nothing).withLabel("each")));
    const error: unknown = await within(
      "failure",
      element.fetch().catch((error) => error),
    );
    expect(error).toBeInstanceOf(TaskFailed);
    expect(error).toMatchObject({ label: "each" });
    expect(String(error)).toMatch(/loom\/scheduler\/dget: the input is empty \(an index\)/);
    const bytes = client.submitOne(all(tasks.dget(tasks.const("abc") as Task as Task<Buffer[]>)));
    await expect(bytes.fetch()).rejects.toThrow(/the input is a plain object; only arrays and/);
  });

  it("can't be results themselves, nor can what depends on them", async () => {
    await using cluster = await TestCluster.start({ workers: 1, cpus: 1 });
    const { client } = cluster;
    const each = tasks.dget(lines);
    const merged = tasks.merge([each]).withLabel("merged");
    for (const [task, name] of [
      [each, ""],
      [merged, ' "merged"'],
    ] as const) {
      await expect(client.submitOne(task).wait()).rejects.toThrow(
        new RegExp(`task \\d+${name} .*can't be a result; collect with loom/array/make`),
      );
    }
    await expect(client.submitOne(all(merged.withCheckpoint("/tmp/none"))).wait()).rejects.toThrow(
      /can't have a checkpoint/,
    );
    expect(await client.submitOne(all(merged)).fetch()).toHaveLength(100);
  });

  it("name the element of which the copy failed", async () => {
    await using cluster = await TestCluster.start({ workers: 2, cpus: 1 });
    const test = tasks.run("grep -v 57", { stdin: tasks.dget(lines) }).withLabel("not 57");
    const future = cluster.client.submitOne(all(test));
    await expect(within("failure", future.fetch())).rejects.toMatchObject({ label: "not 57 [57]" });
    future.release();
    await cluster.untilIdle();
  });

  it("a function can't return one", async () => {
    await using cluster = await TestCluster.start({ workers: 1, cpus: 1 });
    const source = `
from loom.client import tasks
def f(a): return tasks.dget(a)
`;
    const future = cluster.client.submitOne(
      tasks.pythonSource(source, { function: "f", inputs: [lines] }),
    );
    await expect(within("failure", future.fetch())).rejects.toThrow(
      /returned a task of type loom\/scheduler\/dget, which only the server can expand/,
    );
  });

  it("of many elements take seconds", { timeout: 120_000 }, async () => {
    await using cluster = await TestCluster.start({ workers: 2, cpus: 1 });
    const { client } = cluster;
    const many = tasks.split(tasks.const("x\n".repeat(100_000)));
    const future = client.submitOne(tasks.size(all(tasks.merge([tasks.dget(many)]))));
    const size = await within("size", future.fetch());
    expect(size.readBigUInt64LE()).toBe(200_000n);
    future.release();
    await cluster.untilIdle();
  });
});

describe("random dynamic plans", () => {
  it("give the right results", { timeout: LIMIT_MS + 60_000 }, async () => {
    await using cluster = await TestCluster.start({ workers: 2, cpus: 1 });
    const { client } = cluster;
    const plans = randomDynamicPlans((length) =>
      Math.max(1, Math.min(length, 2 * SLICES_PER_CORE)),
    );
    const batches = fc.array(plans, { minLength: 1, maxLength: BATCH, size: "max" });
    await fc.assert(
      fc.asyncProperty(batches, async (batch) => {
        await settled(batch.map((plan) => runDynamicPlan(client, plan)));
        expect((await client.stats()).objects).toBe(0);
        await cluster.untilIdle();
      }),
      { numRuns: Math.ceil((2 * RUNS) / BATCH), interruptAfterTimeLimit: LIMIT_MS },
    );
  });

  it("give them while workers are killed", { timeout: 180_000 }, async () => {
    await using cluster = await TestCluster.start({ workers: 3, cpus: 1 });
    const { client } = cluster;
    const random = randomNumbers();
    // Up to this length there is a slice for each element, however many workers are left.
    const plans = randomDynamicPlans((length) => Math.max(1, length)).filter((plan) =>
      plan.every(
        ({ operation, inputs }) =>
          operation.op !== "dslice" ||
          (plan[inputs[0]].instances ?? []).every(
            ({ value }) => lengthOf(value) <= SLICES_PER_CORE,
          ),
      ),
    );
    const sample = fc.sample(plans, { numRuns: 200, seed: random.seed });
    let started = 0;
    let finished = 0;
    const lane = async (): Promise<void> => {
      while (started < sample.length) {
        await runDynamicPlan(client, sample[started++]);
        finished++;
      }
    };
    const lanes = settled(Array.from({ length: 10 }, lane));
    lanes.catch(() => {
      finished = sample.length;
    });
    for (let kill = 1; kill <= 8; kill++) {
      await until(`${kill * 20} plans have run`, () => finished >= kill * 20);
      cluster.kill(cluster.workers[random.below(cluster.workers.length)]);
      await cluster.addWorker(1);
    }
    await lanes;
    await cluster.untilIdle();
    expect((await client.stats()).objects).toBe(0);
  });
});

/** Waits for all of them, then throws what the first that failed has thrown. */
async function settled(promises: readonly Promise<void>[]): Promise<void> {
  const failed = (await Promise.allSettled(promises)).find(({ status }) => status === "rejected");
  if (failed !== undefined) throw (failed as PromiseRejectedResult).reason;
}
