/** The extensions of the client protocol: for clients with client_features = 1. */
import { existsSync, writeFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { Answer, Ask, type ClassicClient, type Received } from "./classic-client.js";
import { useCluster } from "./cluster.js";
import { waitFor } from "./deadline.js";

const cluster = useCluster(2);
const OWN = { features: 1 };

async function finishedMany(client: ClassicClient, count: number): Promise<number[]> {
  const ids: number[] = [];
  while (ids.length < count) ids.push(...(await client.take(Answer.FINISHED_MANY)).message.ids);
  return ids;
}

/** A READ or OUTPUT and its answer: CHUNK, or ERROR with the same request_id. */
async function ask(
  client: ClassicClient,
  request: Parameters<ClassicClient["send"]>[0] & { requestId: number },
): Promise<Received> {
  client.send(request);
  return client.takeIf(
    ({ message: { chunk, error } }) => (chunk ?? error)?.requestId === request.requestId,
    `the answer to request ${request.requestId}`,
  );
}

describe("OUTPUT", () => {
  it("shows what a program has written while it runs, from any offset", async () => {
    const client = await cluster.client(OWN);
    const [ready, go] = [cluster.path("ready"), cluster.path("go")];
    const plan = client.plan();
    const id = plan.shell(
      `echo one; echo two; echo bad >&2; touch ${ready}; while [ ! -e ${go} ]; do :; done; echo three`,
    );
    client.submit(plan);
    await waitFor(() => existsSync(ready), "the program has written");
    let requestId = 0;
    const output = async (stream: string, offset: bigint, maxSize: number) => {
      requestId++;
      const { message, frames } = await ask(client, {
        type: Ask.OUTPUT,
        id,
        stream,
        offset,
        maxSize,
        requestId,
      });
      const { totalSize, ended } = message.chunk!;
      return { totalSize, ended, text: String(frames[0]) };
    };
    expect(await output("stdout", 0n, 1000)).toEqual({
      totalSize: 8n,
      ended: false,
      text: "one\ntwo\n",
    });
    expect((await output("stdout", 4n, 3)).text).toBe("two");
    expect((await output("stderr", 0n, 1000)).text).toBe("bad\n");
    expect(await output("stdout", 2n ** 60n, 10)).toMatchObject({ totalSize: 8n, text: "" });
    writeFileSync(go, "");
    expect(await finishedMany(client, 1)).toEqual([id]);
    expect(await output("stdout", 0n, 1000)).toMatchObject({ ended: true });
    expect(await client.fetch(id)).toBe("one\ntwo\nthree\n");
  });

  it("of a task that waits is empty and goes on, of an unknown one it has ended", async () => {
    const client = await cluster.client(OWN);
    const plan = client.plan();
    const blocker = plan.shell("while true; do :; done", { cpus: 2 });
    const waits = plan.shell("echo", { inputs: [blocker], mapInputs: ["+in"] });
    client.submit(plan);
    const request = { type: Ask.OUTPUT, stream: "stdout", maxSize: 10 };
    const waiting = await ask(client, { ...request, id: waits, requestId: 1 });
    expect(waiting.message.chunk).toMatchObject({ totalSize: 0n, ended: false });
    const unknown = await ask(client, { ...request, id: 77, requestId: 2 });
    expect(unknown.message.chunk).toMatchObject({ totalSize: 0n, ended: true });
  });

  it("of a stream that does not exist is an ERROR", async () => {
    const client = await cluster.client(OWN);
    const { message } = await ask(client, { type: Ask.OUTPUT, stream: "log", requestId: 5 });
    expect(message.error!.errorMsg).toBe('output: the stream is "stdout" or "stderr", not "log"');
  });
});

describe("READ", () => {
  const read = (client: ClassicClient, id: number, offset: bigint, maxSize: number) =>
    ask(client, { type: Ask.READ, id, offset, maxSize, requestId: Number(offset % 1000n) + 1 });

  it("delivers ranges of the frames with their lengths", async () => {
    const client = await cluster.client(OWN);
    const plan = client.plan();
    const small = plan.const("small", true);
    const large = plan.const("L".repeat(100_000), true);
    const array = plan.result("loom/array/make", { inputs: [small, large] });
    client.submit(plan);
    await finishedMany(client, 3);
    const whole = await read(client, small, 0n, 1000);
    expect(whole.message.chunk).toMatchObject({ totalSize: 13n, nMessages: 1n });
    expect(whole.frames[0]).toEqual(Buffer.from("\x05\0\0\0\0\0\0\0small"));
    expect(String((await read(client, small, 9n, 3)).frames[0])).toBe("mal");
    expect((await read(client, large, 100_000n, 1000)).frames[0]).toHaveLength(8);
    const { message } = await read(client, array, 0n, 10);
    expect(message.chunk).toMatchObject({
      totalSize: BigInt(8 + 8 + 8 + 5 + 8 + 100_000),
      nMessages: 3n,
      typeId: client.symbol("loom/array"),
    });
  });

  it.each([2n ** 31n, 2n ** 53n, 2n ** 60n, 2n ** 64n - 1n])(
    "beyond the end, from %i: nothing, and nothing is lost",
    async (offset) => {
      const client = await cluster.client(OWN);
      const plan = client.plan();
      const small = plan.const("small", true);
      const large = plan.const("L".repeat(1000), true);
      client.submit(plan);
      await finishedMany(client, 2);
      const { message: before } = await read(client, large, 0n, 1);
      for (const id of [small, large]) {
        const { message, frames } = await read(client, id, offset, 100);
        expect(message.chunk).toBeDefined();
        expect(frames[0]).toHaveLength(0);
      }
      const { message: after } = await read(client, large, 1n, 1);
      expect(after.chunk!.version).toBe(before.chunk!.version);
    },
  );

  it("of a failed result, of an unknown id: an ERROR with the request's id", async () => {
    const client = await cluster.client(OWN);
    const plan = client.plan();
    const id = plan.shell("echo wrong >&2; exit 5", { label: "my step" });
    client.submit(plan);
    const { message: failure } = await client.take(Answer.TASK_FAILED);
    expect(failure.error).toMatchObject({
      id,
      label: "my step",
      taskType: "loom/run/run",
      exitStatus: 5,
      lostResults: [id],
    });
    expect(String(Buffer.from(failure.error!.stderr))).toBe("wrong\n");
    const failed = await read(client, id, 0n, 10);
    expect(failed.message.error).toMatchObject({ id, exitStatus: 5 });
    const unknown = await read(client, 99, 0n, 10);
    expect(unknown.message.error!.errorMsg).toContain("task 99 is not a result");
  });
});

describe("other extensions", () => {
  it("a refused plan is told by its first id", async () => {
    const client = await cluster.client(OWN);
    client.nextId = 40;
    const plan = client.plan();
    const id = plan.result("loom/base/size", { inputs: [41] });
    client.submit(plan);
    const { message } = await client.take(Answer.ERROR);
    expect(message.error).toMatchObject({ id, refusedPlan: 40 });
  });

  it("every failed task is told, with the results that are lost", async () => {
    const client = await cluster.client(OWN);
    const plan = client.plan();
    const bad = [0, 1].map((i) => plan.add("loom/data/open", { config: `/no/such/${i}` }));
    const users = bad.map((id) => plan.result("loom/base/size", { inputs: [id] }));
    client.submit(plan);
    const told = [await client.take(Answer.TASK_FAILED), await client.take(Answer.TASK_FAILED)];
    const errors = told.map(({ message }) => message.error!).sort((a, b) => a.id - b.id);
    expect(errors.map(({ id }) => id)).toEqual(bad);
    expect(errors.map(({ lostResults }) => lostResults)).toEqual(users.map((id) => [id]));
  });

  it("RELEASE_MANY passes over ids that are not held", async () => {
    const client = await cluster.client(OWN);
    const plan = client.plan();
    const ids = [plan.const("a", true), plan.const("b", true), plan.const("c")];
    client.submit(plan);
    await finishedMany(client, 2);
    client.send({ type: Ask.RELEASE_MANY, ids: [...ids, ids[0], -1, 1e6] });
    expect((await client.stats()).objects).toBe(0);
    expect(client.untaken(Answer.ERROR)).toEqual([]);
  });

  it("STATUS describes the cluster", async () => {
    const client = await cluster.client(OWN);
    const { frames } = await ask(client, { type: Ask.STATUS, requestId: 3 });
    const status = JSON.parse(String(frames[0]));
    expect(status).toMatchObject({ clients: 1, workers: [{ cpus: 2, index: 0 }] });
    expect(status.workers[0].address).toBe(cluster.workers[0].address);
  });
});
