/**
 * Workers that send nonsense, or are gone: the server lives on, and tasks of other workers, or of the same
 * one, are none the worse for it. Records that are well-formed but late are in late-records.test.ts.
 */
import { create, toBinary } from "@bufbuild/protobuf";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { RegisterSchema } from "../../src/protocol/generated/loom_pb.js";
import { Ask } from "./classic-client.js";
import { waitFor } from "./deadline.js";
import { frameLength } from "./frame-socket.js";
import { useOwnWorkers } from "./own-workers.js";
import { ScriptedWorker, workerRegister } from "./scripted-worker.js";

const own = useOwnWorkers();

describe("garbage from a registered worker", () => {
  const register = toBinary(RegisterSchema, create(RegisterSchema, workerRegister()));
  const finished = (size: number, inline: Buffer | undefined, inlineLength: number) => {
    const record = Buffer.alloc(22);
    record[0] = 1;
    record.writeDoubleLE(size, 9);
    record[21] = inlineLength;
    return Buffer.concat([record, inline ?? Buffer.alloc(0)]);
  };

  it.each<[string, Buffer]>([
    ["an unknown record", Buffer.from([99])],
    ["record 0", Buffer.from([0])],
    ["a truncated record", Buffer.from([1, 0, 0])],
    [
      "a failure that is none",
      Buffer.concat([Buffer.from([2]), Buffer.alloc(8), Buffer.from([2, 0, 0, 0, 0xff, 0xff])]),
    ],
    [
      "a failure longer than its frame",
      Buffer.concat([Buffer.from([2]), Buffer.alloc(8), Buffer.from([9, 0, 0, 0, 1])]),
    ],
    [
      "output longer than its frame",
      Buffer.concat([Buffer.from([8]), Buffer.alloc(13), Buffer.from([9, 0, 0, 0])]),
    ],
    ["its Register again", Buffer.from(register)],
    ["text", Buffer.from("text")],
    ["a small result of 200 bytes", finished(200, Buffer.alloc(200, "x"), 200)],
    ["a small result of 65 bytes", finished(65, Buffer.alloc(65, "x"), 65)],
    ["a size that is no number", finished(Number.NaN, undefined, 255)],
    ["a size below 0", finished(-1, undefined, 255)],
    ["an infinite size", finished(Number.POSITIVE_INFINITY, undefined, 255)],
  ])("%s: it is closed at once, its tasks run elsewhere", async (_, bytes) => {
    const bad = await own.join();
    const id = own.submit("work");
    const task = await bad.takeAssigned();
    const good = await own.join();
    const frame = Buffer.from(bytes);
    if (frame[0] === 1 && frame.length >= 22) {
      frame.writeUInt32LE(task.row, 1);
      frame.writeUInt32LE(task.attempt, 5);
    }
    bad.socket.sendFrame(frame);
    const again = await good.takeAssigned();
    expect(again).toMatchObject({ row: task.row, type: "test/own", config: "work" });
    expect(again.attempt).toBeGreaterThan(task.attempt);
    // The bad one has not even hung up.
    expect(bad.socket.isClosed).toBe(false);
    bad.finish(task, "from the bad one");
    good.finish(again, "from the good one");
    await own.client.finished(id);
    expect(await own.client.fetch(id)).toBe("from the good one");
    await bad.untilEnded();
  });

  it("a frame that is too long", async () => {
    const bad = await own.join();
    const id = own.submit();
    await bad.takeAssigned();
    const good = await own.join();
    bad.socket.sendRaw(frameLength(2n ** 33n));
    good.finish(await good.takeAssigned(), "ok");
    await own.client.finished(id);
  });

  it("what came before it in the same frame counts", async () => {
    const bad = await own.join();
    const id = own.submit();
    const { row, attempt } = await bad.takeAssigned();
    bad.writer.finished(row, attempt, 4, 0, Buffer.from("done"));
    bad.socket.sendFrame(Buffer.concat([bad.writer.take()!, Buffer.from([99])]));
    await own.client.finished(id);
    expect(await own.client.fetch(id)).toBe("done");
  });

  it("its small results survive it, larger ones are computed again", async () => {
    const bad = await own.join();
    const small = own.submit("small");
    bad.finish(await bad.takeAssigned(), "small");
    const large = own.submit("large");
    const task = await bad.takeAssigned();
    bad.writer.finished(task.row, task.attempt, 1000, 0, undefined);
    bad.flush();
    await own.client.finished(small);
    await own.client.finished(large);
    bad.socket.sendFrame(Buffer.from("garbage"));
    const good = await own.join();
    good.finish(await good.takeAssigned(), "again");
    expect(await own.client.fetch(large)).toBe("again");
    expect(await own.client.fetch(small)).toBe("small");
  });

  it("random bytes, many times", async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ minLength: 1, maxLength: 60 }), async (bytes) => {
        const bad = await ScriptedWorker.join(own.cluster.port);
        bad.socket.sendFrame(bytes);
        bad.socket.end();
        await bad.untilEnded();
        bad.close();
      }),
      { numRuns: 200 },
    );
  });

  it("well-formed records with random numbers, many times, from one that works as well", async () => {
    const worker = await own.join();
    const number = fc.oneof(fc.nat(20), fc.nat(0x7fffffff), fc.constant(0xffffffff));
    const record = fc.tuple(fc.constantFrom(1, 3, 4, 5, 6, 7), number, number, number, fc.nat(5));
    await fc.assert(
      fc.asyncProperty(fc.array(record, { minLength: 1, maxLength: 5 }), async (records) => {
        const id = own.submit();
        const task = await worker.takeAssigned();
        const { writer } = worker;
        for (const [op, row, attempt, input, holder] of records) {
          if (row === task.row) continue;
          if (op === 1) writer.finished(row, attempt, 3, 0, Buffer.from("bad"));
          else if (op === 3) writer.started(row, attempt);
          else if (op === 4) writer.retracted(row, attempt);
          else if (op === 5) writer.inputLost(row, attempt, input, holder);
          else if (op === 6) writer.fetched(row);
          else writer.pong(row);
        }
        worker.finish(task, "good");
        await own.client.finished(id);
        expect(await own.client.fetch(id)).toBe("good");
        own.client.release(id);
      }),
      { numRuns: 100 },
    );
  });
});

describe("a worker that is gone", () => {
  it("with the last of its type: later plans are refused, waiting tasks wait for the next", async () => {
    const worker = await own.join();
    const id = own.submit();
    await worker.takeAssigned();
    worker.close();
    await waitFor(async () => (await own.client.stats()).workers === 1, "it is gone");
    const refused = own.submit();
    const error = await own.client.error();
    expect(error.id).toBe(refused);
    expect(error.message).toBe(
      `task ${refused} has the type test/own, which no connected worker offers`,
    );
    const next = await own.join();
    next.finish(await next.takeAssigned(), "at last");
    await own.client.finished(id);
  });

  it("only for those who want its objects: after some attempts the result fails", async () => {
    // Nothing listens on the port that it registered.
    const worker = await own.join({ port: 1 });
    const id = own.submit();
    const finishLarge = async () => {
      const { row, attempt } = await worker.takeAssigned();
      worker.writer.finished(row, attempt, 1000, 0, undefined);
      worker.flush();
    };
    await finishLarge();
    await own.client.finished(id);
    own.client.send({ type: Ask.FETCH, id });
    for (let i = 0; i < 5; i++) await finishLarge();
    const error = await own.client.error();
    expect(error.id).toBe(id);
    expect(error.message).toMatch(/could not be fetched/);
  });

  it("again and again with the same task: that fails and says so", async () => {
    const id = await (async () => {
      const first = await own.join();
      const id = own.submit();
      const task = await first.takeAssigned();
      first.writer.started(task.row, task.attempt);
      first.flush();
      first.socket.end();
      return id;
    })();
    for (let i = 0; i < 5; i++) {
      const worker = await own.join();
      const task = await worker.takeAssigned();
      worker.writer.started(task.row, task.attempt);
      worker.flush();
      worker.socket.end();
    }
    const failure = await own.client.failed();
    expect(failure.id).toBe(id);
    expect(failure.message).toMatch(
      /^the task was lost with its worker 6 times, the limit is 5; the last time: worker .* is gone/,
    );
  });
});
