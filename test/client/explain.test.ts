/** Explanations and notices, with a scripted server. */
import { describe, expect, it } from "vitest";
import { Client, tasks } from "../../src/client/index.js";
import { ClientResponseType } from "../../src/protocol/index.js";
import type { FakeServer } from "./fake-server.js";
import { connectClient, roundTrip } from "./harness.js";

const EXPLANATION = { query: "x", tasks: [], more: 0, complete: true, text: "task 1 is ready" };

async function answer(server: FakeServer, text = JSON.stringify(EXPLANATION)) {
  const request = await server.take("EXPLAIN");
  server.sendChunk(request, new TextEncoder().encode(text));
  const { id, query } = request;
  return {
    id: Object.hasOwn(request, "id") ? id : undefined,
    query: Object.hasOwn(request, "query") ? query : undefined,
  };
}

describe("explain", () => {
  it("asks for a future, an id of this client, or a text; gives what the server says", async () => {
    const { server, client } = await connectClient();
    const future = client.submit([tasks.const("a"), tasks.const("b")])[1];
    const wanted = [
      [future, { id: 1 }],
      [0, { id: 0 }],
      [2 ** 31 - 1, { id: 2 ** 31 - 1 }],
      ["5", { query: "5" }],
      ["2:5", { query: "2:5" }],
      ["läbel", { query: "läbel" }],
      ["", { query: "" }],
    ] as const;
    for (const [task, asked] of wanted) {
      const explanation = client.explain(task);
      expect(await answer(server)).toEqual({ id: undefined, query: undefined, ...asked });
      expect(await explanation).toEqual(EXPLANATION);
    }
  });

  it.each([
    [-1, /integers from 0 to 2147483647, got -1/],
    [1.5, /got 1.5/],
    [2 ** 31, /got 2147483648/],
    [Number.NaN, /got NaN/],
    [undefined as unknown as string, /explain takes a future, an id, or a text/],
    [{ id: 5 } as unknown as string, /explain takes a future/],
  ])("refuses %j", async (task, message) => {
    const { server, client } = await connectClient();
    await expect(client.explain(task)).rejects.toMatchObject({
      code: "usage",
      message: expect.stringMatching(message),
    });
    expect(server.untaken).toEqual([]);
  });

  it("refuses a future of another client", async () => {
    const { server, client } = await connectClient();
    const other = await Client.connect(server.address);
    const future = other.submitOne(tasks.const("a"));
    await expect(client.explain(future)).rejects.toThrow(
      /the future with id 0 is of another client/,
    );
    await other.close();
  });

  it("rejects with the server's error; what is no JSON; when it is aborted or lost", async () => {
    const { server, client } = await connectClient();
    const unknown = client.explain("x");
    const { requestId } = await server.take("EXPLAIN");
    server.sendError({ requestId, errorMsg: 'no task has the id or label "x"' });
    await expect(unknown).rejects.toMatchObject({ code: "task", message: /^no task has the id/ });
    const broken = client.explain("x");
    await answer(server, "{");
    await expect(broken).rejects.toThrow(/^the server's explanation is no JSON: /);
    const aborted = client.explain("x", { signal: AbortSignal.abort() });
    await expect(aborted).rejects.toMatchObject({ code: "cancelled" });
    const lost = client.explain("x");
    server.drop();
    await expect(lost).rejects.toMatchObject({ code: "connection" });
    await expect(client.explain("x")).rejects.toMatchObject({ code: "connection" });
  });
});

describe("a notice", () => {
  async function warnings(act: () => Promise<void>): Promise<string[]> {
    const told: string[] = [];
    const listener = (warning: Error) => told.push(`${warning.name}: ${warning.message}`);
    process.on("warning", listener);
    try {
      await act();
      // Warnings are emitted in the next tick.
      await new Promise((resolve) => setImmediate(resolve));
    } finally {
      process.off("warning", listener);
    }
    return told;
  }

  const notify = (server: FakeServer, notice?: string) =>
    server.send({ type: ClientResponseType.NOTICE, notice });

  it("becomes a warning of the process, each text once", async () => {
    const { server, client } = await connectClient();
    const told = await warnings(async () => {
      for (const text of ["tasks wait", "tasks wait", "others wait"]) notify(server, text);
      await roundTrip(client, server);
    });
    const from = `LoomWarning: HyperLoom server ${server.address}:`;
    expect(told).toEqual([`${from} tasks wait`, `${from} others wait`]);
  });

  it("goes to those who listen instead, each time", async () => {
    const { server, client } = await connectClient();
    const heard: string[] = [];
    const stop = client.onNotice((text) => heard.push(text));
    const told = await warnings(async () => {
      for (const text of ["a", "a"]) notify(server, text);
      await roundTrip(client, server);
      expect(heard).toEqual(["a", "a"]);
      stop();
      notify(server, "b");
      await roundTrip(client, server);
    });
    expect(heard).toEqual(["a", "a"]);
    expect(told).toHaveLength(1);
    expect(told[0]).toMatch(/: b$/);
  });

  it("without a text is an empty one", async () => {
    const { server, client } = await connectClient();
    const heard: string[] = [];
    client.onNotice((text) => heard.push(text));
    notify(server);
    await roundTrip(client, server);
    expect(heard).toEqual([""]);
  });
});
