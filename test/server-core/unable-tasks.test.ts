/** Tasks that no worker can execute: what is said of them, and who is told. */
import { describe, expect, test } from "vitest";
import { Unsatisfiable } from "../../src/protocol/index.js";
import { explainOne, gpus, newCluster, result, task } from "./explaining.js";
import type { TestTask } from "./fake-cluster.js";

describe("a ready task that no worker can execute", () => {
  test.each<[string, Partial<TestTask>, string]>([
    ["too many of one resource", gpus(8), "no connected worker has 8 gpus: the largest has 2"],
    ["too many cores", { cpus: 9 }, "no connected worker has 9 cpus: the largest has 8"],
    [
      "of memory",
      { request: { amounts: { mem: 2 ** 36 } } },
      "has 64 GiB mem: the largest has 16 GiB",
    ],
    ["what nobody has", { request: { amounts: { tapes: 0.5 } } }, "has 0.5 tapes: none has any"],
    ["particular ones", gpus(["1", "7"]), "has gpus 1, 7: the nearest, host:0, has no gpus 7"],
    [
      "several resources at one worker",
      { request: { cpus: 8, amounts: { gpus: 2 } } },
      "no connected worker has 8 cpus and 2 gpus: the nearest, host:0, has 4 of 8 cpus",
    ],
    [
      "variants",
      { request: { amounts: { gpus: 3 }, or: [{ cpus: 9 }] } },
      "no connected worker has 3 gpus, or else 9 cpus: the nearest, host:1, has 8 of 9 cpus",
    ],
    [
      "what only others have",
      { type: 6, cpus: 8 },
      "no connected worker that offers loom/data/open has 8 cpus: the largest has 4",
    ],
    ["a type that nobody offers", { type: 16 }, "no connected worker offers the type loom/py/call"],
  ])("%s", (_name, asked, problem) => {
    const cluster = newCluster();
    const some = Array.from({ length: 10 }, (_, i) => i);
    cluster.join(4, { gpus: ["0", "1"], mem: 2 ** 34 }, some);
    cluster.join(8, {}, [4, 5]);
    const plan = [result([], { ...asked, label: "train" })];
    expect(cluster.submit(0, 0, plan, new Map(), Unsatisfiable.wait)).toBeUndefined();
    cluster.schedule();
    const found = explainOne(cluster, "train", "ready");
    expect(found.workers).toMatchObject({ connected: 2, able: 0, others: 0 });
    expect(found.workers.problem).toContain(problem);
    expect(found.summary).toBe(
      `task 0 "train" is ready, but ${found.workers.problem}; start such a worker, or release the result to cancel it`,
    );
    expect(found.workers.groups.map(({ verdict, workers }) => [verdict, workers])).toEqual(
      found.workers.groups.length === 1
        ? [["cannot", 2]]
        : [
            ["cannot", 1],
            ["cannot", 1],
          ],
    );
  });

  test("its client is told when it submits it, once for each request", () => {
    const cluster = newCluster();
    cluster.join(4, { gpus: 2 });
    const plan = [
      result([], gpus(1)),
      task([], { ...gpus(8), label: "first" }),
      result([11], { ...gpus(8), label: "second" }),
      result([], { cpus: 5 }),
    ];
    expect(cluster.submit(0, 10, plan)).toBeUndefined();
    expect(cluster.notices.map(({ client, notice }) => [client, notice])).toEqual([
      [
        0,
        '2 tasks, the first is task 11 "first", wait for a worker that can execute them, as no connected worker has 8 gpus: the largest has 2; start one, or release their results to cancel them',
      ],
      [
        0,
        "task 13 waits for a worker that can execute it, as no connected worker has 5 cpus: the largest has 4; start one, or release its result to cancel it",
      ],
    ]);
    expect(cluster.core.unableTasks()).toEqual([
      { request: "8 gpus", taskType: 5, tasks: 1 },
      { request: "5 cpus", taskType: 5, tasks: 1 },
    ]);
    cluster.join(5, { gpus: 8 });
    expect(cluster.core.unableTasks()).toEqual([]);
    cluster.runAll();
    expect(cluster.finished.size).toBe(3);
  });

  test("rows that are used again count once; tasks that failed at once are not told", () => {
    const cluster = newCluster();
    cluster.join(1);
    // The first in the queue: what is behind it stays there, needed or not.
    cluster.submit(0, 0, [result([], { cpus: 2, priority: 1 })]);
    const rows = [1, 2, 3, 4].map((id) => {
      cluster.submit(0, id, [result([], { cpus: 2 })]);
      expect(cluster.core.unableTasks()).toMatchObject([{ tasks: 2 }]);
      const row = cluster.row(0, id);
      cluster.release(0, id);
      for (let i = 0; i < 3; i++) cluster.schedule();
      expect(cluster.core.unableTasks()).toMatchObject([{ tasks: 1 }]);
      return row;
    });
    expect(new Set(rows).size).toBeLessThan(rows.length);
    cluster.submit(0, 5, [result([], { cpus: 1 })]);
    cluster.schedule();
    cluster.fail(0, [...cluster.workers.get(0)!.tasks.keys()][0]);
    cluster.notices.length = 0;
    cluster.submit(0, 6, [result([5], { cpus: 2 })]);
    expect(cluster.notices).toEqual([]);
  });

  test("not all of many requests are told", () => {
    const cluster = newCluster();
    cluster.join(1);
    cluster.submit(
      0,
      0,
      Array.from({ length: 12 }, (_, i) => result([], { cpus: i + 2 })),
    );
    expect(cluster.notices).toHaveLength(5);
    expect(cluster.notices[4].notice).toMatch(/to cancel it; so do tasks with 7 other requests$/);
  });

  test("nobody is told of plans that are refused, of tasks from checkpoints, or where no worker is", () => {
    const cluster = newCluster();
    cluster.submit(0, 0, [result([], { cpus: 9 })]);
    cluster.join(1);
    cluster.submit(0, 1, [result([], { cpus: 9 })], new Map(), Unsatisfiable.refuse);
    const saved = new Map([[0, new TextEncoder().encode("/there")]]);
    cluster.submit(0, 1, [result([], { cpus: 9, checkpointPath: "/there" })], saved);
    expect(cluster.notices).toEqual([]);
  });

  test("long labels and requests are cut", () => {
    const cluster = newCluster();
    cluster.join(1);
    const indices = Array.from({ length: 255 }, (_, i) => `${"x".repeat(50)}${i}`);
    const label = "l".repeat(5000);
    cluster.submit(0, 0, [result([], { label, ...gpus(indices) })]);
    expect(cluster.notices[0].notice.length).toBeLessThan(1500);
    expect(explainOne(cluster, label, "ready").label).toBe(label);
    expect(cluster.core.explain("y".repeat(1e6))).toMatch(/^no task .{0,500}$/);
  });
});
