/** Connecting, registering, losing the connection, closing. */
import { createServer, type Socket } from "node:net";
import { describe, expect, it } from "vitest";
import { Client, tasks } from "../../src/client/index.js";
import { ClientResponseType, encodeClientResponse } from "../../src/protocol/index.js";
import { listen } from "../../src/transport/index.js";
import { atEnd, connectClient, startServer } from "./harness.js";

/** Something that listens and is no HyperLoom server. */
async function startStranger(onConnection: (socket: Socket) => void): Promise<string> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on("error", () => {});
    onConnection(socket);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  atEnd(async () => {
    for (const socket of sockets) socket.destroy();
    await new Promise((resolve) => server.close(resolve));
  });
  const { port } = server.address() as { port: number };
  return `127.0.0.1:${port}`;
}

describe("connecting", () => {
  it("registers as a client that knows the extensions", async () => {
    const { server } = await connectClient();
    expect(server.register).toMatchObject({ protocolVersion: 2, type: 2, clientFeatures: 3 });
  });

  it("says when nobody listens", async () => {
    const listener = await listen("127.0.0.1", 0, () => ({ frame() {}, closed() {} }));
    await listener.close();
    await expect(Client.connect(`127.0.0.1:${listener.port}`)).rejects.toMatchObject({
      code: "connection",
      message: expect.stringContaining(`cannot connect to 127.0.0.1:${listener.port}`),
    });
  });

  it("says when something else listens", async () => {
    const http = await startStranger((socket) => {
      socket.on("data", () => socket.end("HTTP/1.1 400 Bad Request\r\n\r\n"));
    });
    await expect(Client.connect(http)).rejects.toMatchObject({
      code: "connection",
      message: expect.stringContaining(`${http} does not answer like a HyperLoom server`),
    });
    const closing = await startStranger((socket) => socket.on("data", () => socket.end()));
    await expect(Client.connect(closing)).rejects.toThrow(
      /does not answer like a HyperLoom server/,
    );
    const framed = await startStranger((socket) => {
      socket.write(Buffer.from([3, 0, 0, 0, 0, 0, 0, 0, 255, 255, 255]));
    });
    await expect(Client.connect(framed)).rejects.toThrow(
      /does not answer like a HyperLoom server \(malformed ClientResponse/,
    );
  });

  it("wants the dictionary first", async () => {
    const server = await listen("127.0.0.1", 0, (connection) => ({
      frame: () =>
        connection.send(encodeClientResponse({ type: ClientResponseType.FINISHED_MANY, ids: [1] })),
      closed() {},
    }));
    atEnd(() => server.close());
    await expect(Client.connect(`127.0.0.1:${server.port}`)).rejects.toThrow(
      /first message was not the dictionary/,
    );
  });

  it("reports why a server refuses it", async () => {
    const server = await listen("127.0.0.1", 0, (connection) => ({
      frame: () => {
        const error = { errorMsg: "version 3 is needed" };
        connection.send(encodeClientResponse({ type: ClientResponseType.ERROR, error }));
        connection.close();
      },
      closed() {},
    }));
    atEnd(() => server.close());
    await expect(Client.connect(`127.0.0.1:${server.port}`)).rejects.toMatchObject({
      code: "connection",
      message: `the server at 127.0.0.1:${server.port} refused this client: version 3 is needed`,
    });
  });

  it("can be cancelled while the server is silent", async () => {
    const abort = new AbortController();
    const silent = await startStranger((socket) => socket.on("data", () => abort.abort()));
    await expect(Client.connect(silent, { signal: abort.signal })).rejects.toMatchObject({
      code: "cancelled",
    });
    await expect(Client.connect(silent, { signal: AbortSignal.abort() })).rejects.toMatchObject({
      code: "cancelled",
    });
  });

  it("refuses wrong arguments", async () => {
    await expect(Client.connect("a:b:c")).rejects.toMatchObject({ code: "usage" });
    await expect(Client.connect("localhost:9010", { workers: 2 })).rejects.toMatchObject({
      code: "usage",
    });
    await expect(Client.connect({ workers: -1 })).rejects.toMatchObject({ code: "usage" });
  });

  it("goes where LOOM_SERVER says if no address is given", async () => {
    const server = await startServer();
    process.env.LOOM_SERVER = server.address;
    try {
      const client = await Client.connect({ workers: 2 });
      expect(server.register).toBeDefined();
      await client.close();
    } finally {
      delete process.env.LOOM_SERVER;
    }
  });
});

describe("a lost connection", () => {
  it("rejects everything that waits, and everything asked for later", async () => {
    const { server, client } = await connectClient();
    const [a, b, c] = client.submit([tasks.const("a"), tasks.const("b"), tasks.const("c")]);
    await server.take("PLAN");
    server.finish(b.id);
    await b.wait();
    const completed = client.asCompleted([a, c])[Symbol.asyncIterator]();
    const waiting = [
      a.wait(),
      a.fetch(),
      b.fetch(),
      client.wait([a, b, c]),
      client.stats(),
      client.status(),
      client.setTrace("/t"),
      b.readOutput("stdout"),
      b.stderr()[Symbol.asyncIterator]().next(),
    ];
    const next = completed.next();
    await server.take("READ");
    server.drop();
    for (const result of await Promise.allSettled(waiting)) {
      expect(result).toMatchObject({
        status: "rejected",
        reason: {
          code: "connection",
          message: expect.stringMatching(
            `^the connection to the server at ${server.address} was lost .*submit again$`,
          ),
        },
      });
    }
    expect((await next).value.status).toBe("failed");
    expect(c.status).toBe("failed");
    await expect(c.wait()).rejects.toMatchObject({ code: "connection" });
    await expect(b.fetch()).rejects.toMatchObject({ code: "connection" });
    await expect(client.stats()).rejects.toMatchObject({ code: "connection" });
    expect(() => client.submitOne(tasks.const("d"))).toThrow(/was lost/);
    b.release();
    await client.close();
  });

  it("does not make an unhandled rejection", async () => {
    const unhandled: unknown[] = [];
    const listener = (reason: unknown) => unhandled.push(reason);
    process.on("unhandledRejection", listener);
    try {
      const { server, client } = await connectClient();
      const future = client.submitOne(tasks.const("a"));
      await server.take("PLAN");
      server.drop();
      await client.close();
      expect(future.status).toBe("failed");
      await new Promise((resolve) => setImmediate(resolve));
      expect(unhandled).toEqual([]);
    } finally {
      process.off("unhandledRejection", listener);
    }
  });

  it("is what a server that sends nonsense gets", async () => {
    for (const nonsense of [
      Uint8Array.of(255, 255),
      encodeClientResponse({ type: ClientResponseType.CHUNK }),
      encodeClientResponse({ type: ClientResponseType.STATS }),
      encodeClientResponse({
        type: ClientResponseType.DATA,
        data: { id: 1, nMessages: 1n, typeId: 0 },
      }),
    ]) {
      const { server, client } = await connectClient();
      const future = client.submitOne(tasks.const("a"));
      await server.take("PLAN");
      server.sendRaw(nonsense);
      await expect(future.wait()).rejects.toMatchObject({
        code: "connection",
        message: expect.stringContaining(`server at ${server.address} was lost (`),
        cause: { code: "protocol" },
      });
      await server.clientGone();
    }
  });

  it("gives the server's own words if it said something before", async () => {
    const { server, client } = await connectClient();
    const warned = new Promise<Error>((resolve) => process.once("warning", resolve));
    const future = client.submitOne(tasks.const("a"));
    await server.take("PLAN");
    server.sendError({ errorMsg: "this plan makes no sense" });
    expect((await warned).message).toContain("this plan makes no sense");
    await server.close();
    await expect(future.wait()).rejects.toThrow(/was lost \(.*\)/);
  });
});

describe("closing", () => {
  it("rejects what waits and is idempotent", async () => {
    const { server, client } = await connectClient();
    const future = client.submitOne(tasks.const("a"));
    const waiting = expect(future.wait()).rejects.toMatchObject({
      code: "connection",
      message: "this client is closed; connect a new one",
    });
    await client.close();
    await client.close();
    await waiting;
    await server.clientGone();
    expect(() => client.submitOne(tasks.const("a"))).toThrow(/closed/);
  });

  it("happens at the end of an await using block", async () => {
    const server = await startServer();
    {
      await using client = await Client.connect(server.address);
      client.submitOne(tasks.const("a"));
    }
    await server.clientGone();
    expect(server.untaken).toEqual(["PLAN"]);
  });

  it("stops the server when asked to", async () => {
    const { server, client } = await connectClient();
    const future = client.submitOne(tasks.const("a"));
    const terminated = client.terminate();
    await server.take("TERMINATE");
    server.drop();
    await terminated;
    await expect(future.wait()).rejects.toThrow("this client has stopped its server");
  });
});
