/** Waiting, reading, releasing, failing: what futures do with a server's announcements. */
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Writable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { describe, expect, it } from "vitest";
import { type Future, TaskFailed, tasks } from "../../src/client/index.js";
import { builtinSymbol, ClientResponseType } from "../../src/protocol/index.js";
import type { FakeValue } from "./fake-server.js";
import { atEnd, connectClient, roundTrip } from "./harness.js";

const MIB = 1024 * 1024;

async function submitted(count = 1) {
  const { server, client } = await connectClient();
  const futures = client.submit(Array.from({ length: count }, (_, i) => tasks.const(`${i}`)));
  await server.take("PLAN");
  return { server, client, futures, future: futures[0] };
}

/** Bytes that tell where they come from. */
function pattern(size: number, seed = 1): Buffer {
  const bytes = Buffer.alloc(size);
  for (let i = 0; i < size; i += 4) bytes.writeUInt32LE((i * seed) >>> 0, Math.min(i, size - 4));
  return bytes;
}

describe("values", () => {
  it("are Buffers and nested arrays of them", async () => {
    const { server, futures, client } = await submitted(4);
    const values: FakeValue[] = ["text", "", [], ["a", ["b", [], ["c", ""]], "d"]];
    values.forEach((value, id) => {
      server.finishWith(id, value);
    });
    const b = (text: string) => Buffer.from(text);
    expect(await client.fetch(futures)).toEqual([
      b("text"),
      b(""),
      [],
      [b("a"), [b("b"), [], [b("c"), b("")]], b("d")],
    ]);
  });

  it("may be nested as deep as memory allows", async () => {
    const { server, future } = await submitted();
    let value: FakeValue = "core";
    for (let i = 0; i < 3000; i++) value = [value];
    server.finishWith(0, value);
    let fetched: unknown = await future.fetch();
    for (let i = 0; i < 3000; i++) fetched = (fetched as unknown[])[0];
    expect(String(fetched)).toBe("core");
  });

  it("are read in pieces and put together", async () => {
    const { server, future } = await submitted();
    const bytes = pattern(11 * MIB + 3);
    server.finishWith(0, bytes);
    const value = (await future.gather()) as Buffer;
    expect(value.equals(bytes)).toBe(true);
    expect(server.readCount).toBe(3);
    expect(server.mostReadsOpen).toBe(2);
  });

  it("are read again from the start when the object was computed again", async () => {
    const { server, future } = await submitted();
    server.finish(0);
    const fetched = future.fetch() as Promise<Buffer>;
    const request = await server.take("READ");
    server.values.set(0, pattern(9 * MIB));
    server.answerRead(request);
    server.values.set(0, pattern(6 * MIB, 3));
    server.versions.set(0, 2);
    expect((await fetched).equals(pattern(6 * MIB, 3))).toBe(true);
  });

  it("that are small are read many at a time", async () => {
    const { server, futures, client } = await submitted(2000);
    futures.forEach((_, id) => {
      server.values.set(id, `value ${id}`);
    });
    server.finish(...futures.map((future) => future.id));
    const values = await client.gather(futures);
    expect(values.map(String)).toEqual(futures.map((_, id) => `value ${id}`));
    expect(server.readCount).toBe(2000);
    expect(server.mostReadsOpen).toBeGreaterThan(100);
    expect(server.mostReadsOpen).toBeLessThanOrEqual(256);
  });

  it("may be small and large at once", async () => {
    const { server, futures, client } = await submitted(3);
    server.finishWith(0, "small");
    server.finishWith(1, pattern(5 * MIB));
    server.finishWith(2, ["in", "array"]);
    const [small, large, array] = await client.fetch(futures);
    expect(small.toString()).toBe("small");
    expect(large.equals(pattern(5 * MIB))).toBe(true);
    expect(array).toEqual([Buffer.from("in"), Buffer.from("array")]);
  });

  it("that JavaScript doesn't have are refused with a reason", async () => {
    const { server, future } = await submitted();
    server.finish(0);
    const fetched = expect(future.fetch()).rejects.toThrow(
      /cannot read the result of task of type "loom\/data\/const", id 0: .*Python object/,
    );
    const typeId = builtinSymbol("loom/pyobj");
    server.sendChunk(await server.take("READ"), Buffer.alloc(8), { totalSize: 8n, typeId });
    await fetched;
  });

  it("that are malformed are refused", async () => {
    const data = builtinSymbol("loom/data");
    const array = builtinSymbol("loom/array");
    const header = (length: number, ...rest: number[]) => [length, 0, 0, 0, 0, 0, 0, 0, ...rest];
    const forms: [typeId: number, bytes: number[], problem: RegExp][] = [
      [data, [1, 2], /ends inside a frame/],
      [data, header(5, 1), /ends inside a frame of 5 bytes/],
      [data, header(1, 1, 2), /1 bytes too many/],
      [array, header(3, 1, 2, 3), /list of types has 3 bytes/],
      [array, header(4, 0, 0, 0, 0), /ends inside a frame/],
      [array, header(4, 99, 0, 0, 0), /unknown type number 99|ends inside/],
      [77, header(0), /unknown type number 77/],
    ];
    const { server, future } = await submitted();
    server.finish(0);
    for (const [typeId, bytes, problem] of forms) {
      const fetched = expect(future.fetch()).rejects.toThrow(problem);
      const request = await server.take("READ");
      server.sendChunk(request, Uint8Array.from(bytes), {
        totalSize: BigInt(bytes.length),
        typeId,
      });
      await fetched;
    }
    const short = expect(future.fetch()).rejects.toThrow(/sent 3 bytes .* 9 were asked for/);
    const whole = { totalSize: 10n, typeId: data };
    server.sendChunk(await server.take("READ"), Uint8Array.of(2), whole);
    server.sendChunk(await server.take("READ"), Uint8Array.of(1, 2, 3), whole);
    await short;
  });

  it("of failed tasks reject, even if only the READ says so", async () => {
    const { server, future } = await submitted();
    server.finish(0);
    const fetched = expect(future.fetch()).rejects.toMatchObject({
      name: "TaskFailed",
      taskId: 7,
      exitStatus: undefined,
      message: 'task of type "app/x" failed: lost',
    });
    const { requestId } = await server.take("READ");
    server.sendError({ requestId, id: 7, taskType: "app/x", errorMsg: "lost" });
    await fetched;
  });

  it("that the server can't read reject", async () => {
    const { server, future } = await submitted();
    server.finish(0);
    const fetched = expect(future.fetch()).rejects.toMatchObject({
      code: "task",
      message: "no holder is left",
    });
    server.sendError({
      requestId: (await server.take("READ")).requestId,
      errorMsg: "no holder is left",
    });
    await fetched;
  });
});

describe("waiting", () => {
  it("is for all, and for each in order of completion", async () => {
    const { server, futures, client } = await submitted(3);
    const order: number[] = [];
    const all = client.wait(futures);
    const iterating = (async () => {
      for await (const future of client.asCompleted(futures)) order.push(future.id);
    })();
    server.finish(2);
    await futures[2].wait();
    expect(futures.map((future) => future.status)).toEqual(["pending", "pending", "finished"]);
    server.finish(0, 1);
    await all;
    await iterating;
    expect(order).toEqual([2, 0, 1]);
    await client.wait([]);
    await client.wait([futures[0], futures[0]]);
  });

  it("ends at the first failure, with all there is to know", async () => {
    const { server, futures, client } = await submitted(3);
    const waiting = client.wait(futures);
    const error = {
      id: 1,
      label: "align",
      taskType: "loom/run/run",
      worker: "10.0.0.7:4000",
      errorMsg: "Program terminated with status 3\nStderr:\nno",
      lostResults: [1, 2],
      exitStatus: 3,
      stderr: Buffer.from("no"),
    };
    server.send({ type: ClientResponseType.TASK_FAILED, error });
    const failure = await waiting.catch((reason: unknown) => reason);
    expect(failure).toBeInstanceOf(TaskFailed);
    expect(failure).toMatchObject({
      name: "TaskFailed",
      code: "task",
      taskId: 1,
      label: "align",
      taskType: "loom/run/run",
      worker: "10.0.0.7:4000",
      exitStatus: 3,
      signal: undefined,
      stderr: "no",
      message:
        'task "align" (loom/run/run) failed on worker 10.0.0.7:4000: Program terminated with status 3\nStderr:\nno',
    });
    expect(futures.map((future) => future.status)).toEqual(["pending", "failed", "failed"]);
    await expect(futures[2].fetch()).rejects.toBe(failure);
    await expect(futures[1].stream().toArray()).rejects.toBe(failure);
    const statuses: string[] = [];
    server.finish(0);
    for await (const future of client.asCompleted(futures)) statuses.push(future.status);
    expect(statuses.sort()).toEqual(["failed", "failed", "finished"]);
  });

  it("tells when a finished result is lost later", async () => {
    const { server, client, future } = await submitted();
    server.finish(0);
    await future.wait();
    server.fail(0, [0]);
    await roundTrip(client, server);
    await expect(future.fetch()).rejects.toBeInstanceOf(TaskFailed);
  });

  it("can be cancelled; the task goes on", async () => {
    const { server, futures, client, future } = await submitted(2);
    const attempts: ((signal: AbortSignal) => Promise<unknown>)[] = [
      (signal) => future.wait({ signal }),
      (signal) => future.fetch({ signal }),
      (signal) => client.wait(futures, { signal }),
      (signal) => client.asCompleted(futures, { signal }).next(),
      (signal) => future.stream({ signal }).toArray(),
      (signal) => future.saveTo(join(tmpdir(), "never-written"), { signal }),
      (signal) => client.stats({ signal }),
      (signal) => future.readOutput("stdout", { signal }),
    ];
    for (const attempt of attempts) {
      const abort = new AbortController();
      const waiting = attempt(abort.signal);
      abort.abort();
      await expect(waiting, String(attempt)).rejects.toMatchObject({ code: "cancelled" });
      await expect(attempt(AbortSignal.abort()), String(attempt)).rejects.toMatchObject({
        code: "cancelled",
      });
    }
    expect(futures.map(({ status }) => status)).toEqual(["pending", "pending"]);
    expect(server.untaken).not.toContain("RELEASE_MANY");
    server.finish(0, 1);
    await client.wait(futures);
  });

  it("that is cancelled while reading ends at once", async () => {
    const { server, future } = await submitted();
    server.finish(0);
    const abort = new AbortController();
    const fetched = expect(future.fetch({ signal: abort.signal })).rejects.toMatchObject({
      code: "cancelled",
    });
    const request = await server.take("READ");
    abort.abort();
    await fetched;
    // The late answer harms nobody.
    server.values.set(0, "late");
    server.answerRead(request);
    expect(String(await future.fetch())).toBe("late");
  });

  it("costs no promise for futures that nobody waits for", async () => {
    const { server, client, futures } = await submitted(100_000);
    const waiting = client.wait(futures);
    server.finish(...futures.keys());
    await waiting;
    expect(futures.every((future) => future.status === "finished")).toBe(true);
  });
});

describe("releasing", () => {
  it("is one message for many, and ends the future", async () => {
    const { server, client, futures } = await submitted(4);
    const waiting = futures[0].wait();
    server.finish(1, 2, 3);
    await client.wait(futures.slice(1));
    client.release(futures.slice(0, 2));
    futures[2].release();
    futures[2].release();
    await expect(waiting).rejects.toMatchObject({
      code: "released",
      message: expect.stringMatching(/type "loom\/data\/const", id 0, was released/),
    });
    expect((await server.take("RELEASE_MANY")).ids).toEqual([0, 1, 2]);
    const [, released, , kept] = futures;
    expect([released.status, kept.status]).toEqual(["released", "finished"]);
    await expect(released.fetch()).rejects.toMatchObject({ code: "released" });
    await expect(released.gather()).rejects.toMatchObject({ code: "released" });
    await expect(released.stream().toArray()).rejects.toMatchObject({ code: "released" });
    await expect(released.readOutput("stdout")).rejects.toMatchObject({ code: "released" });
    const user = tasks.merge([released]).withLabel("join");
    expect(() => client.submitOne(user)).toThrow(
      /^task "join" \(loom\/data\/merge\) has an unusable input: .*id 1, was released/,
    );
    await roundTrip(client, server);
    expect(server.untaken).toEqual([]);
  });

  it("happens after gather, also a failed or cancelled one, and at the end of a block", async () => {
    const { server, client, futures } = await submitted(4);
    server.finishWith(0, "a");
    expect(String(await futures[0].gather())).toBe("a");
    expect((await server.take("RELEASE_MANY")).ids).toEqual([0]);

    const abort = new AbortController();
    const gathering = client.gather([futures[1]], { signal: abort.signal });
    abort.abort();
    await expect(gathering).rejects.toMatchObject({ code: "cancelled" });
    expect((await server.take("RELEASE_MANY")).ids).toEqual([1]);

    {
      await using future = futures[2];
      expect(future.status).toBe("pending");
    }
    expect((await server.take("RELEASE_MANY")).ids).toEqual([2]);

    server.fail(3, [3]);
    await expect(futures[3].gather()).rejects.toBeInstanceOf(TaskFailed);
    expect(futures[3].status).toBe("released");
    expect((await server.take("RELEASE_MANY")).ids).toEqual([3]);
  });

  it("ends requests on their way", async () => {
    const { server, future } = await submitted();
    server.finish(0);
    const fetched = expect(future.fetch()).rejects.toMatchObject({ code: "released" });
    await server.take("READ");
    future.release();
    await fetched;
  });

  it("goes before the question that follows it", async () => {
    const { server, client, future } = await submitted();
    future.release();
    const stats = client.stats();
    await server.take("STATS");
    expect(server.untaken).toEqual(["RELEASE_MANY"]);
    server.sendStats();
    await stats;
  });
});

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

describe("futures of others", () => {
  it("are refused", async () => {
    const { client } = await submitted();
    const other = await submitted();
    expect(() => client.submitOne(tasks.merge([other.future]))).toThrow(
      /input 0 of task of type "loom\/data\/merge" is no future of this client/,
    );
    await expect(client.wait([other.future])).rejects.toMatchObject({ code: "usage" });
    await expect(client.gather([tasks.const("") as never])).rejects.toMatchObject({
      code: "usage",
    });
    expect(() => client.asCompleted([undefined as unknown as Future])).toThrow(/no future/);
  });
});
