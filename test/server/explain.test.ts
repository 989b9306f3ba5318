/** EXPLAIN and NOTICE on the wire. */
import fc from "fast-check";
import { afterEach, describe, expect, it } from "vitest";
import { Answer, Ask, type ClassicClient, type Received } from "./classic-client.js";
import { useCluster } from "./cluster.js";
import { waitFor } from "./deadline.js";
import { ScriptedWorker } from "./scripted-worker.js";

const cluster = useCluster(2);
const scripted: ScriptedWorker[] = [];
let lastRequest = 0;

afterEach(async () => {
  for (const worker of scripted.splice(0)) worker.close();
  const probe = await cluster.client();
  await waitFor(async () => (await probe.stats()).workers === 1, "only the real worker is left");
});

async function join(init: Parameters<typeof ScriptedWorker.join>[1]): Promise<ScriptedWorker> {
  const worker = await ScriptedWorker.join(cluster.port, init);
  scripted.push(worker);
  return worker;
}

async function ask(
  client: ClassicClient,
  what: { id?: number; query?: string },
): Promise<Received> {
  const requestId = ++lastRequest;
  client.send({ type: Ask.EXPLAIN, requestId, ...what });
  return client.takeIf(
    ({ message: { chunk, error } }) => (chunk ?? error)?.requestId === requestId,
    `the answer to request ${requestId}`,
  );
}

async function explain(client: ClassicClient, what: { id?: number; query?: string }) {
  const { message, frames } = await ask(client, what);
  if (message.error !== undefined) throw new Error(message.error.errorMsg);
  return JSON.parse(String(frames[0]));
}

describe("EXPLAIN", () => {
  it("of an id of the client, of a text; also for clients without extensions", async () => {
    const [client, classic] = [await cluster.client({ features: 1 }), await cluster.client()];
    for (const one of [client, classic]) {
      const plan = one.plan();
      plan.program({ args: ["true"], cpus: 3, label: "much" });
      one.submit(plan);
      const own = await explain(one, { id: 0 });
      expect(own).toMatchObject({ query: "0", more: 0, complete: true, tasks: [{ id: 0 }] });
      expect(own.text).toMatch(
        /^task 0 "much" is ready, but no connected worker has 3 cpus: the largest has 2; start/,
      );
      const [{ client: number }] = own.tasks;
      expect((await explain(one, { query: `${number}:0` })).tasks).toEqual(own.tasks);
      // The query counts where both are given.
      expect((await explain(one, { id: 5, query: `${number}:0` })).tasks).toEqual(own.tasks);
    }
    expect((await explain(client, { query: "0" })).tasks).toHaveLength(2);
    expect((await explain(client, { query: "much" })).tasks).toHaveLength(2);
  });

  it("of what is unknown, or of nothing: an ERROR with the request's id", async () => {
    const client = await cluster.client({ features: 2 });
    const problems: [{ id?: number; query?: string }, RegExp][] = [
      [{ id: 0 }, /^there is no task 0 of this client; /],
      [{ id: -1 }, /^there is no task -1 of this client; /],
      [{ query: "7" }, /^no task has the id or label "7"; /],
      [{ query: "a\nb" }, /^no task has the id or label "a\\nb"; /],
      [{ query: "" }, /^no task is named; /],
      [{}, /^no task is named; /],
    ];
    for (const [what, text] of problems) {
      const { message } = await ask(client, what);
      expect(message.error!.errorMsg).toMatch(text);
    }
  });

  it("follows a program from its start to its end", async () => {
    const client = await cluster.client({ features: 2 });
    const plan = client.plan();
    const id = plan.shell("exit 3", { label: "bad" });
    client.submit(plan);
    await client.failed();
    const { text, tasks } = await explain(client, { id });
    expect(tasks[0]).toMatchObject({ state: "failed", failedTask: { id, label: "bad" } });
    expect(text).toMatch(`task ${id} "bad" has failed at worker ${cluster.workers[0].address}: `);
  });

  it("of a type that nobody offers has the reason", async () => {
    const first = await join({ taskTypes: ["test/own"] });
    const client = await cluster.client({ features: 2 });
    first.close();
    await join({ taskTypes: [], unavailable: ["test/own: its module\nis broken"] });
    await waitFor(async () => (await client.stats()).workers === 2, "the first one is gone");
    const plan = client.plan();
    const id = plan.result("test/own", { label: "own" });
    client.nextId = 1;
    client.send({ type: Ask.PLAN, plan: { ...plan.build(), whenUnsatisfiable: 1 } });
    const problem = "no connected worker offers the type test/own (its module is broken)";
    const { message } = await client.take(Answer.NOTICE);
    expect(message.notice).toBe(
      `task ${id} "own" waits for a worker that can execute it, as ${problem}; start one, or release its result to cancel it`,
    );
    expect((await explain(client, { id })).tasks[0].workers).toMatchObject({ able: 0, problem });
    const worker = await join({ taskTypes: ["test/own"] });
    worker.finish(await worker.takeAssigned(), "done");
    expect((await explain(client, { id })).tasks[0].state).toMatch(/assigned|finished/);
    await client.take(Answer.FINISHED_MANY);
  });

  it("takes any text", async () => {
    const client = await cluster.client({ features: 1 });
    const plan = client.plan();
    for (const label of ["", "a", "a:b", "ä", "1:1", "x".repeat(1000)]) plan.const(label, true);
    client.submit(plan);
    const texts = fc.oneof(
      fc.string({ unit: "binary" }),
      fc.stringMatching(/^\d{0,12}:?\d{0,12}$/),
      fc.constantFrom("a [0]", "a".repeat(100_000), "__proto__", "0:0"),
    );
    await fc.assert(
      fc.asyncProperty(texts, async (query) => {
        const { message } = await ask(client, { query });
        expect(message.error?.errorMsg ?? "").not.toMatch(/\n|internal/);
      }),
      { numRuns: 100 },
    );
  });
});

describe("NOTICE", () => {
  it("tells only clients that understand it, and not again at once", async () => {
    for (const features of [0, 1, 2]) {
      const client = await cluster.client({ features });
      for (let i = 0; i < 3; i++) {
        const plan = client.plan();
        plan.program({ args: ["true"], cpus: 3 });
        client.submit(plan);
      }
      await client.stats();
      expect(client.untaken(Answer.NOTICE)).toHaveLength(features === 2 ? 1 : 0);
      expect(client.untaken(Answer.ERROR)).toEqual([]);
    }
    const logged = cluster.log.filter(({ msg }) => msg.includes("no connected worker has 3 cpus"));
    expect(logged.map(({ level }) => level)).toEqual([40, 40, 40]);
  });

  it("does not come where the plan is refused", async () => {
    const client = await cluster.client({ features: 2 });
    const plan = client.plan();
    plan.program({ args: ["true"], cpus: 3 });
    client.send({ type: Ask.PLAN, plan: { ...plan.build(), whenUnsatisfiable: 2 } });
    const { message } = await client.take(Answer.ERROR);
    expect(message.error!.errorMsg).toMatch(
      /^task 0 requests 3 cpus, which no connected worker has: the largest has 2; start a larger/,
    );
    expect(client.untaken(Answer.NOTICE)).toEqual([]);
  });
});
