/** Tasks in the worker's core: order, cores, waiting, taking back, cancelling. */
import { describe, expect, it } from "vitest";
import { THIS_WORKER } from "../../src/protocol/index.js";
import { MAX_ASYNC_LIGHT } from "../../src/worker-core/index.js";
import { aTask, CoreHarness, ELSEWHERE } from "./core-harness.js";

describe("light tasks", () => {
  it("start at once, in order, and report their result", () => {
    const core = new CoreHarness();
    core.assign(aTask(5), aTask(3));
    const [first, second] = core.startTasks();
    expect([first.row, second.row]).toEqual([5, 3]);
    core.finish(first, Uint8Array.of(1, 2));
    core.finish(second);
    expect(core.take("finished")).toEqual({
      effect: "finished",
      row: 5,
      attempt: 1,
      inline: [1, 2],
    });
    expect(core.take("finished", 3).inline).toBeUndefined();
    core.expectNothing();
  });

  it("may go on asynchronously only so many at once", () => {
    const core = new CoreHarness();
    const rows = Array.from({ length: MAX_ASYNC_LIGHT + 2 }, (_, row) => row);
    core.assign(...rows.map(aTask));
    const going = [];
    for (let task = core.start(); task !== undefined; task = core.start()) {
      core.goesOn(task);
      going.push(task);
    }
    expect(going.length).toBe(MAX_ASYNC_LIGHT);
    core.cancel(going[0].row);
    core.take("cancel");
    expect(core.start()).toBeUndefined();
    core.fail(going[0]);
    expect(core.startAll()).toEqual([MAX_ASYNC_LIGHT, MAX_ASYNC_LIGHT + 1]);
  });

  it("light tasks of other processes do not hold back those of this one, nor the other way", () => {
    for (const waiting of [0, ELSEWHERE]) {
      const core = new CoreHarness(1);
      const rows = Array.from({ length: MAX_ASYNC_LIGHT + 1 }, (_, row) => row);
      core.assign(...rows.map((row) => aTask(row).type(waiting)));
      for (let row = 0; row < MAX_ASYNC_LIGHT; row++) core.goesOn(core.start()!);
      core.assign(aTask(1000).type(waiting === 0 ? ELSEWHERE : 0));
      expect(core.startAll()).toEqual([1000]);
    }
  });
});

describe("inputs made here", () => {
  it("hold a task back until they are there", () => {
    const core = new CoreHarness();
    core.assign(aTask(1), aTask(2), aTask(3).needs(1, 2, 1));
    const [one, two] = core.startTasks();
    core.finish(one);
    expect(core.startAll()).toEqual([]);
    core.finish(two);
    expect(core.startAll()).toEqual([3]);
  });

  it("stay until they are dropped", () => {
    const core = new CoreHarness();
    core.make(1);
    core.assign(aTask(2).needs(1));
    core.finish(core.start()!);
    core.take("finished", 2);
    core.expectNothing();
    core.drop(1);
    core.take("drop", 1);
    core.drop(1);
    core.drop(99);
    core.expectNothing();
  });

  it("are kept past a drop while a task here wants them", () => {
    const core = new CoreHarness();
    core.make(1);
    core.assign(aTask(2).needs(1));
    core.drop(1);
    core.expectNothing();
    core.finish(core.start()!);
    core.take("drop", 1);
    core.take("finished", 2);
    core.expectNothing();
  });

  it("that nobody here makes are reported as lost", () => {
    const core = new CoreHarness();
    core.assign(aTask(2).needs(1));
    expect(core.take("inputLost", 2)).toMatchObject({ inputRow: 1, holder: THIS_WORKER });
    expect(core.startAll()).toEqual([]);
    expect(core.core.objects.rows.size).toBe(0);
  });

  it("in a chain of 15,000 are worked off without recursion", () => {
    const core = new CoreHarness(1, false);
    const length = 15_000;
    core.assign(aTask(0));
    for (let row = 1; row < length; row++) core.assign(aTask(row).needs(row - 1));
    let count = 0;
    for (let task = core.start(); task !== undefined; task = core.start()) {
      expect(task.row).toBe(count++);
      core.finish(task);
    }
    expect(count).toBe(length);
  });
});

describe("inline inputs", () => {
  it("live as long as tasks here want them", () => {
    const core = new CoreHarness();
    core.assign(aTask(2).takesInline(1, 7, 8), aTask(3).takesInline(1, 7, 8));
    expect(core.take("storeInline", 1).bytes).toEqual([7, 8]);
    const [two, three] = core.startTasks();
    core.finish(two);
    core.take("finished", 2);
    core.expectNothing();
    core.finish(three);
    core.take("drop", 1);
    core.take("finished", 3);
    core.expectNothing();
  });

  it("are not stored over an object that is here", () => {
    const core = new CoreHarness();
    core.make(1);
    core.assign(aTask(2).takesInline(1, 7));
    core.finish(core.start()!);
    core.take("finished", 2);
    core.expectNothing();
  });

  it("also serve tasks that wait for the object", () => {
    const core = new CoreHarness();
    core.assign(aTask(1).cpus(1), aTask(2).needs(1), aTask(3).takesInline(1, 7));
    core.take("storeInline", 1);
    expect(core.startAll()).toEqual([1, 2, 3]);
  });
});

describe("cores", () => {
  it("are taken by a task and given back", () => {
    const core = new CoreHarness(2);
    core.assign(aTask(1).cpus(1), aTask(2).cpus(1), aTask(3).cpus(2));
    const [one, two] = core.startTasks();
    expect([one.cores, two.cores]).toEqual([[0], [1]]);
    core.take("started", 1);
    core.take("started", 2);
    core.finish(one);
    expect(core.startAll()).toEqual([]);
    core.fail(two);
    const three = core.start()!;
    expect([three.row, three.cores]).toEqual([3, [0, 1]]);
  });

  it("are given in order of assignment, whenever inputs came", () => {
    const core = new CoreHarness(1);
    core.assign(aTask(9), aTask(1).cpus(1).needs(9), aTask(2).cpus(1));
    const light = core.startTasks().find(({ row }) => row === 9)!;
    const second = core.core.objects.rows.get(2)!.task!;
    expect(second.cores).toEqual([0]);
    core.assign(aTask(3).cpus(1));
    core.finish(light);
    core.finish(second);
    expect(core.startAll()).toEqual([1]);
  });

  it("are shared with the next task that is like one that runs", () => {
    const core = new CoreHarness(2);
    core.assign(aTask(1).cpus(2), aTask(2).cpus(2), aTask(3).cpus(2), aTask(4).cpus(1));
    const [one] = core.startTasks();
    const two = core.startSharing(one)!;
    const three = core.startSharing(two)!;
    expect([two.row, three.row, three.cores]).toEqual([2, 3, [0, 1]]);
    expect(core.startSharing(three)).toBe(undefined); // the next one asks for other cores
    core.finish(one);
    core.fail(three);
    expect(core.startAll()).toEqual([]);
    core.cancel(2, 1);
    expect(core.startAll()).toEqual([]); // it winds down
    core.finish(two);
    expect(core.startAll()).toEqual([4]);
  });

  it("are not shared by a task that holds none any more", () => {
    const core = new CoreHarness(1);
    core.assign(aTask(1).cpus(1), aTask(2).cpus(1));
    const [one] = core.startTasks();
    core.finish(one);
    expect(core.startSharing(one)).toBe(undefined);
    expect(core.startAll()).toEqual([2]);
  });

  it("go to a small task behind a large one, but not for ever", () => {
    const core = new CoreHarness(2);
    core.assign(aTask(1).cpus(1), aTask(2).cpus(2));
    let running = core.start()!;
    let passed = 0;
    for (let row = 100; row < 300; row++) {
      core.assign(aTask(row).cpus(1));
      const next = core.start();
      if (next === undefined) break;
      passed++;
      core.finish(running);
      running = next;
    }
    expect(passed).toBe(64);
    core.finish(running);
    expect(core.start()?.row).toBe(2);
  });

  it("asked for in a number this worker does not have fail the task", () => {
    const core = new CoreHarness(2);
    core.assign(aTask(1).cpus(3));
    expect(core.take("failed", 1).message).toContain("asks for 3 cpus but this worker has 2");
    expect(core.startAll()).toEqual([]);
  });
});

describe("retract", () => {
  it("gives back a task that has not started, waiting or ready", () => {
    const core = new CoreHarness(1);
    core.assign(aTask(1).cpus(1), aTask(2).cpus(1), aTask(3).needs(1));
    expect(core.startAll()).toEqual([1]);
    core.take("started", 1);
    core.retract(2);
    core.take("retracted", 2);
    core.retract(3);
    core.take("retracted", 3);
    core.retract(1);
    core.retract(2);
    core.retract(77);
    core.expectNothing();
  });

  it("of another attempt is ignored", () => {
    const core = new CoreHarness();
    core.assign(aTask(1).attempt(4));
    core.retract(1, 3);
    core.expectNothing();
    core.retract(1, 4);
    core.take("retracted", 1);
    expect(core.startAll()).toEqual([]);
  });

  it("of a maker lets who waits for it wait on, and wakes it when it is assigned again", () => {
    const core = new CoreHarness();
    core.assign(aTask(1), aTask(2).needs(1));
    core.retract(1);
    core.take("retracted", 1);
    expect(core.startAll()).toEqual([]);
    core.assign(aTask(1).attempt(2));
    core.finish(core.start()!);
    expect(core.startAll()).toEqual([2]);
  });

  it("of very many leaves nothing behind", () => {
    const core = new CoreHarness(1);
    core.assign(aTask(0).cpus(1));
    core.start();
    for (let row = 1; row < 150; row++) core.assign(aTask(row).cpus(1), aTask(1000 + row).needs(0));
    for (let row = 1; row < 150; row++) {
      core.retract(row);
      core.retract(1000 + row);
    }
    expect([...core.core.objects.rows.values()].map(({ row }) => row)).toEqual([0]);
  });
});

describe("cancel", () => {
  it("stops a running task and frees its cores when it has ended", () => {
    const core = new CoreHarness(1);
    core.make(5);
    core.assign(aTask(1).cpus(1).needs(5), aTask(2).cpus(1));
    const one = core.start()!;
    core.take("started", 1);
    core.cancel(1);
    core.take("cancel", 1);
    expect(core.start()).toBeUndefined();
    core.drop(5);
    core.take("drop", 5);
    core.fail(one);
    core.expectNothing();
    expect(core.startAll()).toEqual([2]);
  });

  it("of a task that finishes all the same is silent", () => {
    const core = new CoreHarness();
    core.assign(aTask(1));
    const one = core.start()!;
    core.cancel(1);
    core.take("cancel", 1);
    core.finish(one);
    core.expectNothing();
    expect(core.core.objects.rows.size).toBe(0);
  });

  it("of a task that waits takes back what only it wanted", () => {
    const core = new CoreHarness();
    core.assign(aTask(2).takesRemote(1, 3));
    core.take("fetch", 1);
    core.cancel(2);
    core.take("abortFetch", 1);
    core.expectNothing();
    expect(core.core.objects.rows.size).toBe(0);
  });

  it("is implied by a new attempt of the same row", () => {
    const core = new CoreHarness();
    core.assign(aTask(1));
    const old = core.start()!;
    core.assign(aTask(1).attempt(2));
    core.take("cancel", 1);
    core.finish(core.start()!);
    expect(core.take("finished", 1).attempt).toBe(2);
    core.finish(old);
    core.expectNothing();
  });
});

it("a failed task is reported and its dependents wait to be cancelled", () => {
  const core = new CoreHarness();
  core.assign(aTask(1), aTask(2).needs(1));
  core.fail(core.start()!, "it broke");
  expect(core.take("failed", 1).message).toBe("it broke");
  expect(core.startAll()).toEqual([]);
  core.cancel(2);
  core.expectNothing();
  expect(core.core.objects.rows.size).toBe(0);
});
