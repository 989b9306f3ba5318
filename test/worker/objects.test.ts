/** Objects between real workers: fetches, other holders, loss, files, dropping. */
import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { nativeBody, nativeHeader, openFile, plainObject } from "../../src/object-store/index.js";
import { decodePeerRequest, encodePeerHello, encodePeerObject } from "../../src/protocol/index.js";
import { type Connection, listen, PeerClient } from "../../src/transport/index.js";
import {
  afterTest,
  scratchDirectory,
  startServer,
  startTestWorker,
  text,
} from "./worker-fixture.js";

async function startTwo() {
  const server = await startServer();
  const a = await startTestWorker(server);
  const b = await startTestWorker(server);
  b.end.writer.peer(0, "127.0.0.1", a.port);
  b.end.writer.peer(1, "127.0.0.1", b.port);
  return { server, a: a.end, b: b.end, workerA: a, workerB: b };
}

function client(port: number): PeerClient {
  const peer = new PeerClient("127.0.0.1", port);
  afterTest(() => peer.close());
  return peer;
}

/** Something that listens as a worker would; `onRequest` answers the requests after the hello. */
async function fakePeer(
  onRequest: (frame: Uint8Array, connection: Connection) => void,
): Promise<number> {
  const connections: Connection[] = [];
  const listener = await listen("127.0.0.1", 0, (connection) => {
    connections.push(connection);
    connection.send(encodePeerHello());
    let greeted = false;
    return {
      frame: (frame) => {
        if (greeted) onRequest(frame, connection);
        greeted = true;
      },
      closed: () => {},
    };
  });
  afterTest(async () => {
    for (const connection of connections) connection.destroy();
    await listener.close();
  });
  return listener.port;
}

describe("an input of another worker", () => {
  it("is fetched, reported, and served to others", async () => {
    const { a, b, workerB } = await startTwo();
    const big = "x".repeat(3_000_000);
    a.assign({ row: 1, type: "loom/data/const", config: big });
    a.assign({ row: 2, type: "loom/data/const", config: "small" });
    a.assign({ row: 3, type: "loom/array/make", inputs: [{ local: 2 }, { local: 1 }] });
    await a.next("finished", 3);
    b.assign({
      row: 4,
      type: "loom/data/merge",
      inputs: [
        { remote: 2, holders: [0] },
        { remote: 1, sizeBytes: big.length, holders: [0] },
      ],
    });
    b.assign({ row: 5, type: "loom/base/length", inputs: [{ remote: 3, holders: [0] }] });
    expect((await b.next("finished", 4)).sizeBytes).toBe(big.length + 5);
    await b.next("finished", 5);
    const fetched = b.events.flatMap((event) => (event.kind === "fetched" ? [event.row] : []));
    expect(fetched.sort()).toEqual([1, 2, 3]);
    expect((await client(workerB.port).get(2))?.body.length).toBe(5);
  });

  it("is tried at the next holder when one is gone or does not have it", async () => {
    const { a, b, workerA } = await startTwo();
    b.writer.peer(2, "127.0.0.1", workerA.port);
    const dead = await fakePeer((_, connection) => connection.destroy());
    b.writer.peer(0, "127.0.0.1", dead);
    a.assign({ row: 1, type: "loom/data/const", config: "here" });
    await a.next("finished", 1);
    b.assign({ row: 4, type: "loom/data/merge", inputs: [{ remote: 1, holders: [0, 1, 77, 2] }] });
    expect(text((await b.next("finished", 4)).inline)).toBe("here");
  });

  it("that nobody has gives the task back", async () => {
    const { b, workerA } = await startTwo();
    b.assign({ row: 4, type: "loom/data/merge", inputs: [{ remote: 1, holders: [0] }] });
    expect(await b.next("inputLost", 4)).toMatchObject({ inputRow: 1, holder: 0 });
    await workerA.worker.close();
    b.assign({ row: 5, type: "loom/data/merge", inputs: [{ remote: 1, holders: [0] }] });
    expect(await b.next("inputLost", 5)).toMatchObject({ inputRow: 1, holder: 0 });
  });

  it("is tried elsewhere when its holder is killed while it sends", async () => {
    const { a, b, workerA } = await startTwo();
    const dying = await fakePeer((_, connection) => {
      connection.sendParts(encodePeerObject(nativeHeader(plainObject(new Uint8Array(4))), 4_000));
      connection.send(new Uint8Array(2_000));
      connection.close();
    });
    b.writer.peer(0, "127.0.0.1", dying);
    b.writer.peer(2, "127.0.0.1", workerA.port);
    a.assign({ row: 1, type: "loom/data/const", config: "safe" });
    await a.next("finished", 1);
    b.assign({ row: 4, type: "loom/data/merge", inputs: [{ remote: 1, holders: [0, 2] }] });
    expect(text((await b.next("finished", 4)).inline)).toBe("safe");
  });

  it("that is garbage counts as not to be had", async () => {
    const { b } = await startTwo();
    const liar = await fakePeer((_, connection) => {
      connection.sendParts(encodePeerObject(Uint8Array.of(250, 1, 1), 0));
    });
    const babbler = await fakePeer((_, connection) => connection.send(Uint8Array.of(99)));
    b.writer.peer(5, "127.0.0.1", liar);
    b.writer.peer(6, "127.0.0.1", babbler);
    b.assign({ row: 4, type: "loom/data/merge", inputs: [{ remote: 1, holders: [5, 6] }] });
    expect(await b.next("inputLost", 4)).toMatchObject({ holder: 6 });
  });

  it("is not waited for any more when the task is cancelled", async () => {
    const { b } = await startTwo();
    let asked = 0;
    const silent = await fakePeer(() => {
      asked++;
    });
    b.writer.peer(5, "127.0.0.1", silent);
    b.assign({ row: 4, type: "loom/data/merge", inputs: [{ remote: 1, holders: [5] }] });
    await b.settled();
    b.writer.cancel(4, 1);
    b.assign({ row: 6, type: "loom/data/const" });
    await b.next("finished", 6);
    expect(b.events.some(({ kind }) => kind === "inputLost")).toBe(false);
    expect(asked).toBeLessThanOrEqual(1);
  });
});

describe("a file object", () => {
  it("travels as its path where the file is seen", async () => {
    const { a, b } = await startTwo();
    const path = join(scratchDirectory(), "data.txt");
    writeFileSync(path, "content");
    a.assign({ row: 1, type: "loom/data/open", config: path });
    await a.next("finished", 1);
    b.assign({ row: 4, type: "loom/data/merge", inputs: [{ remote: 1, holders: [0] }] });
    expect(text((await b.next("finished", 4)).inline)).toBe("content");
  });

  it("travels as content where it is not seen, and the log says so", async () => {
    const { b, workerB } = await startTwo();
    const path = join(scratchDirectory(), "far.txt");
    writeFileSync(path, "far away");
    const header = nativeHeader(openFile(path));
    rmSync(path);
    const asked: boolean[] = [];
    const far = await fakePeer((frame, connection) => {
      const request = decodePeerRequest(frame);
      const content = request.kind === "get" && request.content;
      asked.push(content);
      const object = plainObject(new TextEncoder().encode("far away"));
      if (!content) connection.sendParts(encodePeerObject(header, 0));
      else {
        connection.sendParts(encodePeerObject(nativeHeader(object), object.size));
        connection.sendParts(nativeBody(object) as Uint8Array[]);
      }
    });
    b.writer.peer(5, "127.0.0.1", far);
    b.assign({ row: 4, type: "loom/data/merge", inputs: [{ remote: 1, holders: [5] }] });
    expect(text((await b.next("finished", 4)).inline)).toBe("far away");
    expect(asked).toEqual([false, true]);
    expect(workerB.lines.join()).toContain("far.txt");
  });
});

it("a dropped object is gone", async () => {
  const { a, workerA } = await startTwo();
  const peer = client(workerA.port);
  a.assign({ row: 1, type: "loom/data/const", config: "abc" });
  await a.next("finished", 1);
  expect(text((await peer.get(1))?.body)).toBe("abc");
  a.writer.drop(1);
  await a.settled();
  expect(await peer.get(1)).toBeUndefined();
  expect(await peer.readRange(1, 0, 100)).toBeUndefined();
});
