/** What is said of tasks in every state, and that it costs little. */
import { describe, expect, test } from "vitest";
import { ARRAY, DGET, DSLICE } from "./dynamic-model.js";
import { explainOne, gpus, LARGE, newCluster, result, task } from "./explaining.js";
import { FakeCluster } from "./fake-cluster.js";

describe("a ready task that waits for room", () => {
  test("nobody is connected", () => {
    const cluster = newCluster();
    cluster.submit(0, 0, [result([])]);
    const { summary, workers } = explainOne(cluster, "0", "ready");
    expect(summary).toBe("task 0 is ready, but no worker is connected; start one (loom worker)");
    expect(workers).toMatchObject({ connected: 0, able: 0, groups: [] });
    expect(cluster.core.unableTasks()).toEqual([{ request: "", taskType: 5, tasks: 1 }]);
  });

  test("the workers that could execute it are busy: what is taken, what is queued", () => {
    const cluster = newCluster();
    cluster.join(4, { gpus: 2 });
    cluster.join(4, { gpus: 2 });
    cluster.join(4);
    const request = { cpus: 1, amounts: { gpus: 1.5 } };
    cluster.submit(0, 0, [
      ...Array.from({ length: 9 }, () => result([], { request })),
      result([], { request, priority: -5, label: "last" }),
    ]);
    cluster.schedule();
    // One runs at each, one is queued there.
    const found = explainOne(cluster, "last", "ready");
    expect(found.summary).toBe(
      'task 9 "last" is ready and waits for 1 cpu and 1.5 gpus: the 2 workers that could execute it are busy',
    );
    expect(found).toMatchObject({ priority: -5, request: "1 cpu and 1.5 gpus", heldBack: false });
    expect(found.workers).toMatchObject({ connected: 3, able: 2, others: 0 });
    expect(found.workers.groups).toEqual([
      {
        verdict: "busy",
        workers: 2,
        addresses: ["host:0", "host:1"],
        reason: "2 of 4 cpus and 2 of 2 gpus (1 gpus more queued) taken, by 2 tasks",
      },
      { verdict: "cannot", workers: 1, addresses: ["host:2"], reason: "has no gpus" },
    ]);
    expect(found.readyAlike).toBe(6);
    expect(cluster.core.unableTasks()).toEqual([]);
  });

  test("those with the least to do are named first", () => {
    const cluster = newCluster();
    for (let i = 0; i < 3; i++) cluster.join(4);
    cluster.submit(
      0,
      0,
      [3, 2, 1].map((cpus) => result([], { cpus })),
    );
    cluster.schedule();
    cluster.submit(0, 3, [result([], { cpus: 4 })]);
    expect(explainOne(cluster, "3", "ready").workers.groups).toEqual([
      {
        verdict: "busy",
        workers: 3,
        addresses: ["host:2", "host:1", "host:0"],
        reason: "1 of 4 cpus taken, by 1 task",
      },
    ]);
  });

  test("a light task: the window of each worker is full", () => {
    const cluster = newCluster();
    cluster.join(1);
    cluster.submit(
      0,
      0,
      Array.from({ length: 300 }, (_, i) => result([], { label: `n:${i}` })),
    );
    cluster.schedule();
    const found = explainOne(cluster, "n:299", "ready");
    expect(found.summary).toMatch(/is ready and waits for room: the only worker .* is busy$/);
    expect(found.workers.groups[0].reason).toBe("256 light tasks are there");
    expect(found).not.toHaveProperty("request");
  });

  test("memory is short", () => {
    const cluster = newCluster();
    cluster.join(2, { mem: 1e9 });
    cluster.submit(0, 0, [result([], { cpus: 1 })]);
    cluster.schedule();
    cluster.memory(0, 9e8);
    cluster.submit(0, 1, [result([], { cpus: 1, expectedBytes: 1e8 })]);
    cluster.schedule();
    const found = explainOne(cluster, "1", "ready");
    expect(found.summary).toMatch(/but the only worker .* has no memory left for its result$/);
    expect(found.workers.groups[0].verdict).toBe("memoryFull");
    cluster.memory(0, 0);
    cluster.schedule();
    explainOne(cluster, "1", "assigned");
  });

  test("it queues for the worker that has its inputs", () => {
    const cluster = newCluster();
    for (let i = 0; i < 3; i++) cluster.join(1, {}, i === 1 ? [4, 5] : [4]);
    cluster.submit(0, 0, [result([])]);
    cluster.schedule();
    cluster.finish(1, cluster.row(0, 0));
    const light = Array.from({ length: 300 }, () => result([0]));
    cluster.submit(0, 1, light);
    cluster.schedule();
    const found = explainOne(cluster, "300", "ready");
    expect(found.queuedAt).toBe("host:1");
    expect(found.summary).toBe(
      "task 300 is ready and queues for worker host:1, which has its inputs",
    );
  });

  test("a schedule is searched meanwhile", () => {
    const cluster = newCluster();
    cluster.join(1);
    cluster.join(1);
    // A layered graph, for which a schedule is not found at once.
    const layers = Array.from({ length: 600 }, (_, i) =>
      result(i < 20 ? [] : [i - 20, i - 1 - (i % 7)], {
        cpus: 1,
        expectedMs: 500 + ((i * 7919) % 1000),
      }),
    );
    cluster.submit(0, 0, layers);
    cluster.core.schedule(1);
    const found = explainOne(cluster, "7", "ready");
    expect(found.heldBack).toBe(true);
    expect(found.summary).toMatch(/held back for a moment, while a schedule is searched$/);
  });

  test("it has just become ready", () => {
    const cluster = newCluster();
    cluster.join(1);
    cluster.submit(0, 0, [result([], { cpus: 1 })]);
    const { summary, workers } = explainOne(cluster, "0", "ready");
    expect(summary).toBe("task 0 is ready and will be sent to a worker in a moment");
    expect(workers.groups[0]).toMatchObject({ verdict: "free", workers: 1 });
  });

  test("of thousands of workers some hundred are looked at", () => {
    const cluster = newCluster();
    cluster.checked = false;
    for (let i = 0; i < 1500; i++) cluster.join(2, { gpus: i % 2 });
    for (let i = 0; i < 1500; i++) cluster.join(2, { mem: i + 1 });
    cluster.submit(0, 0, [result([], { cpus: 2 }), result([], gpus(9)), result([], gpus(0.5))]);
    for (const [id, able] of [
      ["0", 3000],
      ["1", 0],
      ["2", 750],
    ] as const) {
      const { workers } = explainOne(cluster, id, "ready");
      const listed = workers.groups.reduce((sum, group) => sum + group.workers, 0);
      expect(workers).toMatchObject({ connected: 3000, able, others: 3000 - listed });
      expect(workers.groups.length).toBeLessThanOrEqual(10);
      for (const { addresses } of workers.groups) expect(addresses.length).toBeLessThanOrEqual(3);
      expect(workers.others).toBeGreaterThan(0);
      if (id === "0") expect(listed).toBe(500);
    }
    expect(explainOne(cluster, "1", "ready").details.at(-1)).toMatch(
      /^\d+ more workers not listed$/,
    );
  });
});

describe("a waiting task", () => {
  test("names its inputs, and what they wait for in the end", () => {
    const cluster = newCluster();
    cluster.join(1);
    cluster.submit(0, 0, [
      task([], { cpus: 2, label: "stuck" }),
      task([0], { label: "middle" }),
      task([], { cpus: 1 }),
      result([1, 2, 1], { label: "end", cpus: 3 }),
      result([2]),
    ]);
    cluster.schedule();
    const found = explainOne(cluster, "end", "waiting");
    const problem = "no connected worker has 2 cpus: the largest has 1";
    expect(found.summary).toBe(
      `task 3 "end" waits for its 3 inputs; task 0 "stuck" is ready, but ${problem}; start such a worker, or release the result to cancel it`,
    );
    expect(found).toMatchObject({ inputs: 3, unfinishedInputs: 3 });
    expect(found.firstUnfinished.map(({ id, state }) => [id, state])).toEqual([
      [1, "waiting"],
      [2, "assigned"],
    ]);
    expect(found.causes).toMatchObject({ unable: 1, ready: 0, assigned: 1, complete: true });
    expect(found.causes.first.map(({ id }) => id)).toEqual([0, 2]);
    expect(found.workers?.problem).toBe("no connected worker has 3 cpus: the largest has 1");
    expect(found.details).toContain(
      "then it could not run: no connected worker has 3 cpus: the largest has 1",
    );
    cluster.start(0, [...cluster.workers.get(0)!.tasks.keys()][0]);
    cluster.join(4);
    // Sent ahead of its input, to where this is made.
    expect(explainOne(cluster, "4", "assigned")).toMatchObject({ unfinishedInputs: 1 });
  });

  test("one cause is told in its words, several by their numbers", () => {
    const cluster = newCluster();
    cluster.join(1);
    const ends = Array.from({ length: 9 }, () => task([], { cpus: 1, priority: 1 }));
    cluster.submit(0, 0, [...ends, result([0, 1, 2, 3, 4, 5, 6, 7, 8], { cpus: 1 })]);
    cluster.schedule();
    const found = explainOne(cluster, "9", "waiting");
    expect(found.summary).toBe(
      "task 9 waits for its 9 inputs, in the end for 2 tasks at workers and 7 ready tasks",
    );
    expect(found.causes.first).toHaveLength(5);
    expect(found.details.at(-1)).toBe("and 4 more tasks");
    expect(found).not.toHaveProperty("workers");
    cluster.submit(0, 10, [task([], { cpus: 1 }), task([10], { cpus: 1 }), result([10, 11])]);
    expect(explainOne(cluster, "12", "waiting").summary).toMatch(
      /^task 12 waits for its 2 inputs; task 10 is ready and waits for 1 cpu: the only worker/,
    );
  });

  test("inputs that are there are not named", () => {
    const cluster = newCluster();
    cluster.join(1);
    cluster.submit(0, 0, [result([]), task([], { cpus: 2 }), result([0, 1, 0])]);
    cluster.schedule();
    cluster.finish(0, cluster.row(0, 0));
    const found = explainOne(cluster, "2", "waiting");
    expect(found.summary).toMatch(/^task 2 waits for 1 of its 3 inputs; task 1 is ready, but /);
    expect(found.firstUnfinished.map(({ id }) => id)).toEqual([1]);
  });

  test("of graphs with thousands of tasks a part is looked at", () => {
    const cluster = newCluster();
    cluster.checked = false;
    const inputs = Array.from({ length: 20_000 }, (_, i) => i);
    cluster.submit(0, 0, [...inputs.map(() => task([])), result(inputs)]);
    expect(explainOne(cluster, "20000", "waiting").causes).toMatchObject({
      unable: 9999,
      complete: false,
    });
  });

  test("of many inputs the first are named; of large graphs a part is looked at", () => {
    const cluster = newCluster();
    cluster.checked = false;
    const inputs = Array.from({ length: 300_000 }, (_, i) => i);
    cluster.submit(0, 0, [...inputs.map(() => task([])), result(inputs)]);
    const found = explainOne(cluster, "300000", "waiting");
    expect(found).toMatchObject({ inputs: 300_000, unfinishedInputs: 300_000 });
    expect(found.firstUnfinished).toHaveLength(10);
    expect(found.causes.complete).toBe(false);
    expect(found.details).toContain("and 299990 more inputs");
    expect(found.details).toContain("there are more tasks before it than were looked at");
  });

  test("one that is copied names its copies", () => {
    const cluster = new FakeCluster(
      5,
      () => LARGE,
      () => 3,
    );
    cluster.client(0);
    cluster.join(2);
    const plan = [
      task([]),
      task([0], { type: DGET }),
      task([1], { label: "f:x", cpus: 3 }),
      result([2], { type: ARRAY }),
    ];
    cluster.submit(0, 0, plan);
    cluster.schedule();
    const before = explainOne(cluster, "f:x", "waiting");
    expect(before.summary).toMatch(/^task 2 "f:x" waits to be copied, until the length /);
    expect(before.copies).toMatchObject({ total: 0 });
    cluster.runAll();
    const after = explainOne(cluster, "f:x", "released");
    expect(after.summary).toMatch(
      /is executed as its copies, of which 0 of 3 have ended; task 2 "f:x \[0\]" is ready, but no connected worker has 3 cpus: the largest has 2;/,
    );
    expect(after.copies).toMatchObject({ total: 3, ready: 3 });
    expect(explainOne(cluster, "f:x [1]", "ready")).toMatchObject({ id: 2, label: "f:x [1]" });
    expect(cluster.core.explain("f:x [3]")).toMatch(/^no task has/);
    expect(cluster.core.unableTasks()).toEqual([{ request: "3 cpus", taskType: 5, tasks: 3 }]);
    expect(explainOne(cluster, "3", "waiting").causes).toMatchObject({ unable: 3 });
    cluster.join(3);
    cluster.runAll();
    expect(explainOne(cluster, "3", "finished").sizeBytes).toBe(LARGE);
  });

  test("slices, too", () => {
    const cluster = new FakeCluster(
      5,
      () => LARGE,
      () => 8,
    );
    cluster.client(0);
    cluster.join(1);
    cluster.submit(0, 0, [
      task([]),
      task([0], { type: DSLICE }),
      task([1], { label: "g", cpus: 2 }),
      result([2], { type: ARRAY }),
    ]);
    cluster.runAll();
    expect(explainOne(cluster, "g [3]", "ready").id).toBe(2);
  });
});

describe("an assigned task", () => {
  test("waits at its worker, then runs there", () => {
    const cluster = newCluster();
    cluster.join(1);
    cluster.submit(0, 0, [result([], { cpus: 1, label: "a" }), result([])]);
    cluster.schedule();
    const queued = explainOne(cluster, "a", "assigned");
    expect(queued).toMatchObject({ worker: "host:0", started: false, tasksThere: 2 });
    expect(queued.summary).toBe(
      'task 0 "a" is at worker host:0, where it waits for its turn; with it 1 of 1 cpu taken, by 1 task',
    );
    expect(explainOne(cluster, "1", "assigned").summary).toMatch(/and runs, or is about to$/);
    cluster.start(0, cluster.row(0, 0));
    const runs = explainOne(cluster, "a", "assigned");
    expect(runs).toMatchObject({ started: true, summary: 'task 0 "a" runs at worker host:0' });
    cluster.kill(0);
    cluster.join(1);
    cluster.schedule();
    expect(explainOne(cluster, "a", "assigned")).toMatchObject({ worker: "host:1", losses: 1 });
    expect(explainOne(cluster, "a", "assigned").details[0]).toContain(
      "lost 1 time with its worker",
    );
  });

  test("waits for an input on its way, or for its turn there", () => {
    const cluster = newCluster();
    cluster.join(1);
    cluster.submit(0, 0, [result([], { cpus: 1, label: "made here" })]);
    cluster.runAll();
    cluster.join(4);
    // Its worker has the input, the other one the cores.
    cluster.submit(0, 1, [result([0], { cpus: 2, label: "wide" })]);
    cluster.schedule();
    const wide = explainOne(cluster, "wide", "assigned");
    expect(wide).toMatchObject({ worker: "host:1", inputsElsewhere: 1 });
    expect(wide.summary).toContain("waits for 1 input to arrive, or for its turn; with it 2 of 4");
  });

  test("is asked back for another worker", () => {
    const cluster = newCluster();
    cluster.join(1);
    cluster.submit(0, 0, [result([], { cpus: 1 }), result([], { cpus: 1 })]);
    cluster.schedule();
    cluster.start(0, cluster.row(0, 0));
    cluster.join(1);
    cluster.nowMs += 1000;
    cluster.schedule();
    expect(cluster.workers.get(0)!.retracting).toEqual(new Set([cluster.row(0, 1)]));
    const { askedBack, details } = explainOne(cluster, "1", "assigned");
    expect(askedBack).toBe(true);
    expect(details).toContain("it was asked back, to be sent to another worker");
  });
});

describe("a task that has ended", () => {
  test.each([
    [LARGE, "976.56 KiB, is at worker host:0", false],
    [3, "3 bytes, is at the server, worker host:0", true],
  ])("its result has %i bytes", (sizeBytes, place, atServer) => {
    const cluster = newCluster(sizeBytes);
    cluster.join(1);
    cluster.submit(0, 0, [result([])]);
    cluster.runAll();
    const found = explainOne(cluster, "0", "finished");
    expect(found.summary).toBe(`task 0 has finished; its result, ${place}`);
    expect(found).toMatchObject({ sizeBytes, atServer, holders: ["host:0"] });
  });

  test("its failure, or that of a task that it needs", () => {
    const cluster = newCluster();
    cluster.join(1);
    cluster.submit(0, 0, [
      task([], { cpus: 1, label: "bad" }),
      task([0]),
      result([1], { label: "end" }),
    ]);
    cluster.schedule();
    const row = [...cluster.workers.get(0)!.tasks.keys()][0];
    cluster.fail(0, row);
    expect(explainOne(cluster, "bad", "failed").summary).toBe(
      'task 0 "bad" has failed at worker host:0: on purpose',
    );
    for (const [query, name] of [
      ["1", "task 1"],
      ["end", 'task 2 "end"'],
    ]) {
      const found = explainOne(cluster, query, "failed");
      expect(found.summary).toBe(
        `${name} has failed, as task 0 "bad" did at worker host:0: on purpose`,
      );
      expect(found.failedTask).toEqual({ id: 0, label: "bad" });
    }
    cluster.release(0, 2);
    cluster.schedule();
    expect(cluster.core.explain("bad")).toMatch(/^no task has the id or label "bad"/);
  });

  test("its result was dropped", () => {
    const cluster = newCluster();
    cluster.join(1);
    cluster.submit(0, 0, [task([]), result([0])]);
    cluster.runAll();
    expect(explainOne(cluster, "0", "released").summary).toMatch(/nobody needs its result/);
  });
});
