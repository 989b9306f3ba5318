/**
 * Waiting for futures, releasing them, and those of other clients. What they are read into is in
 * values.test.ts and streams.test.ts.
 */
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { type Future, TaskFailed, tasks } from "../../src/client/index.js";
import { ClientResponseType } from "../../src/protocol/index.js";
import { roundTrip } from "./harness.js";
import { submitted } from "./submitted-tasks.js";

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

  it("says nothing that steers a terminal, nor all of a long label", async () => {
    const { server, futures } = await submitted(2);
    const failed = async (id: number, label: string): Promise<TaskFailed> => {
      const error = { id, label, taskType: "t", errorMsg: "no", lostResults: [id] };
      server.send({ type: ClientResponseType.TASK_FAILED, error });
      return futures[id].wait().then(
        () => expect.unreachable(),
        (reason) => reason,
      );
    };
    const red = await failed(0, "x\x1b[31mred\n");
    expect([red.message, red.label]).toEqual([
      'task "x?[31mred?" (t) failed: no',
      "x\x1b[31mred\n",
    ]);
    const { message } = await failed(1, "y".repeat(4000));
    expect(message).toBe(`task "${"y".repeat(198)}.." (t) failed: no`);
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
