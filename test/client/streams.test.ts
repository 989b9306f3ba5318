/** Bytes as they come: results as streams and in files, the output of programs that still run. */
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Writable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { describe, expect, it } from "vitest";
import { TaskFailed } from "../../src/client/index.js";
import { MIB, pattern } from "./byte-pattern.js";
import type { FakeValue } from "./fake-server.js";
import { atEnd, roundTrip } from "./harness.js";
import { submitted } from "./submitted-tasks.js";

describe("streams", () => {
  async function finished(value: FakeValue) {
    const parts = await submitted();
    parts.server.finishWith(0, value);
    return parts;
  }

  it("give the bytes", async () => {
    const bytes = pattern(9 * MIB + 1);
    const { server, future } = await finished(bytes);
    const chunks: Buffer[] = await future.stream().toArray();
    expect(Buffer.concat(chunks).equals(bytes)).toBe(true);
    expect(server.mostReadsOpen).toBe(2);
  });

  it("of nothing are empty", async () => {
    const { future } = await finished("");
    expect(await future.stream().toArray()).toEqual([]);
  });

  it("read no further than a slow consumer needs", async () => {
    const { server, client, future } = await finished(Buffer.alloc(64 * MIB));
    let taken = 0;
    let resume = () => {};
    const stuck = new Promise<void>((resolve) => {
      resume = resolve;
    });
    const consumer = new Writable({
      highWaterMark: 1,
      write(chunk: Buffer, _encoding, done) {
        taken += chunk.length;
        if (taken > chunk.length) done();
        else stuck.then(() => done());
      },
    });
    const copied = pipeline(future.stream(), consumer);
    for (let i = 0; i < 20; i++) await roundTrip(client, server);
    expect(server.readCount).toBeLessThanOrEqual(6);
    resume();
    await copied;
    expect(taken).toBe(64 * MIB);
  });

  it("fail when the object was computed again meanwhile", async () => {
    const { server, future } = await submitted();
    server.finish(0);
    const read = expect(future.stream().toArray()).rejects.toThrow(
      /computed again while it was read/,
    );
    const request = await server.take("READ");
    server.values.set(0, pattern(9 * MIB));
    server.answerRead(request);
    server.versions.set(0, 2);
    await read;
  });

  it("are for plain bytes only", async () => {
    const { future } = await finished(["a"]);
    await expect(future.stream().toArray()).rejects.toMatchObject({ code: "usage" });
  });

  it("save to files, whole or not at all", async () => {
    const folder = await mkdtemp(join(tmpdir(), "loom-client-"));
    atEnd(() => rm(folder, { recursive: true }));
    const { server, futures } = await submitted(2);
    server.finishWith(0, pattern(5 * MIB));
    await futures[0].saveTo(join(folder, "good"));
    expect((await readFile(join(folder, "good"))).equals(pattern(5 * MIB))).toBe(true);
    server.fail(1, [1]);
    await expect(futures[1].saveTo(join(folder, "bad"))).rejects.toBeInstanceOf(TaskFailed);
    await expect(futures[0].saveTo(join(folder, "none", "x"))).rejects.toThrow(/ENOENT/);
    expect(await readdir(folder)).toEqual(["good"]);
  });
});

describe("output of running programs", () => {
  const read = async (output: AsyncIterable<Buffer>) => {
    let text = "";
    for await (const part of output) text += part;
    return text;
  };

  it("is followed until the program ends", async () => {
    const { server, future } = await submitted();
    const text = read(future.stdout());
    const parts: [string, object][] = [
      ["", {}],
      ["one ", {}],
      ["", {}],
      ["two", {}],
      ["", { ended: true }],
    ];
    const offsets: number[] = [];
    for (const [part, more] of parts) {
      const request = await server.take("OUTPUT");
      expect(request).toMatchObject({ id: 0, stream: "stdout" });
      offsets.push(Number(request.offset));
      server.sendChunk(request, Buffer.from(part), { totalSize: 7n, ...more });
    }
    expect(await text).toBe("one two");
    expect(offsets).toEqual([0, 0, 4, 4, 7]);
  });

  it("ends when the task fails or the future is released", async () => {
    const { server, futures } = await submitted(2);
    const first = read(futures[0].stderr());
    server.sendChunk(await server.take("OUTPUT"), Buffer.from("x"), { totalSize: 1n });
    const request = await server.take("OUTPUT");
    server.fail(0, [0]);
    server.sendError({ requestId: request.requestId, errorMsg: "gone" });
    expect(await first).toBe("x");

    const second = read(futures[1].stdout());
    await server.take("OUTPUT");
    futures[1].release();
    expect(await second).toBe("");
  });

  it("can be read from any offset", async () => {
    const { server, future } = await submitted();
    const part = future.readOutput("stderr", { offset: 5_000_000_000 });
    const request = await server.take("OUTPUT");
    expect(request).toMatchObject({ offset: 5_000_000_000n, stream: "stderr" });
    server.sendChunk(request, Buffer.from("end"), { totalSize: 5_000_000_003n, ended: true });
    expect(await part).toEqual({
      bytes: Buffer.from("end"),
      totalSize: 5_000_000_003,
      ended: true,
    });
    await expect(future.readOutput("stdout", { offset: -1 })).rejects.toMatchObject({
      code: "usage",
    });
  });
});
