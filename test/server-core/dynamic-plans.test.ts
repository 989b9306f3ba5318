/** dslice and dget in the server core: what is made of them, and what must not be. */
import { describe, expect, test } from "vitest";
import { ARRAY, DGET, DSLICE } from "./dynamic-model.js";
import { FakeCluster, type TestTask } from "./fake-cluster.js";

const task = (inputs: number[], more: Partial<TestTask> = {}): TestTask => ({ inputs, ...more });
const dslice = (input: number): TestTask => task([input], { type: DSLICE });
const dget = (input: number): TestTask => task([input], { type: DGET });
const array = (inputs: number[]): TestTask => task(inputs, { type: ARRAY, result: true });

/** The length of a value: the first that begins like it; else `other`. */
function clusterWith(lengths: Record<string, number>, other = 2, cpus = 1): FakeCluster {
  const cluster = new FakeCluster(
    5,
    () => 1_000_000,
    (value) => Object.entries(lengths).find(([begin]) => value.startsWith(begin))?.[1] ?? other,
  );
  cluster.client(0);
  cluster.join(cpus);
  return cluster;
}

function resultOf(cluster: FakeCluster, tasks: TestTask[]): string {
  expect(cluster.submit(0, 0, tasks)).toBeUndefined();
  cluster.runAll();
  const id = tasks.length - 1;
  expect(cluster.failed).toEqual(new Map());
  const value = cluster.value(0, id);
  cluster.release(0, id);
  cluster.schedule();
  expectNothing(cluster);
  return value;
}

function expectNothing(cluster: FakeCluster): void {
  expect(cluster.core.objectCount).toBe(0);
  expect(cluster.core.taskCount).toBe(0);
  expect(cluster.core.hasOpenTasks).toBe(false);
  for (const { tasks, objects } of cluster.workers.values()) {
    expect([...tasks.keys(), ...objects.keys()]).toEqual([]);
  }
}

describe("what comes out", () => {
  test("dget: a copy for each element, in order", () => {
    const plan = [task([]), dget(0), task([1]), array([2])];
    expect(resultOf(clusterWith({}, 3), plan)).toBe("3(2(0()[0]),2(0()[1]),2(0()[2]))");
  });

  test("dslice: slices that cover the object, four for each core", () => {
    const plan = [task([]), dslice(0), array([1])];
    expect(resultOf(clusterWith({}, 9), plan)).toBe("2(0()[0:2],0()[2:4],0()[4:6],0()[6:9])");
    expect(resultOf(clusterWith({}, 2), plan)).toBe("2(0()[0:1],0()[1:2])");
    const cluster = clusterWith({}, 100);
    cluster.join(3);
    resultOf(cluster, plan);
    expect([...cluster.slices.values()]).toEqual([4 * (1 + 3)]);
  });

  test("dslice of an empty object: one empty slice", () => {
    expect(resultOf(clusterWith({}, 0), [task([]), dslice(0), array([1])])).toBe("2(0()[0:0])");
  });

  test("a task that uses it twice gets the same element twice", () => {
    const plan = [task([]), dget(0), task([1, 1]), array([2])];
    expect(resultOf(clusterWith({}, 2), plan)).toBe("3(2(0()[0],0()[0]),2(0()[1],0()[1]))");
  });

  test("other inputs of the copies and of the array stay as they are", () => {
    const plan = [task([]), task([]), dget(0), task([1, 2]), array([1, 3, 1])];
    expect(resultOf(clusterWith({}, 2), plan)).toBe("4(1(),3(1(),0()[0]),3(1(),0()[1]),1())");
  });

  test("chains of copies; paths that meet again meet for each element", () => {
    const plan = [task([]), dget(0), task([1]), task([1]), task([2, 3]), array([4])];
    expect(resultOf(clusterWith({}, 1), plan)).toBe("5(4(2(0()[0]),3(0()[0])))");
  });

  test("two dgets: a copy for each pair, the first input varies slowest", () => {
    const forward = [task([]), task([]), dget(0), dget(1), task([2, 3]), array([4])];
    const lengths = { "0(": 2, "1(": 2 };
    expect(resultOf(clusterWith(lengths), forward)).toBe(resultOf(clusterWith(lengths), forward));
    const back = [task([]), task([]), dget(0), dget(1), task([3, 2]), array([4])];
    expect(resultOf(clusterWith({ "0(": 1, "1(": 2 }), back)).toBe(
      "5(4(1()[0],0()[0]),4(1()[1],0()[0]))",
    );
  });

  test("a dget inside of a dget: each its own number of elements", () => {
    const plan = [task([]), dget(0), dget(1), array([2])];
    const lengths = { "0()[0]": 2, "0()[1]": 1, "0()": 2 };
    expect(resultOf(clusterWith(lengths), plan)).toBe("3(0()[0][0],0()[0][1],0()[1][0])");
  });

  test("an array of all can be the input of the next dget", () => {
    const plan = [task([]), dget(0), { ...array([1]), result: false }, dget(2), array([3])];
    expect(resultOf(clusterWith({ "0(": 1 }, 2), plan)).toBe("4(2(0()[0])[0],2(0()[0])[1])");
  });
});

/** Finishes what runs of these tasks, and their copies, at the first worker; of others with this input. */
function finishAll(cluster: FakeCluster, ids: number[], input?: string): void {
  cluster.schedule();
  const { tasks, objects } = cluster.workers.get(0)!;
  for (const row of cluster.runnable(0)) {
    const inputs = tasks.get(row)!.inputs.map((of) => objects.get(of));
    const isWanted = ids.includes(cluster.core.taskIdOf(row)) || inputs.includes(input ?? "none");
    if (isWanted) cluster.finish(0, row);
  }
}

/** Values of the finished copies of a task that the first worker has. */
function objectsOf(cluster: FakeCluster, id: number): string[] {
  const { objects } = cluster.workers.get(0)!;
  return [...objects].flatMap(([row, value]) => (cluster.core.taskIdOf(row) === id ? [value] : []));
}

describe("when", () => {
  test("copies begin before all lengths are known", () => {
    const cluster = clusterWith({}, 2);
    cluster.join(1);
    cluster.submit(0, 0, [task([]), dget(0), task([1]), dget(2), task([3]), array([4])]);
    const types = () =>
      [...cluster.workers.values()].flatMap(({ tasks }) =>
        [...tasks.keys()].map((row) => cluster.core.taskIdOf(row)),
      );
    for (let i = 0; i < 30 && !types().includes(4); i++) {
      cluster.schedule();
      // Of the second element only what was there at the beginning is done.
      for (const { index } of cluster.workers.values()) {
        const row = cluster.runnable(index)[0];
        if (row !== undefined) cluster.finish(index, row);
      }
    }
    expect(types()).toContain(4);
    cluster.runAll();
    expect(cluster.finished.has("0/5")).toBe(true);
  });

  test("objects that no further copy needs are dropped before the array is made", () => {
    const cluster = clusterWith({}, 3);
    cluster.submit(0, 0, [task([]), dget(0), task([1]), task([2]), array([3])]);
    let most = 0;
    for (let i = 0; i < 100 && !cluster.finished.has("0/4"); i++) {
      cluster.schedule();
      const row = cluster.runnable(0)[0];
      if (row !== undefined) cluster.finish(0, row);
      most = Math.max(most, cluster.core.objectCount);
    }
    // The input until all have it; then each element and each first copy goes with its user.
    expect(most).toBeLessThan(3 + 3 + 3);
    cluster.release(0, 4);
    cluster.schedule();
    expectNothing(cluster);
  });

  test("objects that further copies could need are dropped when these are there", () => {
    const cluster = clusterWith({}, 2);
    cluster.submit(0, 0, [task([]), dget(0), task([1]), dget(2), task([3, 2]), array([4])]);
    for (let i = 0; i < 4; i++) finishAll(cluster, [0, 1, 2]);
    expect(objectsOf(cluster, 2)).toEqual(["2(0()[0])", "2(0()[1])"]);
    for (let i = 0; i < 4; i++) finishAll(cluster, [], "2(0()[0])");
    // What uses the first one is all done; of the second not even the length is known.
    expect(objectsOf(cluster, 2)).toEqual(["2(0()[1])"]);
    cluster.runAll();
    expect(cluster.finished.has("0/5")).toBe(true);
  });

  test("a dslice that nobody uses is computed and that is all", () => {
    const cluster = clusterWith({});
    cluster.submit(0, 0, [task([]), dslice(0)]);
    cluster.runAll();
    expectNothing(cluster);
  });

  test("copies of a task whose result nobody wants are executed all the same", () => {
    const cluster = clusterWith({}, 3);
    cluster.submit(0, 0, [task([]), dget(0), task([1])]);
    cluster.runAll();
    expect(cluster.core.clients.get(0)!.finishedTasks).toBe(1 + 1 + 3 + 3);
    expectNothing(cluster);
  });
});

describe("what is refused", () => {
  const several = /collect with loom\/array\/make/;
  test.each<[string, TestTask[], RegExp]>([
    ["a dget as result", [task([]), { ...dget(0), result: true }], several],
    ["a copied task as result", [task([]), dget(0), task([1], { result: true })], several],
    [
      "a checkpoint of a copied task",
      [task([]), dget(0), task([1], { checkpointPath: "/x", label: "f" }), array([2])],
      /task 2 "f" depends on a dslice or dget .* can't have a checkpoint/,
    ],
    ["no input", [task([], { type: DGET })], /task 0 is a dslice or dget with 0 inputs/],
    ["two inputs", [task([]), task([0, 0], { type: DSLICE })], /with 2 inputs; it takes one/],
    [
      "nesting without end",
      [task([]), ...Array.from({ length: 17 }, (_, i) => dget(i))],
      /task 17 depends on 17 dslices and dgets at once, the limit is 16/,
    ],
  ])("%s", (_name, tasks, message) => {
    const cluster = clusterWith({});
    expect(cluster.submit(0, 0, tasks)?.message).toMatch(message);
    expectNothing(cluster);
  });
});

describe("failures", () => {
  test("dget of an empty object", () => {
    const cluster = clusterWith({}, 0);
    cluster.submit(0, 0, [task([]), dget(0), task([1]), array([2])]);
    cluster.runAll();
    expect(cluster.failed.get("0/3")).toMatchObject({
      taskId: 1,
      message: "the input is empty, it has no element to get",
    });
    cluster.release(0, 3);
    cluster.schedule();
    expectNothing(cluster);
  });

  test("a copy that fails names its template, with the index behind the label", () => {
    const cluster = clusterWith({}, 2);
    cluster.submit(0, 0, [task([]), dget(0), dget(1), task([2], { label: "f" }), array([3])]);
    for (let i = 0; i < 100 && cluster.failed.size === 0; i++) {
      cluster.schedule();
      for (const row of cluster.runnable(0)) {
        if (cluster.core.taskIdOf(row) !== 3) cluster.finish(0, row);
        else if (cluster.failed.size === 0) cluster.fail(0, row);
      }
    }
    expect(cluster.failed.get("0/4")).toMatchObject({ taskId: 3, label: "f [0, 0]" });
    cluster.release(0, 4);
    cluster.runAll();
    expectNothing(cluster);
  });

  test("an element that is lost for copies that are still to come", () => {
    const cluster = clusterWith({}, 2);
    cluster.submit(0, 0, [task([]), task([]), dget(0), dget(1), task([2, 3]), array([4])]);
    for (let i = 0; i < 2; i++) finishAll(cluster, [0], "0()");
    cluster.schedule();
    const element = cluster.runnable(0).find((row) => cluster.core.table.taskType[row] === 9)!;
    cluster.fail(0, element);
    expect(cluster.failed.get("0/5")).toMatchObject({ taskId: 2, message: "on purpose" });
    cluster.runAll();
    cluster.release(0, 5);
    cluster.schedule();
    expectNothing(cluster);
  });

  test.each([
    ["too many elements", 2 ** 30, /length 1073741824, which would make more than 33554432 tasks/],
    ["a length that is no number", Number.POSITIVE_INFINITY, /gave no length/],
    ["a length beyond all numbers", 2 ** 60, /gave the length 11529215\d+, which/],
  ])("%s", (_name, length, message) => {
    const cluster = clusterWith({}, length);
    cluster.submit(0, 0, [task([]), dget(0), task([1]), array([2])]);
    cluster.runAll();
    expect(cluster.failed.get("0/3")?.message).toMatch(message);
    cluster.release(0, 3);
    cluster.schedule();
    expectNothing(cluster);
  });

  test("pairs: too many of them, though there are not many of each", () => {
    const cluster = clusterWith({}, 10_000);
    cluster.submit(0, 0, [task([]), task([]), dget(0), dget(1), task([2, 3]), array([4])]);
    cluster.checked = false;
    for (let i = 0; i < 20; i++) {
      cluster.schedule();
      for (const row of cluster.runnable(0).slice(0, 50)) {
        if (cluster.core.taskIdOf(row) < 4) cluster.finish(0, row);
      }
    }
    expect(cluster.failed.get("0/5")?.message).toMatch(/more than 33554432 tasks at once; use/);
  });
});

describe("workers that are lost", () => {
  test("copies and their elements are computed again", () => {
    const cluster = clusterWith({}, 3);
    cluster.join(1);
    cluster.submit(0, 0, [task([]), dget(0), task([1]), array([2])]);
    for (let i = 0; i < 20 && cluster.core.clients.get(0)!.finishedTasks < 2 + 3 + 2; i++) {
      finishAll(cluster, [0, 1, 2]);
      const row = cluster.runnable(1).find((other) => cluster.core.taskIdOf(other) < 3);
      if (row !== undefined) cluster.finish(1, row);
    }
    const { openTasks } = cluster.core.clients.get(0)!;
    cluster.join(1);
    cluster.kill(0);
    cluster.kill(1);
    expect(cluster.core.clients.get(0)!.openTasks).toBeGreaterThan(openTasks);
    cluster.runAll();
    expect(cluster.value(0, 3)).toBe("3(2(0()[0]),2(0()[1]),2(0()[2]))");
    cluster.release(0, 3);
    cluster.schedule();
    expectNothing(cluster);
  });
});

test("results of earlier plans are inputs of copies, and forget them with the plan", () => {
  const cluster = clusterWith({}, 2);
  cluster.submit(0, 0, [task([], { result: true })]);
  cluster.runAll();
  cluster.submit(0, 1, [dget(0), task([1, 0]), array([2, 0])]);
  cluster.runAll();
  expect(cluster.value(0, 3)).toBe("3(2(0()[0],0()),2(0()[1],0()),0())");
  cluster.release(0, 3);
  cluster.schedule();
  expect(cluster.core.table.userHead[cluster.row(0, 0)]).toBe(-1);
  cluster.release(0, 0);
  cluster.schedule();
  expectNothing(cluster);
});

test("rows are used again by the plans that come after", () => {
  const cluster = clusterWith({}, 5);
  const ends = Array.from({ length: 20 }, (_, i) => {
    const id = 6 * i;
    const plan = [
      task([]),
      dget(id),
      task([id + 1]),
      dget(id + 2),
      task([id + 3]),
      array([id + 4]),
    ];
    expect(cluster.submit(0, id, plan)).toBeUndefined();
    cluster.runAll();
    cluster.release(0, id + 5);
    for (let turn = 0; turn < 3; turn++) cluster.schedule();
    expectNothing(cluster);
    return cluster.core.table.rowEnd;
  });
  expect(ends.at(-1)).toBe(ends[2]);
});

test("a million elements take no more memory a task than others", () => {
  const cluster = clusterWith({}, 1_000_000);
  cluster.checked = false;
  cluster.submit(0, 0, [task([]), dget(0), task([1]), array([2])]);
  cluster.schedule();
  cluster.finish(0, cluster.runnable(0)[0]);
  cluster.schedule();
  const before = process.memoryUsage();
  cluster.finish(0, cluster.runnable(0)[0]);
  const after = process.memoryUsage();
  const bytes = after.heapUsed + after.arrayBuffers - before.heapUsed - before.arrayBuffers;
  expect(cluster.core.taskCount).toBe(2_000_004);
  expect(bytes / 2e6).toBeLessThan(200);
  cluster.disconnect(0);
  cluster.schedule();
  expect(cluster.core.taskCount).toBe(0);
});
