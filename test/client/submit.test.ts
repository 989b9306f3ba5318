/** Plans as they reach the server, and what it answers to them. */
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { encodePlan } from "../../src/client/encode-plan.js";
import { Client, tasks } from "../../src/client/index.js";
import {
  type AmountInit,
  anyOf,
  buildPlan,
  resources,
  Task,
  type TaskHints,
} from "../../src/graph/index.js";
import {
  BUILTIN_SYMBOLS,
  type BuiltinSymbol,
  builtinSymbol,
  ClientResponseType,
  Unsatisfiable,
} from "../../src/protocol/index.js";
import { atEnd, connectClient, roundTrip, startServer } from "./harness.js";

/** The same for the Python client, which reads this file too. */
const vectors: {
  requests: { variants: Record<string, AmountInit>[]; hex: string }[];
  tasks: { hints: TaskHints; hex: string }[];
} = JSON.parse(readFileSync(new URL("plan-vectors.json", import.meta.url), "utf8"));

function encodedHex(task: Task): string {
  const plan = buildPlan([task], { idBase: 0, resultId: () => 0 });
  const findSymbolNumber = (name: string) => builtinSymbol(name as BuiltinSymbol);
  return Buffer.from(encodePlan(plan, { findSymbolNumber }, {})).toString("hex");
}

describe("submit", () => {
  it("sends one plan and returns futures at once", async () => {
    const { server, client } = await connectClient();
    const a = tasks.const("a").withLabel("first");
    const b = tasks.run("sort -u", { stdin: a }).withCheckpoint("/c/b").withMetadata({ n: 1 });
    const [second, first, again] = client.submit([b, a, b], { load: true });
    expect([second.id, first.id, second.status]).toEqual([1, 0, "pending"]);
    expect(again).toBe(second);
    const { plan, loadCheckpoints } = await server.take("PLAN");
    expect(loadCheckpoints).toBe(true);
    expect(plan).toMatchObject({
      idBase: 0,
      resourceRequests: [
        { resources: [{ resourceType: builtinSymbol("loom/resource/cpus"), value: 1 }] },
      ],
      tasks: [
        {
          taskType: builtinSymbol("loom/data/const"),
          config: Buffer.from("a"),
          inputIds: [],
          result: true,
          label: "first",
        },
        {
          taskType: builtinSymbol("loom/run/run"),
          inputIds: [0],
          resourceRequestIndex: 0,
          result: true,
          checkpointPath: "/c/b",
          metadata: Buffer.from('{"n":1}'),
        },
      ],
    });
  });

  it("hands out ids one after another and takes futures as inputs", async () => {
    const { server, client } = await connectClient();
    const first = client.submitOne(tasks.merge([tasks.const("a"), tasks.const("b")]));
    expect(client.submit([])).toEqual([]);
    const second = client.submitOne(tasks.merge([first, tasks.const("c"), first]));
    await server.take("PLAN");
    const { plan, loadCheckpoints } = await server.take("PLAN");
    expect(first.id).toBe(2);
    expect(plan?.idBase).toBe(3);
    expect(plan?.tasks.map(({ inputIds }) => inputIds)).toEqual([[], [2, 3, 2]]);
    expect(plan?.tasks.map(({ result }) => result)).toEqual([false, true]);
    expect(second.id).toBe(4);
    expect(loadCheckpoints).toBe(false);
  });

  it("maps names to the server's numbers, whatever they are", async () => {
    const server = await startServer();
    server.symbols = ["app/gpu", "app/solve", ...BUILTIN_SYMBOLS];
    const client = await Client.connect(server.address);
    atEnd(() => client.close());
    const request = { resources: [{ name: "app/gpu", value: 2 }] };
    client.submitOne(tasks.custom("app/solve", "x", [tasks.const("")], { request }));
    const { plan } = await server.take("PLAN");
    expect(plan?.tasks.map(({ taskType }) => taskType)).toEqual([6, 1]);
    expect(plan?.resourceRequests[0].resources[0]).toMatchObject({ resourceType: 0, value: 2 });

    expect(() => client.submitOne(tasks.custom("app/none", "").withLabel("L"))).toThrow(
      /knows no task type for task "L" \(app\/none\)/,
    );
    const gpu = { resources: [{ name: "app/gpus", value: 2 }] };
    expect(() => client.submitOne(tasks.custom("app/solve", "", [], { request: gpu }))).toThrow(
      /knows no resource "app\/gpus"/,
    );
    // Nothing was sent, no id was used.
    expect(client.submitOne(tasks.const("")).id).toBe(2);
  });

  it("sends priorities, estimates and what becomes of unsatisfiable requests", async () => {
    const { server, client } = await connectClient();
    const task = tasks
      .const("")
      .withPriority(-3)
      .withEstimate({ ms: 0.5, bytes: 2 ** 40 });
    client.submitOne(tasks.size(task), { whenUnsatisfiable: "refuse" });
    client.submitOne(tasks.const(""), { whenUnsatisfiable: "wait" });
    client.submitOne(tasks.const(""));
    const plans = [await server.take("PLAN"), await server.take("PLAN"), await server.take("PLAN")];
    expect(plans[0].plan?.tasks[0]).toMatchObject({
      priority: -3,
      expectedMs: 0.5,
      expectedBytes: 2 ** 40,
    });
    expect(plans.map(({ plan }) => plan?.whenUnsatisfiable)).toEqual([
      Unsatisfiable.refuse,
      Unsatisfiable.wait,
      Unsatisfiable.default,
    ]);
    for (const wrong of ["no", "default", true]) {
      const options = { whenUnsatisfiable: wrong as "wait" };
      expect(() => client.submitOne(task, options)).toThrow(
        /whenUnsatisfiable must be "wait" or "refuse", got (no|default|true)/,
      );
    }
    const request = { resources: [{ name: "loom/resource/gpus", value: -1 }] };
    expect(() => client.submitOne(task.withRequest(request))).toThrow(/asks for -1 gpus/);
  });

  it.each(vectors.requests)("sends the request $variants byte for byte", ({ variants, hex }) => {
    const [first, ...others] = variants.map((amounts) => resources(amounts));
    const request = others.length === 0 ? first : anyOf(first, ...others);
    expect(encodedHex(tasks.const("").withRequest(request))).toContain(hex);
  });

  it.each(vectors.tasks)("sends the hints $hints byte for byte", ({ hints, hex }) => {
    expect(encodedHex(tasks.custom("loom/data/const", "x", [], hints))).toContain(hex);
  });

  it("carries a chain of 100,000 tasks", async () => {
    const { server, client } = await connectClient();
    let task = tasks.const("x");
    for (let i = 1; i < 100_000; i++) task = tasks.merge([task]);
    const start = performance.now();
    const future = client.submitOne(task);
    console.log(`chain of 100,000 tasks submitted in ${Math.round(performance.now() - start)} ms`);
    const { plan } = await server.take("PLAN");
    expect(plan?.tasks.length).toBe(100_000);
    expect(plan?.tasks.every(({ inputIds }, i) => i === 0 || inputIds[0] === i - 1)).toBe(true);
    server.finishWith(future.id, "x");
    expect(String(await future.gather())).toBe("x");
  });

  it("carries 100,000 results and gathers them", async () => {
    const { server, client } = await connectClient();
    const start = performance.now();
    const futures = client.submit(Array.from({ length: 100_000 }, (_, i) => tasks.const(`${i}`)));
    const submitted = performance.now();
    await server.take("PLAN");
    for (const { id } of futures) server.values.set(id, `${id}`);
    server.finish(...futures.map(({ id }) => id));
    const gathering = performance.now();
    const values = await client.gather(futures);
    console.log(
      `100,000 results submitted in ${Math.round(submitted - start)} ms, gathered in ${Math.round(performance.now() - gathering)} ms`,
    );
    expect(values.every((value, i) => value.toString() === `${i}`)).toBe(true);
    expect((await server.take("RELEASE_MANY")).ids.length).toBe(100_000);
  });

  it("refuses cycles at once", async () => {
    const { client } = await connectClient();
    const inputs: Task[] = [];
    const task = new Task("loom/data/merge", new Uint8Array(0), inputs).withLabel("knot");
    inputs.push(task);
    expect(() => client.submitOne(task)).toThrow(/task "knot" \(loom\/data\/merge\) needs its own/);
    expect(() => client.submit([undefined as never])).toThrow(/only tasks can be submitted/);
  });
});

describe("a refused plan", () => {
  it("rejects its futures and no others", async () => {
    const { server, client } = await connectClient();
    const good = client.submitOne(tasks.const("a"));
    const [bad, worse] = client.submit([tasks.split(tasks.const("b")), tasks.const("c")]);
    server.sendError({
      refusedPlan: 1,
      id: 2,
      errorMsg: "task 2 has a config that makes no sense",
    });
    await expect(bad.gather()).rejects.toMatchObject({
      code: "plan",
      message: "task 2 has a config that makes no sense",
    });
    await expect(worse.gather()).rejects.toMatchObject({ code: "plan" });
    server.finish(good.id);
    await good.wait();
    await roundTrip(client, server);
    expect(server.untaken).toEqual(["PLAN", "PLAN"]);
  });

  it("with id_base 0 is told from other errors", async () => {
    const { server, client } = await connectClient();
    const future = client.submitOne(tasks.const("a"));
    server.sendError({ refusedPlan: 0, errorMsg: "no" });
    await expect(future.wait()).rejects.toMatchObject({ code: "plan", message: "no" });
  });
});

describe("a failed input", () => {
  it("is left to the server, which fails what needs it", async () => {
    const { server, client } = await connectClient();
    const input = client.submitOne(tasks.const("a"));
    server.fail(input.id, [input.id], "disk full");
    const failure = await input.wait().catch((error: unknown) => error);
    const [user, bystander] = client.submit([tasks.merge([input]), tasks.const("b")]);
    await server.take("PLAN");
    expect((await server.take("PLAN")).plan?.tasks[0].inputIds).toEqual([input.id]);
    server.fail(input.id, [user.id], "disk full");
    server.finish(bystander.id);
    await expect(user.wait()).rejects.toThrow((failure as Error).message);
    await bystander.wait();
    client.release([input, user, bystander]);
    expect((await server.take("RELEASE_MANY")).ids).toEqual([0, 1, 2]);
  });
});

describe("a signal given to submit", () => {
  it("releases what is not there yet, and cancels who waits for it", async () => {
    const { server, client } = await connectClient();
    const abort = new AbortController();
    const options = { signal: abort.signal };
    const [a, b] = client.submit([tasks.const("a"), tasks.const("b")], options);
    server.finishWith(a.id, "a");
    await a.wait();
    const waiting = expect(b.wait()).rejects.toMatchObject({ code: "cancelled" });
    abort.abort();
    await waiting;
    expect((await server.take("RELEASE_MANY")).ids).toEqual([b.id]);
    expect([a.status, b.status]).toEqual(["finished", "released"]);
    await expect(b.fetch()).rejects.toMatchObject({ code: "cancelled" });
    expect(String(await a.gather())).toBe("a");
    expect(() => client.submitOne(tasks.merge([b]))).toThrow(/unusable input: .*cancelled/);
    expect(() => client.submitOne(tasks.const("c"), options)).toThrow(/cancelled/);
  });
});

describe("questions about the cluster", () => {
  it("are answered", async () => {
    const { server, client } = await connectClient();
    const stats = client.stats();
    await server.take("STATS");
    server.sendStats({ nWorkers: 3, nDataObjects: 20, nTasks: 7, nClients: 2 });
    expect(await stats).toEqual({ workers: 3, objects: 20, tasks: 7, clients: 2 });

    const status = client.status();
    const answer = { version: "1.2.3", uptimeMs: 5, workers: [], clients: 1 };
    server.sendChunk(await server.take("STATUS"), Buffer.from(JSON.stringify(answer)));
    expect(await status).toEqual(answer);

    const broken = expect(client.status()).rejects.toMatchObject({ code: "protocol" });
    server.sendChunk(await server.take("STATUS"), Buffer.from("{"));
    await broken;
    const refused = expect(client.status()).rejects.toThrow("not now");
    const { requestId } = await server.take("STATUS");
    server.sendError({ requestId, errorMsg: "not now" });
    await refused;
  });

  it("about progress come by themselves", async () => {
    const { server, client } = await connectClient();
    const seen: unknown[] = [];
    const stop = client.onProgress((progress) => seen.push(progress));
    const label = (name: string, finished: number, total = 3) => {
      return { name, total, finished, running: 0, failed: 0 };
    };
    type Labels = ReturnType<typeof label>[];
    const send = (nFinished: number, nUnfinished: number, nFailed: number, labels: Labels = []) =>
      server.send({ type: ClientResponseType.PROGRESS, nFinished, nUnfinished, nFailed, labels });
    send(1, 2, 0, [label("a", 0), label("b", 0)]);
    // Only what has changed is told; a label without tasks is gone.
    send(2, 0, 1, [label("b", 1)]);
    send(3, 0, 1, [label("a", 0, 0)]);
    await roundTrip(client, server);
    stop();
    stop();
    send(9, 9, 9);
    await roundTrip(client, server);
    expect(seen).toEqual([
      { finished: 1, total: 3, failed: 0, labels: [label("a", 0), label("b", 0)] },
      { finished: 2, total: 3, failed: 1, labels: [label("a", 0), label("b", 1)] },
      { finished: 3, total: 4, failed: 1, labels: [label("b", 1)] },
    ]);
  });
});

describe("setTrace", () => {
  it("sends an absolute path and takes the error for it", async () => {
    const { server, client } = await connectClient();
    const good = client.setTrace("/shared/trace");
    expect((await server.take("TRACE")).tracePath).toBe("/shared/trace");
    await server.take("STATS");
    server.sendStats();
    await good;

    const bad = expect(client.setTrace("trace")).rejects.toMatchObject({
      code: "usage",
      message: "cannot write there",
    });
    expect((await server.take("TRACE")).tracePath).toBe(`${process.cwd()}/trace`);
    await server.take("STATS");
    server.sendError({ errorMsg: "cannot write there" });
    server.sendStats();
    await bad;
  });
});
