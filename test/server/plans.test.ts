/** Plans that are refused, plans of which tasks fail, several clients: as classic clients see them. */
import { describe, expect, it } from "vitest";
import { Answer, Ask, type ClassicClient } from "./classic-client.js";
import { useCluster } from "./cluster.js";
import { type PlanBuilder, u64 } from "./plan-builder.js";

const cluster = useCluster(2, 1);

describe("refused plans", () => {
  /** The plan is refused as a whole with one ERROR; a good one with the same ids is executed. */
  async function expectRefused(
    build: (plan: PlanBuilder, client: ClassicClient) => number,
    message: RegExp,
  ): Promise<void> {
    const client = await cluster.client();
    const before = client.plan();
    const kept = before.const("kept", true);
    await client.run(before);
    const plan = client.plan();
    plan.const("never", true);
    const culprit = build(plan, client);
    client.submit(plan);
    const error = await client.error();
    expect(error.message).toMatch(message);
    expect(error.id).toBe(culprit);
    expect((await client.stats()).objects).toBe(1);
    expect(client.untaken()).toEqual([]);
    client.nextId = plan.idBase;
    const good = client.plan();
    const id = good.result("loom/data/merge", { inputs: [kept, good.const("!")] });
    await client.run(good);
    expect(await client.fetch(id)).toBe("kept!");
  }

  it.each([9999, -1, 65536 + 4, -65536 + 4, 2 ** 31 - 1])("unknown task type %i", (type) =>
    expectRefused(
      (plan) => plan.addNumber(type, { config: "x", result: true }),
      /^task \d+ has the unknown task type number -?\d+/,
    ),
  );

  it("an unknown task type that could be mixed up with a known one", () =>
    expectRefused((plan) => {
      // "const" without a request is task 0; this is 65,536 less, with request 0.
      plan.request(1);
      return plan.addNumber(plan.symbol("loom/data/const") - 65536, { result: true, request: 0 });
    }, /unknown task type/));

  it("a data type is no task type", () =>
    expectRefused((plan) => plan.result("loom/array"), /unknown task type loom\/array/));

  it("unknown resource", () =>
    expectRefused((plan) => {
      const request = plan.request(1, "loom/data");
      return plan.result("loom/base/size", { request });
    }, /^task \d+ requests the unknown resource loom\/data/));

  it.each([-1, 65536, 2 ** 31 - 1])("%i cpus", (cpus) =>
    expectRefused(
      (plan) => plan.shell("true", { cpus }),
      new RegExp(`^task \\d+ requests ${cpus} cpus`),
    ),
  );

  it("a resource request that the plan does not have", () =>
    expectRefused(
      (plan) => plan.result("loom/base/size", { request: 3 }),
      /^task \d+ has resource request 3, the plan has 0/,
    ));

  it("a task that is its own input", () =>
    expectRefused((plan) => {
      const id = plan.idBase + plan.taskCount;
      return plan.result("loom/base/size", { inputs: [id] });
    }, /^task (\d+) has task \1 as an input, which does not come before it; .*acyclic/));

  it("an input that comes later", () =>
    expectRefused((plan) => {
      const id = plan.idBase + plan.taskCount;
      plan.result("loom/base/size", { inputs: [id + 1] });
      plan.const("late");
      return id;
    }, /which does not come before it; .*acyclic/));

  it.each([10_000, 2 ** 31 - 1])("an input %i that is not in the plan", (input) =>
    expectRefused(
      (plan) => plan.result("loom/base/size", { inputs: [input] }),
      /which is not in the plan/,
    ),
  );

  it.each([-1, -(2 ** 31)])("an input %i", (input) =>
    expectRefused(
      (plan) => plan.result("loom/base/size", { inputs: [input] }),
      /is not a result that is still held/,
    ),
  );

  it.each([
    ["ids that have been used", 1, /ids begin at 1, but ids up to 2 have been used/],
    ["ids below 0", -5, /ids begin at -5, but ids are at least 0/],
    ["ids beyond 31 bits", 2 ** 31 - 3, /with 4 tasks they go beyond the last one, 2147483646/],
  ])("%s", async (_, idBase, message) => {
    const client = await cluster.client();
    const before = client.plan();
    for (let i = 0; i < 3; i++) before.const(`${i}`, true);
    await client.run(before);
    client.nextId = idBase;
    const plan = client.plan();
    for (let i = 0; i < 4; i++) plan.const("x", true);
    client.submit(plan);
    const error = await client.error();
    expect(error.message).toMatch(message);
    client.nextId = 3;
    expect(await client.evaluate((good) => good.const("good", true))).toBe("good");
  });

  it("ids may leave gaps; a plan may be empty", async () => {
    const client = await cluster.client();
    client.nextId = 1_000_000;
    expect(await client.evaluate((plan) => plan.const("gap", true))).toBe("gap");
    client.submit(client.plan());
    client.nextId = 2 ** 31 - 2;
    expect(await client.evaluate((plan) => plan.const("last", true))).toBe("last");
  });
});

describe("failing tasks", () => {
  it("one TASK_FAILED a plan, what does not depend on it finishes", async () => {
    const client = await cluster.client();
    const plan = client.plan();
    const array = plan.add("loom/array/make");
    const bad = plan.add("loom/base/get", { inputs: [array], config: u64(7) });
    const lost = plan.result("loom/base/size", { inputs: [bad] });
    const worse = plan.result("loom/base/get", { inputs: [array], config: u64(8) });
    const good = plan.result("loom/data/merge", { inputs: [plan.const("g"), plan.const("ood")] });
    client.submit(plan);
    const failure = await client.failed();
    expect([bad, worse]).toContain(failure.id);
    expect(failure.message).toMatch(/^loom\/base\/get: index [78] is out of range/);
    expect(cluster.workers.map(({ address }) => address)).toContain(failure.worker);
    await client.finished(good);
    expect(await client.fetch(good)).toBe("good");
    for (const id of [lost, worse]) {
      client.send({ type: Ask.FETCH, id });
      expect((await client.error()).message).toMatch(/index [78] is out of range/);
    }
    client.send({ type: Ask.FETCH, id: bad });
    expect((await client.error()).message).toContain("is not a result that this client holds");
    expect(client.untaken()).toEqual([]);
    client.release(lost, worse, good);
    expect((await client.stats()).objects).toBe(0);
  });

  it("a classic client gets nothing in TASK_FAILED that it does not know", async () => {
    const client = await cluster.client();
    const plan = client.plan();
    const id = plan.shell("exit 4", { label: "labelled" });
    client.submit(plan);
    const { message } = await client.take(Answer.TASK_FAILED);
    const { id: failed, worker, errorMsg, ...rest } = message.error!;
    expect(failed).toBe(id);
    expect(worker).not.toBe("");
    expect(errorMsg).toMatch(/^Program terminated with status 4\nStderr:\n/);
    expect(Object.keys(rest).filter((key) => Object.hasOwn(message.error!, key))).toEqual(
      expect.arrayContaining(["$typeName"]),
    );
    expect(rest).not.toHaveProperty("exitStatus");
    expect(rest.lostResults).toEqual([]);
  });

  it("each plan has its own TASK_FAILED", async () => {
    const client = await cluster.client();
    const ids: number[] = [];
    for (let i = 0; i < 3; i++) {
      const plan = client.plan();
      ids.push(plan.result("loom/data/open", { config: `/no/such/file/${i}` }));
      client.submit(plan);
    }
    const failures = [await client.failed(), await client.failed(), await client.failed()];
    expect(failures.map(({ id }) => id).sort()).toEqual(ids);
  });

  it("a later plan on a failed result fails too, with the same cause", async () => {
    const client = await cluster.client();
    const plan = client.plan();
    const bad = plan.result("loom/data/open", { config: "/no/such/file" });
    client.submit(plan);
    await client.failed();
    const later = client.plan();
    const user = later.result("loom/base/size", { inputs: [bad] });
    const good = later.const("good", true);
    client.submit(later);
    expect((await client.failed()).message).toContain("/no/such/file");
    await client.finished(good);
    client.send({ type: Ask.FETCH, id: user });
    expect((await client.error()).message).toContain("/no/such/file");
  });

  it("what a failed task's inputs held is dropped", async () => {
    const client = await cluster.client();
    const plan = client.plan();
    const inputs = Array.from({ length: 50 }, (_, i) => plan.const(`${i}`.repeat(100)));
    const array = plan.add("loom/array/make", { inputs });
    plan.result("loom/data/split", { inputs: [array] });
    client.submit(plan);
    await client.failed();
    expect((await client.stats()).objects).toBe(0);
  });
});

describe("several clients", () => {
  it("may use the same ids at the same time", async () => {
    const clients = await Promise.all(Array.from({ length: 5 }, () => cluster.client()));
    const work = clients.map(async (client, n) => {
      for (let round = 0; round < 10; round++) {
        const plan = client.plan();
        const parts = Array.from({ length: 40 }, (_, i) => plan.const(`${n}.${round}.${i} `));
        const id = plan.result("loom/data/merge", { inputs: parts });
        await client.run(plan);
        const expected = Array.from({ length: 40 }, (_, i) => `${n}.${round}.${i} `).join("");
        expect(await client.fetch(id)).toBe(expected);
      }
    });
    await Promise.all(work);
    expect((await clients[0].stats()).objects).toBe(50);
  });

  it("do not see each other's results", async () => {
    const [one, two] = [await cluster.client(), await cluster.client()];
    const plan = one.plan();
    const id = plan.const("secret", true);
    await one.run(plan);
    two.send({ type: Ask.FETCH, id });
    expect((await two.error()).message).toContain("is not a result that this client holds");
    two.nextId = id + 1;
    const thief = two.plan();
    thief.result("loom/base/size", { inputs: [id] });
    two.submit(thief);
    expect((await two.error()).message).toContain("is not a result that is still held");
  });

  it("do not hear of each other's failures", async () => {
    const [one, two] = [await cluster.client(), await cluster.client()];
    const bad = one.plan();
    bad.result("loom/data/open", { config: "/no/such/file" });
    one.submit(bad);
    await one.failed();
    await two.stats();
    expect(two.untaken()).toEqual([]);
  });
});
