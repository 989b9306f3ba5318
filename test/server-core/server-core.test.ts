import { describe, expect, test } from "vitest";
import { Unsatisfiable } from "../../src/protocol/index.js";
import { TaskState } from "../../src/scheduler/index.js";
import { FakeCluster, type TestTask } from "./fake-cluster.js";

const LARGE = 1_000_000;
const task = (inputs: number[], more: Partial<TestTask> = {}): TestTask => ({ inputs, ...more });
const result = (inputs: number[], more: Partial<TestTask> = {}): TestTask =>
  task(inputs, { ...more, result: true });

function clusterWith(workers: number, sizeBytes = LARGE, maxLosses = 5): FakeCluster {
  const cluster = new FakeCluster(maxLosses, () => sizeBytes);
  cluster.client(0);
  for (let i = 0; i < workers; i++) cluster.join(2);
  return cluster;
}

describe("plans", () => {
  test("inputs of finished tasks are dropped, results stay until they are released", () => {
    const cluster = clusterWith(1);
    cluster.submit(0, 0, [task([]), task([0, 0]), result([1])]);
    cluster.runAll();
    expect([...cluster.finished.keys()]).toEqual(["0/2"]);
    expect(cluster.core.objectCount).toBe(1);
    cluster.release(0, 2);
    cluster.schedule();
    expect(cluster.core.objectCount).toBe(0);
    expect(cluster.core.taskCount).toBe(0);
  });

  test.each<[string, TestTask[], RegExp]>([
    ["a cycle", [task([0])], /task 0 has task 0 as an input, which does not come before it/],
    ["an input that comes later", [task([1]), task([])], /task 0 .* task 1 .*acyclic/],
    ["an input outside", [result([]), task([7])], /task 1 has task 7 as an input, which is not in/],
    ["an unknown type", [task([], { type: 99 })], /task 0 has the unknown task type number 99/],
    ["a data type as task type", [task([], { type: 0 })], /unknown task type loom\/data/],
    ["too many cpus", [task([]), result([0], { cpus: 3 })], /task 1 requests 3 cpus, which no/],
  ])("%s is refused, names the task and leaves nothing", (_name, tasks, message) => {
    const cluster = clusterWith(2);
    const refusal = cluster.submit(0, 0, tasks, new Map(), Unsatisfiable.refuse);
    expect(refusal?.message).toMatch(message);
    expect(cluster.core.taskCount).toBe(0);
    expect(cluster.submit(0, 0, [result([])])).toBeUndefined();
    cluster.runAll();
    expect(cluster.finished.size).toBe(1);
  });

  test("ids that were used are refused", () => {
    const cluster = clusterWith(1);
    cluster.submit(0, 0, [result([]), result([])]);
    expect(cluster.submit(0, 1, [result([])])?.message).toMatch(/ids begin at 1, but ids up to 1/);
    expect(cluster.submit(0, 2, [result([])])).toBeUndefined();
  });

  test("a request that no worker can satisfy waits for one that can, others go on", () => {
    const cluster = clusterWith(2);
    const tasks = [result([], { cpus: 3 }), result([0]), result([], { cpus: 1 })];
    expect(cluster.submit(0, 0, tasks)).toBeUndefined();
    cluster.runAll();
    expect([...cluster.finished.keys()]).toEqual(["0/2"]);
    cluster.join(3);
    cluster.runAll();
    expect(cluster.finished.size).toBe(3);
  });

  test("a plan waits for a worker that can run it when there are none", () => {
    const cluster = clusterWith(0);
    expect(cluster.submit(0, 0, [result([], { cpus: 2 })])).toBeUndefined();
    cluster.join(1);
    cluster.runAll();
    expect(cluster.finished.size).toBe(0);
    cluster.join(2);
    cluster.runAll();
    expect(cluster.finished.size).toBe(1);
  });

  test("an empty plan is nothing", () => {
    const cluster = clusterWith(1);
    expect(cluster.submit(0, 0, [])).toBeUndefined();
    cluster.runAll();
    expect(cluster.core.taskCount).toBe(0);
  });

  test("a task without users that is no result is executed all the same", () => {
    const cluster = clusterWith(1);
    cluster.submit(0, 0, [task([]), task([0])]);
    cluster.schedule();
    expect(cluster.workers.get(0)!.tasks.size).toBe(2);
    cluster.runAll();
    expect(cluster.core.taskCount).toBe(0);
  });

  test("checkpoints that exist are opened; what only they needed is not executed", () => {
    const cluster = clusterWith(1);
    const path = new TextEncoder().encode("/there");
    // 0 -> 1 (checkpoint) -> 3; 2 is needed by 1 and 4.
    const tasks = [task([]), task([0, 2 - 2]), task([]), result([1]), result([2])];
    tasks[1] = task([0]);
    cluster.submit(0, 0, tasks, new Map([[1, path]]));
    const { table } = cluster.core;
    const row = cluster.row(0, 3) - 3;
    expect(table.state[row]).toBe(TaskState.released);
    expect(cluster.core.configOf(row + 1)).toEqual({ bytes: path, start: 0, length: 6 });
    cluster.runAll();
    expect([...cluster.finished.keys()].sort()).toEqual(["0/3", "0/4"]);
  });
});

describe("later plans", () => {
  test("use results that are held; released ones are refused", () => {
    const cluster = clusterWith(2);
    cluster.submit(0, 0, [result([]), task([])]);
    cluster.runAll();
    expect(cluster.submit(0, 2, [result([0])])).toBeUndefined();
    cluster.runAll();
    expect(cluster.submit(0, 3, [result([1])])?.message).toMatch(/task 3 has task 1 as an input/);
    cluster.release(0, 0);
    expect(cluster.submit(0, 3, [result([0])])?.message).toMatch(/not a result that is still held/);
  });

  test("a released result stays for its users, and its plan for their lineage", () => {
    const cluster = clusterWith(1);
    cluster.submit(0, 0, [task([]), result([0])]);
    cluster.runAll();
    cluster.submit(0, 2, [result([1])]);
    cluster.release(0, 1);
    cluster.runAll();
    expect(cluster.core.taskCount).toBe(3);
    cluster.join(2);
    cluster.kill(0);
    cluster.runAll();
    expect(cluster.core.locate(0, 2).kind).toBe("finished");
    cluster.release(0, 2);
    cluster.schedule();
    expect(cluster.core.taskCount).toBe(0);
  });

  test("a task that uses a failed result fails with the same cause", () => {
    const cluster = clusterWith(1);
    cluster.submit(0, 0, [result([])]);
    cluster.schedule();
    cluster.fail(0, cluster.row(0, 0));
    expect(cluster.submit(0, 1, [task([0]), result([1]), result([])])).toBeUndefined();
    cluster.runAll();
    expect(cluster.failed.get("0/2")).toMatchObject({ taskId: 0, message: "on purpose" });
    expect([...cluster.finished.keys()]).toEqual(["0/3"]);
  });
});

describe("failures", () => {
  test("fail what depends on the task, nothing else", () => {
    const cluster = clusterWith(2);
    const plan = [task([]), task([]), task([0]), result([2]), result([1]), result([2, 1])];
    cluster.submit(0, 0, plan);
    cluster.client(1);
    cluster.submit(1, 0, [result([])]);
    cluster.schedule();
    const row = cluster.row(0, 3) - 3;
    const worker = cluster.core.table.worker[row];
    cluster.fail(worker, row);
    expect(cluster.toldFailures).toEqual([{ client: 0, taskId: 0, lost: [3, 5] }]);
    cluster.runAll();
    expect([...cluster.finished.keys()].sort()).toEqual(["0/4", "1/0"]);
    for (const id of [3, 4, 5]) cluster.release(0, id);
    cluster.release(1, 0);
    cluster.schedule();
    expect(cluster.core.taskCount).toBe(0);
  });

  test("a classic client is told the first failure of a plan only", () => {
    const cluster = clusterWith(1);
    cluster.client(7, true);
    cluster.submit(7, 0, [result([]), result([])]);
    cluster.schedule();
    cluster.fail(0, cluster.row(7, 0));
    cluster.fail(0, cluster.row(7, 1));
    expect(cluster.toldFailures.map(({ taskId }) => taskId)).toEqual([0]);
  });

  test("a task that is lost with its workers too often fails, others go on", () => {
    const cluster = clusterWith(1, LARGE, 2);
    cluster.submit(0, 0, [result([], { cpus: 1 }), result([], { cpus: 2 })]);
    for (let life = 0; life < 3; life++) {
      cluster.schedule();
      const worker = [...cluster.workers.keys()][0];
      cluster.start(worker, cluster.row(0, 0));
      cluster.join(2);
      cluster.kill(worker);
    }
    expect(cluster.failed.get("0/0")?.message).toMatch(
      /lost with its worker 3 times, the limit is 2; the last time: .*\nbefore: .*\nbefore: /,
    );
    cluster.runAll();
    expect([...cluster.finished.keys()]).toEqual(["0/1"]);
  });
});

describe("lost workers", () => {
  test("objects that are needed are computed again, as far back as needed", () => {
    const cluster = clusterWith(1);
    cluster.submit(0, 0, [task([]), task([0]), task([1]), result([2])]);
    cluster.runAll();
    cluster.join(2);
    cluster.kill(0);
    expect(cluster.core.locate(0, 3).kind).toBe("open");
    cluster.runAll();
    expect(cluster.core.locate(0, 3).kind).toBe("finished");
  });

  test("a task that must not run twice fails when it may have run, else it runs", () => {
    const cluster = clusterWith(1);
    const once = { cpus: 1, once: true };
    cluster.submit(0, 0, [result([], once), result([0]), result([], once), result([])]);
    cluster.schedule();
    cluster.start(0, cluster.row(0, 0));
    cluster.join(2);
    cluster.kill(0);
    expect(cluster.failed.get("0/0")?.message).toMatch(
      /must not run twice .policy "once".: killed/,
    );
    expect([...cluster.failed.keys()].sort()).toEqual(["0/0", "0/1"]);
    cluster.runAll();
    expect([...cluster.finished.keys()].sort()).toEqual(["0/2", "0/3"]);
  });

  test("nor is it computed again for its result, or for one that descends from it", () => {
    const cluster = clusterWith(1);
    cluster.submit(0, 0, [task([], { once: true }), result([0]), result([], { once: true })]);
    cluster.runAll();
    cluster.join(2);
    cluster.kill(0);
    expect([...cluster.failed.keys()].sort()).toEqual(["0/1", "0/2"]);
    for (const id of [1, 2]) cluster.release(0, id);
    cluster.schedule();
    expect(cluster.core.taskCount).toBe(0);
  });

  test("a result that is held survives any number of them", () => {
    const cluster = clusterWith(1, LARGE, 2);
    cluster.submit(0, 0, [task([]), result([0])]);
    for (let worker = 0; worker < 10; worker++) {
      cluster.runAll();
      expect(cluster.core.locate(0, 1).kind).toBe("finished");
      cluster.join(2);
      cluster.kill(worker);
    }
  });

  test("a small result is not lost: the server has it", () => {
    const cluster = clusterWith(1, 5);
    cluster.submit(0, 0, [result([])]);
    cluster.runAll();
    cluster.kill(0);
    expect(cluster.core.locate(0, 0)).toMatchObject({ kind: "finished", holders: [] });
  });

  test("an object that was fetched by another worker is not computed again", () => {
    const cluster = clusterWith(1);
    cluster.submit(0, 0, [result([]), result([])]);
    cluster.runAll();
    cluster.join(2);
    // Two cpus at worker 1 only: it fetches from worker 0.
    cluster.submit(0, 2, [result([0], { cpus: 2 }), result([1], { cpus: 2 })]);
    cluster.runAll();
    const holders = (id: number) => {
      const place = cluster.core.locate(0, id);
      return place.kind === "finished" ? place.holders : place.kind;
    };
    const shared = [0, 1].filter((id) => holders(id).length === 2);
    expect(shared.length).toBeGreaterThan(0);
    cluster.kill(0);
    for (const id of shared) expect(holders(id)).toEqual([1]);
  });

  test("reports of a dead worker's tasks that run elsewhere by now are ignored", () => {
    const cluster = clusterWith(2);
    cluster.submit(0, 0, [result([], { cpus: 2 })]);
    cluster.schedule();
    const row = cluster.row(0, 0);
    const { table } = cluster.core;
    const old = { worker: table.worker[row], attempt: table.attempt[row] };
    cluster.kill(old.worker);
    cluster.schedule();
    cluster.core.taskFinished(table.worker[row], row, old.attempt, 1, 0, new Uint8Array(0), 0, -1);
    expect(cluster.finished.size).toBe(0);
    cluster.runAll();
    expect(cluster.finished.size).toBe(1);
  });
});

describe("rows", () => {
  test("are used again, but not before the workers have answered a ping", () => {
    const cluster = clusterWith(2);
    const run = (id: number): number => {
      cluster.submit(0, id, [result([])]);
      const row = cluster.row(0, id);
      cluster.runAll();
      cluster.release(0, id);
      cluster.core.schedule(cluster.nowMs);
      return row;
    };
    const first = run(0);
    cluster.submit(0, 1, [result([])]);
    expect(cluster.row(0, 1)).not.toBe(first);
    cluster.schedule();
    cluster.submit(0, 2, [result([])]);
    expect(cluster.row(0, 2)).toBe(first);
  });

  test("are used again though a worker that was asked has died", () => {
    const cluster = clusterWith(2);
    cluster.submit(0, 0, [result([])]);
    const first = cluster.row(0, 0);
    cluster.runAll();
    cluster.release(0, 0);
    cluster.core.schedule(cluster.nowMs);
    cluster.core.ponged(0, 1);
    cluster.kill(1);
    cluster.submit(0, 1, [result([])]);
    expect(cluster.row(0, 1)).toBe(first);
  });
});

describe("reading", () => {
  test("somebody who watches a result is called when it is finished, fails or is released", () => {
    const cluster = clusterWith(1);
    cluster.submit(0, 0, [result([]), result([]), result([])]);
    const rows = [0, 1, 2].map((id) => cluster.row(0, id));
    for (const row of rows) cluster.core.watch(row);
    cluster.schedule();
    cluster.finish(0, rows[0]);
    cluster.fail(0, rows[1]);
    cluster.release(0, 2);
    expect(cluster.changedRows).toEqual(rows);
  });

  test("an object that its holder does not have any more is computed again", () => {
    const cluster = clusterWith(1);
    cluster.submit(0, 0, [result([])]);
    cluster.runAll();
    cluster.core.objectLost(cluster.row(0, 0), 0);
    expect(cluster.core.locate(0, 0).kind).toBe("open");
    cluster.runAll();
    expect(cluster.core.locate(0, 0).kind).toBe("finished");
  });

  test("only results that are held can be found", () => {
    const cluster = clusterWith(1);
    cluster.submit(0, 0, [task([]), result([0])]);
    expect(cluster.core.locate(0, 0).kind).toBe("unknown");
    expect(cluster.core.locate(0, 9).kind).toBe("unknown");
    expect(cluster.core.locate(3, 1).kind).toBe("unknown");
    expect(cluster.core.release(0, 0)).toBe(false);
  });
});
