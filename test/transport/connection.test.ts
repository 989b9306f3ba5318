import { describe, expect, it } from "vitest";
import { LoomError, ProtocolError } from "../../src/base/index.js";
import { encodeFrameLength } from "../../src/protocol/index.js";
import { bytesOf, pair, rawClient, rawServer } from "./scripted.js";

const text = (frame: Uint8Array) => Buffer.from(frame).toString();
const frameOf = (content: string) => Buffer.from(content);
const framed = (content: Uint8Array) => Buffer.concat([encodeFrameLength(content.length), content]);

describe("frames", () => {
  it("arrive in order, both ways, whatever their size", async () => {
    const { a, b } = await pair();
    const sizes = [0, 1, 8, 16_383, 16_384, 16_385, 40_000, 3, 0, 70_000, 32_768, 1_000_000, 5];
    for (const [from, to] of [
      [a, b],
      [b, a],
    ]) {
      for (const [i, size] of sizes.entries()) from.connection.send(Buffer.alloc(size, i));
      const frames = await to.seen.received(sizes.length);
      expect(frames.map((frame) => frame.length)).toEqual(sizes);
      frames.forEach((frame, i) => {
        expect(frame.every((byte) => byte === i)).toBe(true);
      });
    }
  });

  it("may be many and small", async () => {
    const { a, b } = await pair();
    const count = 200_000;
    for (let i = 0; i < count; i++) a.connection.send(Uint8Array.of(i, i >>> 8, i >>> 16));
    const frames = await b.seen.received(count);
    for (let i = 0; i < count; i++) {
      const [low, middle, high] = frames[i];
      if ((low | (middle << 8) | (high << 16)) !== i) throw new Error(`frame ${i} is wrong`);
    }
  });

  it("of 200 MB arrive whole on either side, with small ones around", async () => {
    const { a, b } = await pair();
    const big = Buffer.alloc(200_000_000);
    for (let i = 0; i < big.length; i += 997) big[i] = i;
    for (const [from, to] of [
      [a, b],
      [b, a],
    ]) {
      from.connection.send(frameOf("before"));
      from.connection.sendParts([big.subarray(0, 5), big.subarray(5)]);
      from.connection.send(frameOf("after"));
      const [before, frame, after] = await to.seen.received(3);
      expect([text(before), text(after)]).toEqual(["before", "after"]);
      expect(Buffer.compare(frame, big)).toBe(0);
      to.seen.frames.length = 0;
    }
  });

  it("in parts are one frame", async () => {
    const { a, b } = await pair();
    a.connection.sendParts([frameOf("one "), new Uint8Array(0), frameOf("frame")]);
    a.connection.sendParts([]);
    expect((await b.seen.received(2)).map(text)).toEqual(["one frame", ""]);
  });

  it("arrive when their bytes come one by one", async () => {
    const { socket, side } = await rawClient();
    for (const byte of framed(frameOf("abc"))) {
      await new Promise<void>((resolve) => socket.write(Uint8Array.of(byte), () => resolve()));
    }
    expect((await side.seen.received(1)).map(text)).toEqual(["abc"]);
  });

  it("that were kept are not changed by later ones", async () => {
    const { a, b } = await pair();
    for (const [from, to] of [
      [a, b],
      [b, a],
    ]) {
      for (let i = 0; i < 200; i++) {
        from.connection.send(frameOf(`frame ${i}`));
        await to.seen.received(i + 1);
      }
      expect(to.seen.frames.map(text)).toEqual(Array.from({ length: 200 }, (_, i) => `frame ${i}`));
    }
  });

  it("of one tick leave in one write, until then they are buffered", async () => {
    const { socket, side } = await rawServer();
    const chunks: Buffer[] = [];
    socket.on("data", (chunk) => chunks.push(chunk));
    for (let i = 0; i < 100; i++) {
      side.connection.send(frameOf("x"));
      // A later microtask or process.nextTick still belongs to the tick.
      if (i === 50) await Promise.resolve();
    }
    expect(side.connection.bufferedBytes).toBe(900);
    side.connection.close();
    await new Promise((resolve) => socket.once("end", resolve));
    expect(chunks.map((chunk) => chunk.length)).toEqual([900]);
    socket.end();
    expect(await side.seen.end()).toBeUndefined();
    expect(side.connection.bufferedBytes).toBe(0);
  });
});

describe("addresses", () => {
  it("are the peer's and ours", async () => {
    const { a, b } = await pair();
    expect(a.connection.remoteHost).toBe("127.0.0.1");
    expect(b.connection.localHost).toBe("127.0.0.1");
    expect(b.connection.remote).toMatch(/^127\.0\.0\.1:\d+$/);
  });

  it("are plain IPv4 ones on a listener for all addresses", async () => {
    const { b } = await pair(undefined, "::");
    expect(b.connection.remoteHost).toMatch(/^(::1|127\.0\.0\.1)$/);
  });

  it("may be IPv6", async () => {
    const { a, b } = await pair(undefined, "::1");
    expect(a.connection.remote).toMatch(/^\[::1\]:\d+$/);
    a.connection.send(frameOf("six"));
    expect((await b.seen.received(1)).map(text)).toEqual(["six"]);
  });
});

describe("back-pressure", () => {
  it("drained() waits until a slow reader has taken most of it", async () => {
    const { a, b } = await pair();
    await a.connection.drained();
    b.connection.pause();
    let sent = 0;
    // More than the system's buffers hold.
    while (sent < 100) {
      a.connection.send(Buffer.alloc(1_000_000));
      sent++;
    }
    let drained = false;
    const waiting = a.connection.drained().then(() => {
      drained = true;
    });
    a.connection.send(frameOf("last"));
    expect(a.connection.bufferedBytes).toBeGreaterThan(50_000_000);
    b.connection.send(frameOf("still works"));
    await a.seen.received(1);
    expect(drained).toBe(false);
    expect(b.seen.frames).toEqual([]);
    b.connection.resume();
    await waiting;
    expect(a.connection.bufferedBytes).toBeLessThanOrEqual(1024 * 1024);
    await b.seen.received(sent + 1);
  });

  it("pause() stops the frames on the connecting side too", async () => {
    const { a, b } = await pair();
    a.connection.pause();
    for (let i = 0; i < 100; i++) b.connection.send(Buffer.alloc(1_000_000));
    a.connection.send(frameOf("ping"));
    await b.seen.received(1);
    expect(a.seen.frames).toEqual([]);
    a.connection.resume();
    await a.seen.received(100);
  });

  it("drained() resolves at the end of the connection", async () => {
    const { a, b } = await pair();
    b.connection.pause();
    for (let i = 0; i < 100; i++) a.connection.send(Buffer.alloc(1_000_000));
    const waiting = a.connection.drained();
    b.connection.send(frameOf("now the first bytes are on their way"));
    await a.seen.received(1);
    a.connection.destroy();
    await waiting;
    await a.connection.drained();
    expect(await a.seen.end()).toBeUndefined();
  });
});

describe("the end", () => {
  it("by close() is orderly for both, and everything queued arrives first", async () => {
    const { a, b } = await pair();
    for (const [from, to] of [[a, b]]) {
      from.connection.send(Buffer.alloc(30_000_000, 1));
      from.connection.send(frameOf("bye"));
      from.connection.close();
      from.connection.send(frameOf("too late"));
      expect(await to.seen.end()).toBeUndefined();
      expect(to.seen.frames.map((frame) => frame.length)).toEqual([30_000_000, 3]);
      expect(await from.seen.end()).toBeUndefined();
    }
    expect([a.seen.ends, b.seen.ends]).toEqual([[undefined], [undefined]]);
  });

  it("by close() of the accepted side is orderly too", async () => {
    const { a, b } = await pair();
    b.connection.send(frameOf("bye"));
    b.connection.close();
    expect(await a.seen.end()).toBeUndefined();
    expect(a.seen.frames.map(text)).toEqual(["bye"]);
    expect(await b.seen.end()).toBeUndefined();
  });

  it("by close() does not cut off the last frame when the peer is still sending", async () => {
    const { a, b } = await pair();
    for (let i = 0; i < 50; i++) a.connection.send(Buffer.alloc(1_000_000));
    b.seen.onFrame = () => {
      b.connection.send(frameOf("go away"));
      b.connection.close();
    };
    await a.seen.received(1);
    expect(a.seen.frames.map(text)).toEqual(["go away"]);
    expect(b.seen.frames.length).toBe(1);
    expect(await a.seen.end()).toBeUndefined();
    expect(await b.seen.end()).toBeUndefined();
  });

  it("of the peer's sending side still lets our frames through", async () => {
    const { socket, side } = await rawClient();
    side.connection.send(frameOf("answer"));
    socket.end(framed(frameOf("question")));
    const answer = await bytesOf(socket);
    expect(text(answer.subarray(8))).toBe("answer");
    expect(await side.seen.end()).toBeUndefined();
    expect(side.seen.frames.map(text)).toEqual(["question"]);
  });

  it("by the peer in the middle of a frame is an error", async () => {
    const { socket, side } = await rawClient();
    socket.end(framed(frameOf("whole")).subarray(0, 11));
    const error = await side.seen.end();
    expect(error).toMatchObject({ code: "connection" });
    expect(error?.message).toMatch(/lost: it ended in the middle of a frame, 11 bytes into it/);
  });

  it.each([
    ["accepted", rawClient],
    ["connecting", rawServer],
  ])("by a reset is an error that names the peer (%s side)", async (_, make) => {
    const { socket, side } = await make();
    socket.resetAndDestroy();
    const error = await side.seen.end();
    expect(error).toBeInstanceOf(LoomError);
    expect(error?.message).toBe(
      `connection to ${side.connection.remote} lost: the other side went away without closing it (its process may have died)`,
    );
    expect(side.seen.ends.length).toBe(1);
  });

  it("by destroy() hands its error to closed(), once, and ignores what follows", async () => {
    const { a, b } = await pair();
    const reason = new Error("enough");
    a.connection.destroy(reason);
    a.connection.destroy(new Error("again"));
    a.connection.send(frameOf("x"));
    a.connection.close();
    a.connection.pause();
    a.connection.resume();
    expect(a.seen.ends).toEqual([]);
    expect(await a.seen.end()).toBe(reason);
    await b.seen.end();
    expect(a.seen.ends).toEqual([reason]);
    expect(b.seen.ends.length).toBe(1);
  });
});

describe("a bad peer ends only its own connection:", () => {
  it.each([
    ["accepted", rawClient],
    ["connecting", rawServer],
  ])("an oversized frame (%s side)", async (_, make) => {
    const { socket, side } = await make();
    socket.write(framed(frameOf("fine")));
    socket.write(encodeFrameLength(2 ** 40));
    const error = await side.seen.end();
    expect(error).toBeInstanceOf(ProtocolError);
    expect(error?.message).toMatch(/1099511627776 bytes was announced, at most 2147483648/);
    expect(side.seen.frames.map(text)).toEqual(["fine"]);
    expect(side.seen.ends.length).toBe(1);
  });

  it.each([
    ["accepted", rawClient],
    ["connecting", rawServer],
  ])("the handler may send it a last word (%s side)", async (_, make) => {
    const { socket, side } = await make();
    const told: Error[] = [];
    side.seen.malformed = (error) => {
      told.push(error);
      side.connection.send(frameOf("too long"));
    };
    socket.write(encodeFrameLength(2 ** 40));
    expect(text((await bytesOf(socket)).subarray(8))).toBe("too long");
    socket.end();
    const error = await side.seen.end();
    expect(error).toBeInstanceOf(ProtocolError);
    expect(told).toEqual([error]);
  });

  it("a last word that throws is an error of this connection too", async () => {
    const { socket, side } = await rawClient();
    const bug = new Error("no words");
    side.seen.malformed = () => {
      throw bug;
    };
    side.seen.onFrame = () => {
      throw new ProtocolError("nonsense");
    };
    socket.write(framed(frameOf("x")));
    expect(await side.seen.end()).toBe(bug);
  });

  it("a limit of its own", async () => {
    const { a, b } = await pair({ b: { maxFrameBytes: 10 } });
    a.connection.send(Buffer.alloc(10));
    a.connection.send(Buffer.alloc(11));
    expect((await b.seen.end())?.message).toMatch(/11 bytes was announced, at most 10/);
    expect(b.seen.frames.length).toBe(1);
    await a.seen.end();
  });

  it("a handler that throws, at small and large frames, on both sides", async () => {
    for (const size of [1, 1_000_000]) {
      const { a, b } = await pair();
      for (const [from, to] of [
        [a, b],
        [b, a],
      ]) {
        if (from.seen.ends.length > 0) continue;
        const bug = new Error(`bug at ${size}`);
        to.seen.onFrame = () => {
          throw bug;
        };
        from.connection.send(Buffer.alloc(size));
        from.connection.send(Buffer.alloc(size));
        expect(await to.seen.end()).toBe(bug);
        expect(to.seen.frames.length).toBe(1);
        await from.seen.end();
      }
    }
    const { a, b } = await pair();
    a.seen.onFrame = () => {
      throw new Error("bug here");
    };
    b.connection.send(Buffer.alloc(1_000_000));
    expect((await a.seen.end())?.message).toBe("bug here");
  });
});
