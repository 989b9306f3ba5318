/**
 * Workers that are refused, that send nonsense or what is long out of date: the server lives on,
 * and tasks of other workers, or of the same one, are none the worse for it.
 */
import { create, toBinary } from "@bufbuild/protobuf";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { RegisterSchema } from "../../src/protocol/generated/loom_pb.js";
import { Ask, type ClassicClient } from "./classic-client.js";
import { useCluster } from "./cluster.js";
import { waitFor } from "./deadline.js";
import { frameLength } from "./frame-socket.js";
import { ScriptedWorker, workerRegister } from "./scripted-worker.js";

const cluster = useCluster(1);
const workers: ScriptedWorker[] = [];
let client: ClassicClient;

async function join(init: Parameters<typeof workerRegister>[0] = {}): Promise<ScriptedWorker> {
  const worker = await ScriptedWorker.join(cluster.port, init);
  workers.push(worker);
  return worker;
}

/** Submits a task that only scripted workers can execute; its result is wanted. */
function submitOwn(config = "", inputs: number[] = []): number {
  const plan = client.plan();
  const id = plan.result("test/own", { config, inputs });
  client.submit(plan);
  return id;
}

beforeEach(async () => {
  // Makes sure that the type is in the dictionary.
  const first = await join();
  first.close();
  client = await cluster.client();
  await waitFor(async () => (await client.stats()).workers === 1, "it is gone");
});

afterEach(async () => {
  for (const worker of workers.splice(0)) {
    worker.close();
    expect(worker.broken).toBeUndefined();
  }
  await cluster.checkWorks();
  const probe = await cluster.client();
  await waitFor(async () => (await probe.stats()).workers === 1, "only the real worker is left");
});

describe("a registration is refused", () => {
  it.each([
    ["of no worker protocol", { workerProtocol: undefined }, /worker protocol 0, this server 2/],
    ["of a later worker protocol", { workerProtocol: 3 }, /worker protocol 3, this server 2/],
    ["of another wire version", { protocolVersion: 3 }, /protocol version 3 is not supported/],
    ["with 0 cpus", { cpus: 0 }, /1 to 65535 cpus, not 0/],
    ["with -1 cpus", { cpus: -1 }, /1 to 65535 cpus, not -1/],
    ["with 65536 cpus", { cpus: 65536 }, /1 to 65535 cpus, not 65536/],
    ["with port 0", { port: 0 }, /port for objects is 0/],
    ["without a port", { port: undefined }, /port for objects is 0/],
    ["with port 65536", { port: 65536 }, /port for objects is 65536/],
    ["with a reserved task type", { taskTypes: ["loom/own"] }, /"loom\/own": loom\/ is reserved/],
    ["with a reserved data type", { dataTypes: ["loom/x/y"] }, /"loom\/x\/y": loom\/ is reserved/],
    ["with an empty symbol", { taskTypes: [""] }, /symbol ""/],
    ["with a symbol of two lines", { taskTypes: ["a\nb"] }, /symbol "a\\nb" must be names/],
    ["with a symbol that ends in /", { taskTypes: ["a/"] }, /symbol "a\/"/],
    ["with a host that is too long", { host: "h".repeat(256) }, /host .*256/],
    [
      "with too many symbols",
      { taskTypes: Array.from({ length: 66_000 }, (_, i) => `many/${i}`) },
      /symbols/,
    ],
  ])("%s", async (_, init, why) => {
    const stranger = await cluster.stranger();
    stranger.register(workerRegister(init));
    const { message } = await stranger.error();
    expect(message).toMatch(why);
    expect(message).not.toMatch(/\n|internal error/);
    await stranger.closedByServer();
    expect(stranger.untaken()).toEqual([]);
    const { symbols } = await cluster.client();
    expect(symbols.filter((name) => /^(loom\/own|loom\/x|many|a)\b|^$/.test(name))).toEqual([]);
    // Later ones are not bothered.
    const [one, two] = [await join(), await join()];
    await waitFor(() => one.peers.length === 2 && two.peers.length === 2, "they know each other");
  });

  it("a name may be a data type first and a task type later", async () => {
    await join({ taskTypes: [], dataTypes: ["test/both"] });
    const able = await join({ taskTypes: ["test/both"] });
    client = await cluster.client();
    const plan = client.plan();
    const id = plan.result("test/both");
    client.submit(plan);
    able.finish(await able.takeAssigned(), "done");
    await client.finished(id);
  });
});

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
    const bad = await join();
    const id = submitOwn("work");
    const task = await bad.takeAssigned();
    const good = await join();
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
    await client.finished(id);
    expect(await client.fetch(id)).toBe("from the good one");
    await bad.untilEnded();
  });

  it("a frame that is too long", async () => {
    const bad = await join();
    const id = submitOwn();
    await bad.takeAssigned();
    const good = await join();
    bad.socket.sendRaw(frameLength(2n ** 33n));
    good.finish(await good.takeAssigned(), "ok");
    await client.finished(id);
  });

  it("what came before it in the same frame counts", async () => {
    const bad = await join();
    const id = submitOwn();
    const { row, attempt } = await bad.takeAssigned();
    bad.writer.finished(row, attempt, 4, 0, Buffer.from("done"));
    bad.socket.sendFrame(Buffer.concat([bad.writer.take()!, Buffer.from([99])]));
    await client.finished(id);
    expect(await client.fetch(id)).toBe("done");
  });

  it("its small results survive it, larger ones are computed again", async () => {
    const bad = await join();
    const small = submitOwn("small");
    bad.finish(await bad.takeAssigned(), "small");
    const large = submitOwn("large");
    const task = await bad.takeAssigned();
    bad.writer.finished(task.row, task.attempt, 1000, 0, undefined);
    bad.flush();
    await client.finished(small);
    await client.finished(large);
    bad.socket.sendFrame(Buffer.from("garbage"));
    const good = await join();
    good.finish(await good.takeAssigned(), "again");
    expect(await client.fetch(large)).toBe("again");
    expect(await client.fetch(small)).toBe("small");
  });

  it("random bytes, many times", async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ minLength: 1, maxLength: 60 }), async (bytes) => {
        const bad = await ScriptedWorker.join(cluster.port);
        bad.socket.sendFrame(bytes);
        bad.socket.end();
        await bad.untilEnded();
        bad.close();
      }),
      { numRuns: 200 },
    );
  });

  it("well-formed records with random numbers, many times, from one that works as well", async () => {
    const worker = await join();
    const number = fc.oneof(fc.nat(20), fc.nat(0x7fffffff), fc.constant(0xffffffff));
    const record = fc.tuple(fc.constantFrom(1, 3, 4, 5, 6, 7), number, number, number, fc.nat(5));
    await fc.assert(
      fc.asyncProperty(fc.array(record, { minLength: 1, maxLength: 5 }), async (records) => {
        const id = submitOwn();
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
        await client.finished(id);
        expect(await client.fetch(id)).toBe("good");
        client.release(id);
      }),
      { numRuns: 100 },
    );
  });
});

describe("records that are out of date", () => {
  it("finished or failed with another attempt, or by another worker, counts for nothing", async () => {
    const worker = await join();
    const id = submitOwn();
    const task = await worker.takeAssigned();
    const other = await join();
    for (const attempt of [task.attempt - 1, task.attempt + 1, 0xffffffff]) {
      worker.finish({ row: task.row, attempt }, "wrong attempt");
      worker.fail({ row: task.row, attempt }, "wrong attempt");
    }
    other.finish(task, "wrong worker");
    other.fail(task, "wrong worker");
    worker.finish({ row: 0xffffffff, attempt: 1 }, "no such row");
    worker.fail({ row: 0xffffffff, attempt: 1 }, "no such row");
    const barrier = await cluster.client();
    await barrier.stats();
    worker.finish(task, "right");
    await client.finished(id);
    expect(await client.fetch(id)).toBe("right");
    expect(client.untaken()).toEqual([]);
  });

  it("finished twice is told once; failed after finished is not told", async () => {
    const worker = await join();
    const id = submitOwn();
    const task = await worker.takeAssigned();
    worker.finish(task, "first");
    worker.finish(task, "second");
    worker.fail(task, "failed");
    await client.finished(id);
    expect(await client.fetch(id)).toBe("first");
    const next = submitOwn();
    worker.finish(await worker.takeAssigned(), "next");
    await client.finished(next);
    expect(client.untaken()).toEqual([]);
    expect((await client.stats()).objects).toBe(2);
  });

  it("failed twice is told once; finished after failed is not told", async () => {
    const worker = await join();
    submitOwn();
    const task = await worker.takeAssigned();
    worker.fail(task, "broken");
    worker.fail(task, "broken again");
    worker.finish(task, "finished");
    expect((await client.failed()).message).toBe("broken");
    const next = submitOwn();
    worker.finish(await worker.takeAssigned(), "next");
    await client.finished(next);
    expect(client.untaken()).toEqual([]);
    expect((await client.stats()).objects).toBe(1);
  });

  it("a task that is given back without being asked is assigned again", async () => {
    const worker = await join();
    const id = submitOwn();
    const task = await worker.takeAssigned();
    worker.writer.retracted(task.row, task.attempt);
    worker.flush();
    const again = await worker.takeAssigned();
    expect(again.row).toBe(task.row);
    expect(again.attempt).toBeGreaterThan(task.attempt);
    worker.finish(task, "old");
    worker.finish(again, "new");
    await client.finished(id);
    expect(await client.fetch(id)).toBe("new");
  });

  it("finished after its client has gone", async () => {
    const worker = await join();
    submitOwn();
    const task = await worker.takeAssigned();
    client.close();
    expect(await worker.takeCancelled()).toEqual({ row: task.row, attempt: task.attempt });
    worker.finish(task, "late");
    await cluster.checkWorks();
  });

  it("a failure without a message has one", async () => {
    const worker = await join();
    submitOwn();
    worker.fail(await worker.takeAssigned(), "");
    expect((await client.failed()).message).toBe("the task failed without a message");
  });
});

describe("a worker that is gone", () => {
  it("with the last of its type: later plans are refused, waiting tasks wait for the next", async () => {
    const worker = await join();
    const id = submitOwn();
    await worker.takeAssigned();
    worker.close();
    await waitFor(async () => (await client.stats()).workers === 1, "it is gone");
    const refused = submitOwn();
    const error = await client.error();
    expect(error.id).toBe(refused);
    expect(error.message).toBe(
      `task ${refused} has the type test/own, which no connected worker offers`,
    );
    const next = await join();
    next.finish(await next.takeAssigned(), "at last");
    await client.finished(id);
  });

  it("only for those who want its objects: after some attempts the result fails", async () => {
    // Nothing listens on the port that it registered.
    const worker = await join({ port: 1 });
    const id = submitOwn();
    const finishLarge = async () => {
      const { row, attempt } = await worker.takeAssigned();
      worker.writer.finished(row, attempt, 1000, 0, undefined);
      worker.flush();
    };
    await finishLarge();
    await client.finished(id);
    client.send({ type: Ask.FETCH, id });
    for (let i = 0; i < 5; i++) await finishLarge();
    const error = await client.error();
    expect(error.id).toBe(id);
    expect(error.message).toMatch(/could not be fetched/);
  });

  it("again and again with the same task: that fails and says so", async () => {
    const id = await (async () => {
      const first = await join();
      const id = submitOwn();
      const task = await first.takeAssigned();
      first.writer.started(task.row, task.attempt);
      first.flush();
      first.socket.end();
      return id;
    })();
    for (let i = 0; i < 5; i++) {
      const worker = await join();
      const task = await worker.takeAssigned();
      worker.writer.started(task.row, task.attempt);
      worker.flush();
      worker.socket.end();
    }
    const failure = await client.failed();
    expect(failure.id).toBe(id);
    expect(failure.message).toMatch(
      /^the task was lost with its worker 6 times, the limit is 5; the last time: worker .* is gone/,
    );
  });
});
