import { createServer } from "node:net";
import { expect, it, onTestFinished } from "vitest";
import { LoomError } from "../../src/base/index.js";
import { type ConnectionHandler, connect, listen } from "../../src/transport/index.js";
import { pair, Recorder } from "./scripted.js";

const ignore: ConnectionHandler = { frame: () => {}, closed: () => {} };

async function errorOf(promise: Promise<unknown>): Promise<LoomError> {
  try {
    await promise;
  } catch (error) {
    expect(error).toBeInstanceOf(LoomError);
    return error as LoomError;
  }
  throw new Error("it did not fail");
}

/** Nothing listens on it; a port that was free a moment ago, something else may have taken by now. */
const UNUSED_PORT = 1;

it("a refused connection is explained", async () => {
  const error = await errorOf(connect("127.0.0.1", UNUSED_PORT, ignore));
  expect(error.code).toBe("connection");
  expect(error.message).toBe(
    `cannot connect to 127.0.0.1:${UNUSED_PORT}: connection refused; check that something listens there and that the port is right`,
  );
  expect(error.cause).toMatchObject({ code: "ECONNREFUSED" });
});

it("refusal is explained too when a name has several addresses", async () => {
  const error = await errorOf(connect("localhost", UNUSED_PORT, ignore));
  expect(error.message).toMatch(/^cannot connect to localhost:\d+: connection refused;/);
});

it("an unknown host is explained", async () => {
  const error = await errorOf(connect("no-such-host.invalid", 9010, ignore));
  expect(error.message).toMatch(
    /^cannot connect to no-such-host\.invalid:9010: .*host name.*; check its spelling/,
  );
});

it("wrong ports are usage errors", async () => {
  for (const port of [0, -1, 65536, 1.5, Number.NaN]) {
    expect((await errorOf(connect("127.0.0.1", port, ignore))).code).toBe("usage");
  }
  for (const port of [-1, 65536, 1.5, Number.NaN]) {
    expect((await errorOf(listen("127.0.0.1", port, () => ignore))).code).toBe("usage");
  }
});

it("an AbortSignal stops an attempt: cancelled, or timed out when it was a time limit", async () => {
  const before = AbortSignal.abort();
  expect((await errorOf(connect("127.0.0.1", 9, ignore, { signal: before }))).code).toBe(
    "cancelled",
  );

  const listener = await listen("127.0.0.1", 0, () => ignore);
  onTestFinished(() => listener.close());
  const controller = new AbortController();
  const attempt = connect("127.0.0.1", listener.port, ignore, { signal: controller.signal });
  controller.abort();
  expect((await errorOf(attempt)).code).toBe("cancelled");

  const late = new AbortController();
  const attempt2 = connect("127.0.0.1", listener.port, ignore, { signal: late.signal });
  late.abort(new DOMException("too slow", "TimeoutError"));
  const error = await errorOf(attempt2);
  expect(error.code).toBe("connection");
  expect(error.message).toMatch(/timed out; check that the host is up/);
});

it("an attempt that was cancelled leaves no connection behind", async () => {
  const accepted: Recorder[] = [];
  const listener = await listen("127.0.0.1", 0, () => {
    const seen = new Recorder();
    accepted.push(seen);
    return seen;
  });
  const controller = new AbortController();
  const attempt = connect("127.0.0.1", listener.port, ignore, { signal: controller.signal });
  controller.abort();
  await errorOf(attempt);
  // What the system had accepted of the first attempt comes before the second connection.
  const second = await connect("127.0.0.1", listener.port, ignore);
  second.close();
  await listener.close();
  for (const seen of accepted) await seen.end();
});

it("an AbortSignal that fires later does nothing to the connection", async () => {
  const seen = new Recorder();
  const listener = await listen("127.0.0.1", 0, (connection) => ({
    frame: (frame) => connection.send(frame),
    closed: () => {},
  }));
  const controller = new AbortController();
  const connection = await connect("127.0.0.1", listener.port, seen, {
    signal: controller.signal,
  });
  controller.abort();
  connection.send(Uint8Array.of(1));
  await seen.received(1);
  connection.close();
  expect(await seen.end()).toBeUndefined();
  await listener.close();
});

it("a frame sent at once by the listening side is not missed", async () => {
  const listener = await listen("127.0.0.1", 0, (connection) => {
    connection.send(Uint8Array.of(42));
    return ignore;
  });
  const seen = new Recorder();
  const connection = await connect("127.0.0.1", listener.port, seen);
  await seen.received(1);
  expect([...seen.frames[0]]).toEqual([42]);
  connection.destroy();
  await seen.end();
  await listener.close();
});

it("a port in use is explained", async () => {
  const listener = await listen("127.0.0.1", 0, () => ignore);
  const error = await errorOf(listen("127.0.0.1", listener.port, () => ignore));
  expect(error.message).toBe(
    `cannot listen on 127.0.0.1:${listener.port}: the port is in use; stop what uses it or take another port`,
  );
  await listener.close();
});

it("an address of another machine is explained", async () => {
  const error = await errorOf(listen("203.0.113.1", 0, () => ignore));
  expect(error.message).toMatch(/^cannot listen on 203\.0\.113\.1:0: this machine does not have/);
});

it("an unknown host name to listen on is explained", async () => {
  const error = await errorOf(listen("no-such-host.invalid", 0, () => ignore));
  expect(error.message).toMatch(/unknown host name; use an IP address of this machine/);
});

it("close() of the listener frees the port at once and leaves connections alone", async () => {
  const { a, b } = await pair();
  const listener = await listen("127.0.0.1", 0, () => ignore);
  const client = await connect("127.0.0.1", listener.port, ignore);
  await listener.close();
  await listener.close();
  const again = createServer();
  await new Promise<void>((resolve, reject) => {
    again.once("error", reject);
    again.listen(listener.port, "127.0.0.1", resolve);
  });
  await new Promise((resolve) => again.close(resolve));
  // pair() has closed its listener too.
  a.connection.send(Uint8Array.of(7));
  await b.seen.received(1);
  client.destroy();
});
