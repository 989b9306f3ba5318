/** Fetches in the worker's core: one per object, limits, other holders, loss. */
import { describe, expect, it } from "vitest";
import { aTask, CoreHarness } from "./core-harness.js";

describe("a fetch", () => {
  it("is made once for all tasks that want the object, and the copy stays until drop", () => {
    const core = new CoreHarness();
    core.assign(aTask(2).takesRemote(1, 7), aTask(3).takesRemote(1, 7, 8), aTask(4).needs(1));
    expect(core.take("fetch", 1).holder).toBe(7);
    core.expectNothing();
    core.fetchSucceeded(core.fetchOf(1));
    core.take("fetched", 1);
    for (const task of core.startTasks()) core.finish(task);
    expect(core.takeAll().map(({ effect }) => effect)).toEqual([
      "finished",
      "finished",
      "finished",
    ]);
    core.drop(1);
    core.take("drop", 1);
  });

  it("is not made for an object that is here", () => {
    const core = new CoreHarness();
    core.make(1);
    core.assign(aTask(2).takesRemote(1, 7));
    core.expectNothing();
    expect(core.startAll()).toEqual([2]);
  });

  it("tries the next holder, also one that a later task has named", () => {
    const core = new CoreHarness();
    core.assign(aTask(2).takesRemote(1, 7, 8), aTask(3).takesRemote(1, 9));
    expect(core.take("fetch", 1).holder).toBe(7);
    core.fetchFailed(core.fetchOf(1));
    expect(core.take("fetch", 1).holder).toBe(8);
    core.fetchFailed(core.fetchOf(1));
    expect(core.take("fetch", 1).holder).toBe(9);
    core.fetchSucceeded(core.fetchOf(1));
    core.take("fetched", 1);
    expect(core.startAll()).toEqual([2, 3]);
  });

  it("that failed at all holders gives back every task that waits for it", () => {
    const core = new CoreHarness();
    core.assign(
      aTask(2).takesRemote(1, 7).takesRemote(5, 8),
      aTask(3).takesRemote(1, 7).takesRemote(1, 7),
      aTask(4).needs(2),
    );
    core.take("fetch", 1);
    core.take("fetch", 5);
    core.fetchFailed(core.fetchOf(1));
    core.take("abortFetch", 5);
    expect(core.take("inputLost", 2)).toMatchObject({ inputRow: 1, holder: 7, attempt: 1 });
    expect(core.take("inputLost", 3)).toMatchObject({ inputRow: 1, holder: 7 });
    core.expectNothing();
    expect([...core.core.objects.rows.values()].map(({ row }) => row).sort()).toEqual([2, 4]);
  });

  it("that failed gives tasks back even when the object is to be made here", () => {
    const core = new CoreHarness();
    core.assign(aTask(1), aTask(2).takesRemote(1, 7));
    core.take("fetch", 1);
    core.fetchFailed(core.fetchOf(1));
    core.take("inputLost", 2);
    core.fail(core.start()!);
    core.take("failed", 1);
    core.expectNothing();
    expect(core.core.objects.rows.size).toBe(0);
  });

  it("without any holder loses the input at once", () => {
    const core = new CoreHarness();
    core.assign(aTask(2).takesRemote(1));
    core.take("inputLost", 2);
    expect(core.core.objects.rows.size).toBe(0);
  });

  it("that comes after it was aborted is ignored", () => {
    const core = new CoreHarness();
    core.assign(aTask(2).takesRemote(1, 7));
    const old = core.fetchOf(1);
    core.cancel(2);
    core.assign(aTask(3).takesRemote(1, 8));
    core.takeAll();
    core.fetchSucceeded(old);
    core.fetchFailed(old);
    core.expectNothing();
    expect(core.fetchOf(1)).not.toBe(old);
    core.fetchSucceeded(core.fetchOf(1));
    core.take("fetched", 1);
  });

  it("is aborted when the bytes come inline", () => {
    const core = new CoreHarness();
    core.assign(aTask(2).takesRemote(1, 7), aTask(3).takesInline(1, 5));
    core.take("fetch", 1);
    core.take("storeInline", 1);
    core.take("abortFetch", 1);
    expect(core.startAll()).toEqual([2, 3]);
  });

  it("is superfluous when the object is made here", () => {
    const core = new CoreHarness();
    core.assign(aTask(1), aTask(2).takesRemote(1, 7));
    core.take("fetch", 1);
    core.finish(core.start()!);
    core.take("finished", 1);
    core.take("abortFetch", 1);
    expect(core.startAll()).toEqual([2]);
  });
});

describe("limits", () => {
  it("four from one worker, eight in all, in order", () => {
    const core = new CoreHarness();
    for (let i = 0; i < 6; i++) core.assign(aTask(100 + i).takesRemote(i, 1));
    for (let i = 6; i < 12; i++) core.assign(aTask(100 + i).takesRemote(i, 2));
    for (let i = 12; i < 14; i++) core.assign(aTask(100 + i).takesRemote(i, 3));
    const started = () =>
      core.takeAll().flatMap((effect) => (effect.effect === "fetch" ? [effect.row] : []));
    expect(started()).toEqual([0, 1, 2, 3, 6, 7, 8, 9]);
    core.fetchSucceeded(core.fetchOf(0));
    expect(started()).toEqual([4]);
    core.fetchSucceeded(core.fetchOf(6));
    expect(started()).toEqual([10]);
    core.cancel(105);
    core.fetchFailed(core.fetchOf(1));
    expect(started()).toEqual([12]);
  });

  it("a fetch goes to the holder with least to do", () => {
    const core = new CoreHarness();
    for (let i = 0; i < 4; i++) core.assign(aTask(100 + i).takesRemote(i, 1, 2));
    const holders = core.takeAll().flatMap((one) => (one.effect === "fetch" ? [one.holder] : []));
    expect(holders).toEqual([1, 2, 1, 2]);
  });
});

describe("a prefetch", () => {
  it("gets an object that nobody wants yet, and it stays until drop", () => {
    const core = new CoreHarness();
    core.prefetch(1, 7, 8);
    expect(core.take("fetch", 1).holder).toBe(7);
    core.fetchFailed(core.fetchOf(1));
    expect(core.take("fetch", 1).holder).toBe(8);
    core.fetchSucceeded(core.fetchOf(1));
    core.take("fetched", 1);
    core.assign(aTask(2).needs(1));
    core.finish(core.start()!);
    core.take("finished", 2);
    core.expectNothing();
    core.drop(1);
    core.take("drop", 1);
  });

  it("of what is here, is on its way or is made here does nothing", () => {
    const core = new CoreHarness();
    core.make(1);
    core.assign(aTask(2).cpus(1), aTask(4).takesRemote(3, 7));
    core.take("fetch", 3);
    core.prefetch(1, 7);
    core.prefetch(2, 7);
    core.prefetch(3, 7);
    core.expectNothing();
  });

  it("of what came inline keeps it", () => {
    const core = new CoreHarness();
    core.assign(aTask(2).takesInline(1, 5));
    core.take("storeInline", 1);
    core.prefetch(1, 7);
    core.take("fetched", 1);
    core.prefetch(3, 7);
    core.take("fetch", 3);
    core.assign(aTask(4).takesInline(3, 5));
    core.take("storeInline", 3);
    core.take("fetched", 3);
    core.take("abortFetch", 3);
    for (const task of core.startTasks()) core.finish(task);
    expect(core.takeAll().map(({ effect }) => effect)).toEqual(["finished", "finished"]);
    core.drop(1);
    core.drop(3);
    core.take("drop", 1);
    core.take("drop", 3);
  });

  it("that nobody can give is forgotten, and asked for again by a task", () => {
    const core = new CoreHarness();
    core.prefetch(1);
    core.prefetch(2, 7);
    core.take("fetch", 2);
    core.fetchFailed(core.fetchOf(2));
    core.expectNothing();
    expect(core.core.objects.rows.size).toBe(0);
    core.assign(aTask(3).takesRemote(2, 7));
    expect(core.take("fetch", 2).holder).toBe(7);
  });

  it("that fails loses the input of tasks that have come to wait for it", () => {
    const core = new CoreHarness();
    core.prefetch(1, 7);
    core.take("fetch", 1);
    core.assign(aTask(2).takesRemote(1, 7), aTask(3).needs(1));
    core.fetchFailed(core.fetchOf(1));
    core.take("inputLost", 2);
    core.take("inputLost", 3);
    core.expectNothing();
    expect(core.core.objects.rows.size).toBe(0);
  });

  it("is taken back by a drop, unless a task waits for the object", () => {
    const core = new CoreHarness();
    core.prefetch(1, 7);
    core.prefetch(2, 7);
    core.assign(aTask(3).takesRemote(2, 8));
    core.take("fetch", 1);
    core.take("fetch", 2);
    const first = core.fetchOf(1);
    core.drop(1);
    core.take("abortFetch", 1);
    core.fetchSucceeded(first);
    core.drop(2);
    core.expectNothing();
    core.fetchSucceeded(core.fetchOf(2));
    core.take("fetched", 2);
    expect(core.startAll()).toEqual([3]);
  });

  it("goes on when the tasks that wait for it are taken back", () => {
    const core = new CoreHarness();
    core.prefetch(1, 7);
    core.take("fetch", 1);
    core.assign(aTask(2).takesRemote(1, 7), aTask(3).needs(1));
    core.retract(2);
    core.cancel(3);
    core.take("retracted", 2);
    core.fetchSucceeded(core.fetchOf(1));
    core.take("fetched", 1);
    core.expectNothing();
    core.drop(1);
    core.take("drop", 1);
  });

  it("waits behind what tasks wait for", () => {
    const core = new CoreHarness();
    const started = () =>
      core.takeAll().flatMap((effect) => (effect.effect === "fetch" ? [effect.row] : []));
    for (let row = 0; row < 8; row++) core.prefetch(row, 1);
    expect(started()).toEqual([0, 1, 2, 3]);
    core.assign(aTask(100).takesRemote(20, 1), aTask(101).needs(6), aTask(102).takesRemote(7, 1));
    core.fetchSucceeded(core.fetchOf(0));
    core.fetchSucceeded(core.fetchOf(1));
    core.fetchSucceeded(core.fetchOf(2));
    core.fetchSucceeded(core.fetchOf(3));
    expect(started()).toEqual([20, 6, 7, 4]);
  });
});
