/**
 * Clients, and who knows what else connects, that send nonsense: one ERROR line that says what
 * is wrong, then that connection is closed; nobody else notices.
 */
import { existsSync } from "node:fs";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { Answer, Ask, type ClassicClient } from "./classic-client.js";
import { useCluster } from "./cluster.js";
import { frameLength } from "./frame-socket.js";

const cluster = useCluster(2);

/** The client is told why once, then its connection is closed. */
async function expectRefused(client: ClassicClient, why: RegExp): Promise<void> {
  const { message } = await client.error();
  expect(message).toMatch(why);
  expect(message).not.toMatch(/\n|internal error/);
  await client.closedByServer();
  expect(client.socket.peerEnded).toBe(true);
  expect(client.untaken()).toEqual([]);
}

/** A client with a result that is held and one that is being computed. */
async function bystander(): Promise<() => Promise<void>> {
  const client = await cluster.client();
  const plan = client.plan();
  const held = plan.const("held", true);
  const slow = plan.shell("head -c 10000000 /dev/zero | cksum");
  client.submit(plan);
  await client.finished(held);
  return async () => {
    await client.finished(slow);
    expect(await client.fetch(held)).toBe("held");
    client.close();
  };
}

let bystanderIsFine: () => Promise<void>;

beforeEach(async () => {
  bystanderIsFine = await bystander();
});

// Runs before the cluster's own: the last one registered is the first.
afterEach(async () => {
  await bystanderIsFine();
  await cluster.checkWorks();
});

describe("the first frame", () => {
  it.each([0, 1, 3, -2])("with protocol version %i", async (protocolVersion) => {
    const client = await cluster.stranger();
    client.register({ protocolVersion });
    await expectRefused(client, /protocol version .* not supported, this server speaks version 2$/);
  });

  it.each([
    ["no bytes", ""],
    ["text", "hello there"],
    ["zeros", "\0\0\0\0"],
    ["a truncated Register", "\x08"],
    ["a Register of an unknown type", "\x08\x02\x10\x09"],
    ["a Register without a version", "\x10\x02"],
  ])("of %s", async (_, bytes) => {
    const client = await cluster.stranger();
    client.socket.sendFrame(Buffer.from(bytes, "latin1"));
    await expectRefused(client, /^malformed Register: /);
  });

  it("that is a request of another protocol", async () => {
    const client = await cluster.stranger();
    client.socket.sendRaw(Buffer.from("GET / HTTP/1.1\r\nHost: x\r\n\r\n"));
    await expectRefused(client, /^the other side speaks HTTP, which has a port of its own/);
  });

  it.each([2n ** 31n + 1n, 2n ** 40n, 2n ** 64n - 1n])("announced with %i bytes", async (size) => {
    const client = await cluster.stranger();
    client.socket.sendRaw(frameLength(size));
    await expectRefused(client, /^a frame of \d+ bytes was announced/);
  });

  it("that never comes whole", async () => {
    for (const bytes of [[], [4], [4, 0, 0, 0, 0, 0, 0, 0], [4, 0, 0, 0, 0, 0, 0, 0, 8, 2]]) {
      const client = await cluster.stranger();
      client.socket.sendRaw(Buffer.from(bytes));
      client.socket.end();
      await client.closedByServer();
      expect(client.untaken()).toEqual([]);
    }
  });

  it("that comes byte by byte is taken", async () => {
    const client = await cluster.stranger();
    for (const byte of [4, 0, 0, 0, 0, 0, 0, 0, 8, 2, 16, 2]) {
      client.socket.sendRaw(Buffer.from([byte]));
    }
    await client.take(Answer.DICTIONARY);
  });
});

describe("requests", () => {
  it.each([
    ["an empty frame", Buffer.alloc(0), /^malformed .*type is missing/],
    ["an unknown type", Buffer.from([8, 99]), /99/],
    ["a type of another sort", Buffer.from([10, 1, 65]), /^malformed /],
    ["text", Buffer.from("text"), /^malformed /],
    ["a PLAN without a plan", Buffer.from([8, 1]), /^malformed PLAN request: the plan is missing/],
    ["a truncated PLAN", Buffer.from([8, 1, 18, 5, 1, 2]), /^malformed PLAN request: /],
    ["a task without a type", Buffer.from([8, 1, 18, 2, 18, 0]), /task_type of task 0 is missing/],
    ["a task without a config", Buffer.from([8, 1, 18, 4, 18, 2, 8, 4]), /config of task 0/],
    [
      "a resource without a value",
      Buffer.from([8, 1, 18, 6, 10, 4, 10, 2, 8, 3]),
      /malformed ResourceRequest: resources\.value is missing/,
    ],
  ])("%s", async (_, bytes, why) => {
    const client = await cluster.client();
    client.socket.sendFrame(bytes);
    client.send({ type: Ask.STATS });
    await expectRefused(client, why);
  });

  it("a second Register", async () => {
    const client = await cluster.client();
    client.register();
    await expectRefused(client, /^malformed ClientRequest/);
  });

  it("a frame that is too long", async () => {
    const client = await cluster.client();
    client.socket.sendRaw(frameLength(2n ** 50n));
    await expectRefused(client, /^a frame of \d+ bytes was announced/);
  });

  it("what comes after the malformed one is not looked at, even while files are", async () => {
    const client = await cluster.client();
    const saved = cluster.path("not to be saved");
    const plan = client.plan();
    plan.add("loom/data/const", { checkpointPath: cluster.path("none"), result: true });
    client.submit(plan, { loadCheckpoints: true });
    client.socket.sendFrame(Buffer.from("garbage"));
    client.socket.sendFrame(Buffer.from("garbage"));
    const next = client.plan();
    next.add("loom/data/save", { inputs: [next.const("x")], config: saved });
    client.submit(next);
    client.send({ type: Ask.FETCH, id: 12345 });
    await client.closedByServer();
    expect(client.untaken(Answer.ERROR)).toHaveLength(1);
    await cluster.checkWorks();
    expect(existsSync(saved)).toBe(false);
  });

  it("a malformed one releases what its client holds, even if that does not hang up", async () => {
    const client = await cluster.stranger(true);
    client.register();
    client.symbols = (await client.take(Answer.DICTIONARY)).message.symbols;
    await client.evaluate((plan) => plan.const("held", true));
    const other = await cluster.client();
    expect((await other.stats()).clients).toBe(3);
    client.socket.sendFrame(Buffer.from("garbage"));
    await client.error();
    // Told and let go in the same turn.
    expect((await other.stats()).clients).toBe(2);
    expect(client.socket.isClosed).toBe(false);
  });
});
