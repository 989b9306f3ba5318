/** Records of workers that are long out of date: they count for nothing, and are told to nobody. */
import { describe, expect, it } from "vitest";
import { useOwnWorkers } from "./own-workers.js";

const own = useOwnWorkers();

describe("records that are out of date", () => {
  it("finished or failed with another attempt, or by another worker, counts for nothing", async () => {
    const worker = await own.join();
    const id = own.submit();
    const task = await worker.takeAssigned();
    const other = await own.join();
    for (const attempt of [task.attempt - 1, task.attempt + 1, 0xffffffff]) {
      worker.finish({ row: task.row, attempt }, "wrong attempt");
      worker.fail({ row: task.row, attempt }, "wrong attempt");
    }
    other.finish(task, "wrong worker");
    other.fail(task, "wrong worker");
    worker.finish({ row: 0xffffffff, attempt: 1 }, "no such row");
    worker.fail({ row: 0xffffffff, attempt: 1 }, "no such row");
    worker.writer.started(0xfffffff0, 1);
    worker.writer.retracted(0xfffffff0, 1);
    worker.writer.fetched(0xfffffff0, 1);
    worker.flush();
    const barrier = await own.cluster.client();
    await barrier.stats();
    worker.finish(task, "right");
    await own.client.finished(id);
    expect(await own.client.fetch(id)).toBe("right");
    expect(own.client.untaken()).toEqual([]);
    const lines = own.cluster.log.filter(({ msg }) => /which nobody was given/.test(msg));
    expect(lines.map(({ msg }) => msg)).toEqual([
      expect.stringMatching(/^worker .* tells of a task with number 4294967295, .*: ignored$/),
    ]);
  });

  it("finished twice is told once; failed after finished is not told", async () => {
    const worker = await own.join();
    const id = own.submit();
    const task = await worker.takeAssigned();
    worker.finish(task, "first");
    worker.finish(task, "second");
    worker.fail(task, "failed");
    await own.client.finished(id);
    expect(await own.client.fetch(id)).toBe("first");
    const next = own.submit();
    worker.finish(await worker.takeAssigned(), "next");
    await own.client.finished(next);
    expect(own.client.untaken()).toEqual([]);
    expect((await own.client.stats()).objects).toBe(2);
  });

  it("failed twice is told once; finished after failed is not told", async () => {
    const worker = await own.join();
    own.submit();
    const task = await worker.takeAssigned();
    worker.fail(task, "broken");
    worker.fail(task, "broken again");
    worker.finish(task, "finished");
    expect((await own.client.failed()).message).toBe("broken");
    const next = own.submit();
    worker.finish(await worker.takeAssigned(), "next");
    await own.client.finished(next);
    expect(own.client.untaken()).toEqual([]);
    expect((await own.client.stats()).objects).toBe(1);
  });

  it("a task that is given back without being asked is assigned again", async () => {
    const worker = await own.join();
    const id = own.submit();
    const task = await worker.takeAssigned();
    worker.writer.retracted(task.row, task.attempt);
    worker.flush();
    const again = await worker.takeAssigned();
    expect(again.row).toBe(task.row);
    expect(again.attempt).toBeGreaterThan(task.attempt);
    worker.finish(task, "old");
    worker.finish(again, "new");
    await own.client.finished(id);
    expect(await own.client.fetch(id)).toBe("new");
  });

  it("finished after its client has gone", async () => {
    const worker = await own.join();
    own.submit();
    const task = await worker.takeAssigned();
    own.client.close();
    expect(await worker.takeCancelled()).toEqual({ row: task.row, attempt: task.attempt });
    worker.finish(task, "late");
    await own.cluster.checkWorks();
  });

  it("a failure without a message has one", async () => {
    const worker = await own.join();
    own.submit();
    worker.fail(await worker.takeAssigned(), "");
    expect((await own.client.failed()).message).toBe("the task failed without a message");
  });
});
