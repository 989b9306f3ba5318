/** Resources besides cores, and the order in which tasks with requests start. */
import { describe, expect, it } from "vitest";
import type { WorkerTask } from "../../src/worker-core/index.js";
import { aTask, CoreHarness, heldBy, indexed } from "./core-harness.js";

const MEM = { name: "mem", amount: 100, indices: [] };
const GPUS = indexed("gpus", 3);

function coreWith(
  ...resources: ConstructorParameters<typeof CoreHarness>[2] & object
): CoreHarness {
  return new CoreHarness(4, true, resources);
}

describe("an amount", () => {
  it("is taken by a task and given back", () => {
    const core = coreWith(MEM);
    core.assign(aTask(1).takes("mem", 60), aTask(2).takes("mem", 60), aTask(3).takes("mem", 40));
    const [one, three] = core.startTasks();
    expect([one.row, three.row]).toEqual([1, 3]);
    expect(heldBy(one, "mem")).toEqual({ indices: [], amount: 60 });
    core.finish(three);
    expect(core.startAll()).toEqual([]);
    core.finish(one);
    expect(core.startAll()).toEqual([2]);
  });

  it("adds up exactly, in fractions", () => {
    const core = coreWith({ name: "licences", amount: 1, indices: [] });
    for (let row = 0; row < 12; row++) core.assign(aTask(row).takes("licences", 0.1));
    expect(core.startAll().length).toBe(10);
  });

  it("of terabytes of memory comes back whole", () => {
    // In floating-point numbers these sums lose something.
    const total = 100 * 2 ** 40 + 601;
    const core = coreWith({ name: "mem", amount: total, indices: [] });
    const parts = [115867520962, 603908352820, 621928704018];
    core.assign(...parts.map((amount, row) => aTask(row).takes("mem", amount)));
    for (const task of core.startTasks()) core.finish(task);
    core.assign(aTask(3).takes("mem", total));
    expect(core.startAll()).toEqual([3]);
  });
});

describe("an indexed resource", () => {
  it("gives each task indices of its own", () => {
    const core = coreWith(GPUS);
    core.assign(aTask(1).takes("gpus", 2), aTask(2).takes("gpus", 1), aTask(3).takes("gpus", 1));
    const [one, two] = core.startTasks();
    expect(heldBy(one, "gpus").indices).toEqual(["0", "1"]);
    expect(heldBy(two, "gpus").indices).toEqual(["2"]);
    core.finish(one);
    expect(core.startTasks().map((task) => heldBy(task, "gpus").indices)).toEqual([["0"]]);
  });

  it("gives fractions from one index as long as they fit", () => {
    const core = coreWith(indexed("gpus", 2));
    const half = [1, 2, 3, 4, 5].map((row) => aTask(row).takes("gpus", 0.5));
    core.assign(...half);
    const tasks = core.startTasks();
    const held = tasks.map((task) => heldBy(task, "gpus").indices.join());
    expect(held).toEqual(["0", "0", "1", "1"]);
    core.finish(tasks[1]);
    core.finish(tasks[2]);
    core.assign(aTask(6).takes("gpus", 1)); // half of each is free, no whole one
    expect(core.startAll()).toEqual([5]);
  });

  it("puts a fraction where least is left", () => {
    const core = coreWith(indexed("gpus", 2));
    core.assign(aTask(1).takes("gpus", 0.4), aTask(2).takes("gpus", 0.7));
    core.startTasks();
    core.assign(aTask(3).takes("gpus", 0.3));
    expect(core.startTasks().map((task) => heldBy(task, "gpus").indices)).toEqual([["1"]]);
  });

  it("gives whole ones and a part of one more", () => {
    const core = coreWith(GPUS);
    core.assign(aTask(1).takes("gpus", 0.5), aTask(2).takes("gpus", 2.5));
    const two = core.startTasks()[1];
    expect(heldBy(two, "gpus")).toEqual({ indices: ["1", "2", "0"], amount: 2.5 });
  });

  it("gives particular ones, when they are free", () => {
    const core = coreWith(indexed("gpus", 3));
    core.assign(aTask(1).takes("gpus", 1), aTask(2).takes("gpus", ["0"]));
    core.assign(aTask(3).takes("gpus", ["2", "1"]));
    const [one, three] = core.startTasks();
    expect(heldBy(three, "gpus")).toEqual({ indices: ["1", "2"], amount: 2 });
    core.finish(one);
    expect(core.startAll()).toEqual([2]);
  });
});

it("a task waits until all that it asks for is free", () => {
  const core = coreWith(MEM, GPUS);
  core.assign(aTask(1).cpus(4), aTask(2).cpus(1).takes("gpus", 1).takes("mem", 5));
  core.assign(aTask(3).takes("mem", 100));
  const [one, three] = core.startTasks();
  expect([one.row, three.row]).toEqual([1, 3]);
  core.finish(one);
  expect(core.startAll()).toEqual([]);
  core.finish(three);
  const [two] = core.startTasks();
  expect([two.cores, heldBy(two, "gpus").indices, heldBy(two, "mem").amount]).toEqual([
    [0],
    ["0"],
    5,
  ]);
});

it("particular ones and others are not counted twice", () => {
  const core = coreWith(GPUS);
  core.assign(aTask(1).takes("gpus", ["2"]), aTask(2).takes("gpus", ["1"]).takes("gpus", 2));
  const [one, two] = core.startTasks();
  expect(two).toBe(undefined);
  core.finish(one);
  expect(core.startAll()).toEqual([2]);
});

it("entries of the same resource are added up", () => {
  const core = coreWith(GPUS);
  core.assign(aTask(1).takes("gpus", 0.5).takes("gpus", ["1"]).takes("gpus", 0.5));
  expect(heldBy(core.startTasks()[0], "gpus")).toEqual({ indices: ["0", "1"], amount: 2 });
});

describe("a request that this worker can never meet fails the task", () => {
  const end = "; ask for less or start a larger worker";
  it.each([
    [aTask(1).cpus(5), "5 cpus but this worker has 4"],
    [aTask(1).takes("gpus", 3.5), "3.5 gpus but this worker has 3 gpus"],
    [aTask(1).takes("gpus", ["0", "7"]), "gpus 7 but this worker has gpus 0, 1, 2"],
    [aTask(1).takes("mem", ["0"]), "mem 0 but mem of this worker has no indices"],
    [aTask(1).takes("fpgas", 1), "1 fpgas but this worker has none"],
    [aTask(1).takes("gpus", ["0"]).takes("gpus", 2.5), "3.5 gpus but this worker has 3 gpus"],
    [aTask(1).takes("mem", 5 * 2 ** 30), "5 GiB of mem but this worker has 100 mem"],
    [aTask(1).takes("mem", Number.NaN), "NaN mem, which is no amount"],
    [aTask(1).takes("mem", -1), "-1 mem, which is no amount"],
    [aTask(1).takes("mem", Number.POSITIVE_INFINITY), "Infinity mem, which is no amount"],
    [
      aTask(1).cpus(9).takes("gpus", 4),
      "9 cpus but this worker has 4, for 4 gpus but this worker has 3 gpus",
    ],
  ])("%#", (task, text) => {
    const core = coreWith(MEM, GPUS);
    core.assign(task, aTask(2).takes("gpus", 3));
    expect(core.take("failed", 1).message).toBe(`the task asks for ${text}${end}`);
    expect(core.startAll()).toEqual([2]);
  });
});

it("a request for nothing is met at once", () => {
  const core = new CoreHarness();
  core.assignRaw(1, 7, { id: 7, cpus: 0, amounts: [] });
  const [task] = core.startTasks();
  core.take("started", 1);
  core.finish(task);
  core.take("finished", 1);
});

it("an assignment with a request that was not sent is refused", () => {
  const core = new CoreHarness();
  expect(() => core.assignRaw(1, 7)).toThrow("request 7, which it did not send");
  expect(core.core.objects.rows.size).toBe(0);
});

describe("order", () => {
  it("is by priority, then by assignment, over all requests", () => {
    const core = new CoreHarness(1);
    core.assign(aTask(0).cpus(1));
    const started: number[] = [];
    let running: WorkerTask | undefined = core.start();
    core.assign(
      aTask(1).cpus(1),
      aTask(2).cpus(1).priority(-1),
      aTask(3).cpus(1).priority(2.5),
      aTask(4).cpus(1),
      aTask(5).cpus(1).priority(2.5),
      aTask(6).cpus(1).priority(Number.NaN),
    );
    while (running !== undefined) {
      core.finish(running);
      running = core.start();
      if (running !== undefined) started.push(running.row);
    }
    expect(started).toEqual([3, 5, 1, 4, 6, 2]);
  });

  it("survives that many are taken back", () => {
    const core = new CoreHarness(1);
    core.assign(aTask(0).cpus(1));
    const running = core.start()!;
    const tasks = Array.from({ length: 200 }, (_, i) =>
      aTask(i + 1)
        .cpus(1)
        .priority((i * 7) % 50),
    );
    core.assign(...tasks);
    for (const { row } of tasks) if (row % 4 !== 0) core.retract(row);
    core.finish(running);
    const started: number[] = [];
    for (let task = core.start(); task !== undefined; task = core.start()) {
      started.push(task.priority);
      core.finish(task);
    }
    expect(started.length).toBe(50);
    expect(started).toEqual([...started].sort((a, b) => b - a));
  });

  it("puts a task with a higher priority before one that shares resources with a running one", () => {
    const core = new CoreHarness(2);
    core.assign(aTask(1).cpus(2), aTask(2).cpus(2), aTask(3).cpus(1).priority(1));
    const [three] = core.startTasks();
    core.finish(three);
    const [one] = core.startTasks();
    core.assign(aTask(4).cpus(1).priority(1));
    expect(core.startSharing(one)).toBe(undefined);
    core.retract(4);
    expect(core.startSharing(one)?.row).toBe(2);
  });

  it("lets a task share though one before it waits for something else", () => {
    const core = coreWith(GPUS);
    core.assign(aTask(1).cpus(1), aTask(2).takes("gpus", 3), aTask(3).takes("gpus", 3).priority(9));
    const one = core.startTasks().find(({ row }) => row === 1)!;
    core.assign(aTask(4).cpus(1));
    expect(core.startSharing(one)?.row).toBe(4);
  });

  it("shares all that the leader holds, not only cores", () => {
    const core = coreWith(GPUS);
    core.assign(aTask(1).takes("gpus", 3), aTask(2).takes("gpus", 3));
    const [one] = core.startTasks();
    const two = core.startSharing(one)!;
    expect(heldBy(two, "gpus").indices).toEqual(["0", "1", "2"]);
    core.finish(one);
    core.assign(aTask(3).takes("gpus", 1));
    expect(core.startAll()).toEqual([]);
    core.finish(two);
    expect(core.startAll()).toEqual([3]);
  });
});

describe("a task that does not fit", () => {
  /** Runs small tasks beside a large one that waits; returns how many passed it, 200 at most. */
  function passing(core: CoreHarness, small: (row: number) => ReturnType<typeof aTask>): number {
    let passed = 0;
    const running: WorkerTask[] = [];
    for (let row = 1000; row < 1200; row++) {
      core.assign(small(row));
      const task = core.start();
      if (task === undefined) break;
      running.push(task);
      passed++;
      if (running.length > 1) core.finish(running.shift()!);
    }
    return passed;
  }

  it("is passed by those that take nothing from it, for ever", () => {
    const core = coreWith(GPUS);
    core.assign(aTask(1).takes("gpus", 3), aTask(2).cpus(1).takes("gpus", 3));
    core.startTasks();
    // Three of the four cores are left when one is taken: enough for the one core that it needs.
    expect(passing(core, (row) => aTask(row).cpus(1))).toBe(200);
  });

  it("is passed 64 times by those that take what it needs, then it is kept", () => {
    const core = coreWith(GPUS);
    core.assign(aTask(1).takes("gpus", 3), aTask(2).cpus(4).takes("gpus", 3));
    const [one] = core.startTasks();
    expect(passing(core, (row) => aTask(row).cpus(1))).toBe(64);
    core.assign(aTask(3).takes("gpus", 1));
    core.finish(one);
    // Neither what it waits for now is given away.
    expect(core.startAll()).toEqual([]);
    core.retract(2);
    expect(core.startAll()).toEqual([1064, 3]); // the first one that was kept back, too
  });

  it("keeps an index that others could share", () => {
    const core = coreWith(indexed("gpus", 2));
    core.assign(aTask(1).takes("gpus", 1), aTask(2).takes("gpus", 2));
    core.startTasks();
    expect(passing(core, (row) => aTask(row).takes("gpus", 0.5))).toBe(64);
  });

  it("of lower priority is not waited for", () => {
    const core = new CoreHarness(3);
    core.assign(aTask(1).cpus(1), aTask(2).cpus(3));
    core.startTasks();
    expect(passing(core, (row) => aTask(row).cpus(1).priority(1))).toBe(200);
  });
});
