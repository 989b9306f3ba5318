/** A worker's data port, asked by the PeerClient and by raw connections. */
import { describe, expect, it } from "vitest";
import { LoomError } from "../../src/base/index.js";
import {
  builtinSymbol,
  encodePeerHello,
  encodePeerRequest,
  encodeRunConfig,
} from "../../src/protocol/index.js";
import { connect, listen, PeerClient } from "../../src/transport/index.js";
import { afterTest, startOne, text } from "./worker-fixture.js";

function client(port: number): PeerClient {
  const peer = new PeerClient("127.0.0.1", port);
  afterTest(() => peer.close());
  return peer;
}

/** A worker with "first" in row 1, "second" in row 2, an array of both in row 3. */
async function workerWithObjects() {
  const one = await startOne();
  one.end.assign({ row: 1, type: "loom/data/const", config: "first" });
  one.end.assign({ row: 2, type: "loom/data/const", config: "second" });
  one.end.assign({ row: 3, type: "loom/array/make", inputs: [{ local: 1 }, { local: 2 }] });
  await one.end.next("finished", 3);
  return one;
}

describe("readRange", () => {
  it("reads any part of the form that clients get", async () => {
    const { port } = await workerWithObjects();
    const peer = client(port);
    const whole = await peer.readRange(1, 0, 1000);
    expect(whole).toMatchObject({
      typeSymbol: builtinSymbol("loom/data"),
      messageCount: 1,
      totalBytes: 13,
    });
    expect([...whole!.bytes.subarray(0, 8)]).toEqual([5, 0, 0, 0, 0, 0, 0, 0]);
    expect(text(whole!.bytes.subarray(8))).toBe("first");
    expect(text((await peer.readRange(1, 9, 3))!.bytes)).toBe("irs");
    expect((await peer.readRange(1, 13, 10))!.bytes.length).toBe(0);
    expect(await peer.readRange(3, 0, 0)).toMatchObject({
      typeSymbol: builtinSymbol("loom/array"),
      messageCount: 3,
      totalBytes: 8 + 8 + 8 + 5 + 8 + 6,
    });
  });
});

describe("requests", () => {
  it("are answered in order, thousands at once", async () => {
    const { port } = await workerWithObjects();
    const peer = client(port);
    const answers = await Promise.all(
      Array.from({ length: 3000 }, (_, i) => peer.get(1 + (i % 2) + (i % 5 === 0 ? 100 : 0))),
    );
    answers.forEach((answer, i) => {
      const expected = i % 5 === 0 ? undefined : ["first", "second"][i % 2];
      expect(text(answer?.body)).toBe(expected);
    });
  });

  it("that are malformed end that connection only", async () => {
    const { port, lines } = await workerWithObjects();
    const peer = client(port);
    await peer.get(1);
    const bad = [
      [Uint8Array.of(1, 2, 3)],
      [encodePeerHello(), Uint8Array.of(9, 9)],
      [encodePeerHello(), new Uint8Array(5000)],
      [encodePeerRequest({ kind: "get", row: 1, content: false })],
    ];
    for (const frames of bad) {
      await new Promise<void>((resolve) => {
        void connect("127.0.0.1", port, { frame: () => {}, closed: () => resolve() }).then(
          (connection) => {
            for (const frame of frames) connection.send(frame);
          },
        );
      });
    }
    expect(text((await peer.get(2))?.body)).toBe("second");
    expect(lines.filter((line) => line.includes("data connection ended")).length).toBe(4);
  });

  it("that are given up reject, the others are answered", async () => {
    const { port } = await workerWithObjects();
    const peer = client(port);
    const controller = new AbortController();
    const given = peer.get(1, { signal: controller.signal });
    const other = peer.get(2);
    controller.abort();
    await expect(given).rejects.toMatchObject({ code: "cancelled" });
    expect(text((await other)?.body)).toBe("second");
    await expect(peer.get(1, { signal: controller.signal })).rejects.toBeInstanceOf(LoomError);
    const alone = new AbortController();
    const last = peer.get(1, { signal: alone.signal });
    alone.abort();
    await expect(last).rejects.toMatchObject({ code: "cancelled" });
    expect(text((await peer.get(1))?.body)).toBe("first");
  });

  it("reject when the worker is gone, and work again when it is back", async () => {
    const { worker, port } = await workerWithObjects();
    const peer = client(port);
    await peer.get(1);
    await worker.close();
    await expect(peer.get(1)).rejects.toMatchObject({ code: "connection" });
    await expect(peer.readRange(1, 0, 1)).rejects.toMatchObject({ code: "connection" });
    const again = await startOne({ port });
    again.end.assign({ row: 1, type: "loom/data/const", config: "anew" });
    await again.end.next("finished", 1);
    expect(text((await peer.get(1))?.body)).toBe("anew");
  });

  it("that are pending reject when the client is closed", async () => {
    const silent = await listen("127.0.0.1", 0, () => ({ frame: () => {}, closed: () => {} }));
    afterTest(() => silent.close());
    const peer = client(silent.port);
    const pending = [peer.get(1), peer.get(2, { sizeBytes: 1e9 })];
    peer.close();
    for (const one of pending) await expect(one).rejects.toMatchObject({ code: "connection" });
  });

  it("to something that is no worker reject", async () => {
    const other = await listen("127.0.0.1", 0, (connection) => ({
      frame: () => connection.send(Uint8Array.of(1)),
      closed: () => {},
    }));
    afterTest(() => other.close());
    await expect(client(other.port).get(1)).rejects.toMatchObject({
      code: "connection",
      message: expect.stringContaining("hello"),
    });
  });
});

describe("big objects", () => {
  it("in files of the store are sent in pieces", async () => {
    const { end, port } = await startOne();
    const size = 5_000_000;
    const config = encodeRunConfig({
      args: ["/bin/sh", "-c", `head -c ${size} /dev/zero | tr '\\0' 'q' > out`],
      mapOutputs: ["out"],
    });
    end.assign({ row: 1, type: "loom/run/run", cpus: 1, config });
    await end.next("finished", 1);
    const found = await client(port).get(1, { sizeBytes: size });
    expect(found!.body.length).toBe(size);
    expect(found!.body.every((byte) => byte === 113)).toBe(true);
  });

  it("do not keep small ones waiting", async () => {
    const { end, port } = await workerWithObjects();
    const size = 64 * 1024 * 1024;
    end.assign({ row: 10, type: "loom/data/const", config: new Uint8Array(size) });
    await end.next("finished", 10);
    const peer = client(port);
    const order: string[] = [];
    const big = peer.get(10, { sizeBytes: size }).then((found) => {
      order.push("big");
      return found;
    });
    await peer.get(1).then(() => order.push("small"));
    expect((await big)!.body.length).toBe(size);
    expect(order).toEqual(["small", "big"]);
  });
});
