/** Kept tasks (the code of functions): sent once per client, refused, lost, garbage, counted. */
import { serialize as serializeValue, setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type Client, tasks } from "../../src/client/index.js";
import { Task } from "../../src/graph/index.js";
import { builtinSymbol } from "../../src/protocol/index.js";
import type { FakeServer } from "./fake-server.js";
import { connectClient, roundTrip } from "./harness.js";

function keptTask(content = "code"): Task {
  const task = tasks.const(content);
  task.kept = true;
  return task;
}

const call = (code: Task, ...inputs: Task[]) =>
  new Task("loom/js/call", new Uint8Array(1), [code, ...inputs]);

async function takePlan(server: FakeServer) {
  const { plan } = await server.take("PLAN");
  return plan!.tasks.map(({ config, inputIds, result }) => ({
    config: Buffer.from(config).toString(),
    inputIds,
    result,
  }));
}

async function stats(client: Client, server: FakeServer, nDataObjects: number): Promise<number> {
  const asked = client.stats();
  await server.take("STATS");
  server.sendStats({ nWorkers: 1, nDataObjects, nTasks: 0, nClients: 1 });
  return (await asked).objects;
}

describe("a kept task", () => {
  it("is sent with the first plan only, as a result", async () => {
    const { server, client } = await connectClient();
    const code = keptTask();
    client.submit([call(code), call(code)]);
    expect(await takePlan(server)).toEqual([
      { config: "code", inputIds: [], result: true },
      { config: "\0", inputIds: [0], result: true },
      { config: "\0", inputIds: [0], result: true },
    ]);
    const second = client.submitOne(call(code, tasks.const("x"), call(code)));
    expect(second.id).toBe(5);
    expect(await takePlan(server)).toEqual([
      { config: "x", inputIds: [], result: false },
      { config: "\0", inputIds: [0], result: false },
      { config: "\0", inputIds: [0, 3, 4], result: true },
    ]);
    const other = await connectClient();
    other.client.submitOne(call(code));
    expect(await takePlan(other.server)).toHaveLength(2);
  });

  it("does not count in stats once it is there", async () => {
    const { server, client } = await connectClient();
    // Held: it is forgotten when it is garbage.
    const code = keptTask();
    const future = client.submitOne(call(code));
    expect(await stats(client, server, 0)).toBe(0);
    server.finish(0);
    expect(await stats(client, server, 1)).toBe(0);
    server.finish(future.id);
    expect(await stats(client, server, 2)).toBe(1);
    future.release();
    expect(await stats(client, server, 1)).toBe(0);
    expect(code.kept).toBe(true);
  });

  it("is sent again when its plan was refused", async () => {
    const { server, client } = await connectClient();
    const code = keptTask();
    const future = client.submitOne(call(code));
    await server.take("PLAN");
    server.sendError({ refusedPlan: 0, errorMsg: "no" });
    await expect(future.wait()).rejects.toThrow("no");
    const again = client.submitOne(call(code));
    expect(await takePlan(server)).toEqual([
      { config: "code", inputIds: [], result: true },
      { config: "\0", inputIds: [2], result: true },
    ]);
    // Nothing of a refused plan is held.
    await roundTrip(client, server);
    expect(server.untaken).toEqual([]);
    expect(again.id).toBe(3);
  });

  it("is sent again when it was lost", async () => {
    const { server, client } = await connectClient();
    const code = keptTask();
    const first = client.submitOne(call(code));
    server.finish(0, 1);
    server.fail(0, [0], "lost");
    await roundTrip(client, server);
    const again = client.submitOne(call(code));
    expect((await server.take("RELEASE_MANY")).ids).toEqual([0]);
    await server.take("PLAN");
    expect(await takePlan(server)).toHaveLength(2);
    expect([first.id, again.id]).toEqual([1, 3]);
  });

  it("is released when it is garbage", async () => {
    setFlagsFromString("--expose-gc");
    const collect = runInNewContext("gc") as () => void;
    const { server, client } = await connectClient();
    (() => client.submitOne(call(keptTask())))();
    await server.take("PLAN");
    server.finish(0, 1);
    const released: number[] = [];
    while (!released.includes(0)) {
      let got = false;
      server.take("RELEASE_MANY").then(({ ids }) => {
        released.push(...ids);
        got = true;
      });
      while (!got) {
        collect();
        await new Promise((resolve) => setImmediate(resolve));
      }
    }
  });

  it("may be asked for like any other", async () => {
    const { server, client } = await connectClient();
    const code = keptTask();
    client.submitOne(call(code));
    await server.take("PLAN");
    const [, future] = client.submit([call(code), code]);
    expect(future.id).toBe(2);
    server.finish(2);
    await future.wait();
    expect(await takePlan(server)).toEqual([
      { config: "code", inputIds: [], result: true },
      { config: "\0", inputIds: [2], result: true },
    ]);
  });

  it("is found in any plan, in any order", async () => {
    const { server, client } = await connectClient();
    const codes = [keptTask("0"), keptTask("1"), keptTask("2")];
    const first: (number | undefined)[] = [];
    let nextId = 0;
    const plans = fc.array(fc.array(fc.nat(2), { minLength: 1, maxLength: 5 }), { maxLength: 5 });
    await fc.assert(
      fc.asyncProperty(plans, async (uses) => {
        for (const calls of uses) {
          client.submit(calls.map((use) => call(codes[use])));
          const { plan } = await server.take("PLAN");
          const sent = plan!.tasks.map(({ config }) => Buffer.from(config).toString());
          plan!.tasks.forEach((task, i) => {
            const code = codes.findIndex(
              (one) => one.config.length === 1 && sent[i] === one.config.toString(),
            );
            if (task.inputIds.length === 0) first[code] ??= nextId + i;
          });
          const used = plan!.tasks.filter(({ inputIds }) => inputIds.length > 0);
          expect(used.map(({ inputIds }) => inputIds[0])).toEqual(calls.map((use) => first[use]));
          nextId += plan!.tasks.length;
        }
      }),
    );
    expect(nextId).toBeGreaterThan(3);
  });
});

describe("JavaScript values", () => {
  it("come back as they are, alone and in arrays", async () => {
    const { server, client } = await connectClient();
    const value = { when: new Date(0), list: new Map([["a", new Float64Array(2)]]), big: 1n };
    const typeId = builtinSymbol("loom/jsobj");
    const frame = (bytes: Uint8Array) => {
      const length = Buffer.alloc(8);
      length.writeBigUInt64LE(BigInt(bytes.length));
      return Buffer.concat([length, bytes]);
    };
    const form = frame(serializeValue(value));
    const types = Buffer.alloc(8);
    types.writeUInt32LE(typeId, 0);
    types.writeUInt32LE(builtinSymbol("loom/data"), 4);
    const array = Buffer.concat([frame(types), form, frame(Buffer.from("x"))]);
    const cases: [bytes: Buffer, type: number, value: unknown][] = [
      [form, typeId, value],
      [array, builtinSymbol("loom/array"), [value, Buffer.from("x")]],
    ];
    for (const [bytes, type, expected] of cases) {
      const future = client.submitOne(tasks.const("a"));
      server.finish(future.id);
      const fetched = future.fetch();
      const more = { totalSize: BigInt(bytes.length), typeId: type };
      server.sendChunk(await server.take("READ"), bytes, more);
      expect(await fetched).toEqual(expected);
    }
    const future = client.submitOne(tasks.const("a"));
    server.finish(future.id);
    const fetched = expect(future.fetch()).rejects.toThrow(/JavaScript value that can't be read/);
    const bytes = frame(Buffer.from("nonsense"));
    server.sendChunk(await server.take("READ"), bytes, { totalSize: BigInt(bytes.length), typeId });
    await fetched;
  });
});
