import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Lookahead, type LookaheadProblem } from "../../../src/scheduler/lookahead/index.js";
import { evaluatePlainly } from "./plain-evaluation.js";
import { aProblem, type ProblemSpec, type TaskSpec } from "./problem-builder.js";
import { problems } from "./random-problems.js";

const BUDGET = 100_000;

function plan(spec: ProblemSpec) {
  const problem = aProblem(spec);
  const lookahead = new Lookahead(problem, 1);
  lookahead.improve(BUDGET);
  const { worker, priority, makespanMs } = lookahead.best;
  return { worker: [...worker], priority: [...priority], makespanMs, problem };
}

const times = (count: number, task: (i: number) => TaskSpec) =>
  Array.from({ length: count }, (_, i) => task(i));

describe("plans", () => {
  it("keep a chain on one worker", () => {
    const tasks = times(10, (i) => ({
      name: `t${i}`,
      ms: 10,
      bytes: 10_000,
      needs: i > 0 ? [`t${i - 1}`] : [],
    }));
    const { worker, makespanMs } = plan({ workers: [1, 1, 1, 1], tasks });
    expect(new Set(worker).size).toBe(1);
    expect(makespanMs).toBe(100);
  });

  it("spread a fork on a fast network, and not on a slow one", () => {
    const tasks = [
      { name: "a", ms: 1, bytes: 1e6 },
      ...times(8, (i) => ({ name: `use ${i}`, ms: 100, needs: ["a"] })),
    ];
    const workers = [1, 1, 1, 1];
    const fast = plan({ workers, tasks, bytesPerMs: 1e6 });
    expect(new Set(fast.worker).size).toBe(4);
    expect(fast.makespanMs).toBeLessThan(210);
    const slow = plan({ workers, tasks, bytesPerMs: 100 });
    expect(new Set(slow.worker).size).toBe(1);
    expect(slow.makespanMs).toBe(801);
  });

  it("make what is merged where it is merged, if the network is slow", () => {
    const tasks = [
      ...times(6, (i) => ({ name: `t${i}`, ms: 10, bytes: 1e6 })),
      {
        name: "merge",
        ms: 10,
        needs: times(6, (i) => ({ name: `t${i}`, ms: 0 })).map((t) => t.name),
      },
    ];
    const { worker, makespanMs } = plan({ workers: [2, 2, 2], tasks });
    expect(new Set(worker).size).toBe(1);
    expect(makespanMs).toBe(40);
  });

  it("start long tasks first", () => {
    const tasks = [
      ...times(10, (i) => ({ name: `short ${i}`, ms: 10 })),
      { name: "long", ms: 100 },
    ];
    const { makespanMs, priority } = plan({ workers: [1, 1], tasks });
    expect(makespanMs).toBe(100);
    expect(Math.max(...priority)).toBe(priority[10]);
  });

  it("give long tasks to fast workers", () => {
    const tasks = [
      { name: "short", ms: 10 },
      { name: "long", ms: 100 },
    ];
    const { worker, makespanMs } = plan({ workers: [1, 1], speed: [1, 4], tasks });
    expect(worker).toEqual([0, 1]);
    expect(makespanMs).toBe(25);
  });

  it("start tasks of higher user priority first, whatever that costs", () => {
    const tasks = [
      { name: "long", ms: 100 },
      { name: "urgent 1", ms: 10, userPriority: 1 },
      { name: "urgent 2", ms: 10, userPriority: 1 },
      { name: "later", ms: 1000, userPriority: -1 },
    ];
    const { priority } = plan({ workers: [1], tasks });
    expect(Math.min(priority[1], priority[2])).toBeGreaterThan(priority[0]);
    expect(priority[3]).toBeLessThan(priority[0]);
  });

  it("keep to user priorities though another order is faster", () => {
    const tasks = [
      ...times(10, (i) => ({ name: `urgent ${i}`, ms: 10, userPriority: 1 })),
      { name: "long", ms: 100 },
    ];
    expect(plan({ workers: [2], tasks }).makespanMs).toBe(150);
  });

  it("put tasks around those that run", () => {
    const tasks = [
      { name: "running", ms: 1000, runningAt: 0, bytes: 10 },
      { name: "a", ms: 10 },
      { name: "b", ms: 10 },
      { name: "next", ms: 10, needs: ["running"] },
    ];
    const { worker, makespanMs } = plan({ workers: [1, 1], tasks });
    expect(worker).toEqual([0, 1, 1, 0]);
    expect(makespanMs).toBe(1010);
  });

  it("go to the data", () => {
    const tasks = times(3, (i) => ({ name: `use ${i}`, ms: 10, needs: [`x${i}`] }));
    const existing = [
      { name: "x0", bytes: 1e6, holders: [2] },
      { name: "x1", bytes: 1e6, holders: [1, 0] },
      { name: "x2", bytes: 1e6, holders: [] },
    ];
    const { worker, makespanMs } = plan({ workers: [1, 1, 1], tasks, existing });
    expect(worker[0]).toBe(2);
    expect([0, 1]).toContain(worker[1]);
    expect(makespanMs).toBe(10);
  });

  it("keep to the workers that are allowed, and to their cores", () => {
    const tasks = [
      { name: "a", ms: 10, only: [1] },
      { name: "b", ms: 10, only: [1, 2] },
      { name: "large", ms: 10, cpus: 3 },
    ];
    const { worker } = plan({ workers: [3, 1, 1], tasks });
    expect(worker).toEqual([1, 2, 0]);
  });

  it("leave out what no worker can execute, and what depends on it", () => {
    const tasks = [
      { name: "a", ms: 10 },
      { name: "large", ms: 10, cpus: 5 },
      { name: "nowhere", ms: 10, only: [] },
      { name: "after large", ms: 10, needs: ["a", "large"] },
      { name: "after that", ms: 10, needs: ["after large"] },
      { name: "after a", ms: 10, needs: ["a"] },
    ];
    const { worker, makespanMs } = plan({ workers: [4], tasks });
    expect(worker).toEqual([0, -1, -1, -1, -1, 0]);
    expect(makespanMs).toBe(20);
  });

  it("leave out a cycle", () => {
    const tasks = [
      { name: "a", ms: 10, needs: ["b"] },
      { name: "b", ms: 10, needs: ["a"] },
      { name: "after b", ms: 10, needs: ["b"] },
      { name: "c", ms: 10 },
    ];
    const { worker, makespanMs } = plan({ workers: [4], tasks });
    expect(worker).toEqual([-1, -1, -1, 0]);
    expect(makespanMs).toBe(10);
  });

  it("are empty without tasks, and without workers", () => {
    expect(plan({ workers: [4], tasks: [] })).toMatchObject({ worker: [], makespanMs: 0 });
    expect(plan({ workers: [], tasks: [{ name: "a", ms: 1 }] })).toMatchObject({
      worker: [-1],
      makespanMs: 0,
    });
    expect(plan({ workers: [], tasks: [] })).toMatchObject({ worker: [], makespanMs: 0 });
  });

  it.each([
    ["no durations", { ms: 0, bytes: 1000 }, 1000],
    ["no sizes", { ms: 10, bytes: 0 }, 1000],
    ["nothing at all", { ms: 0, bytes: 0 }, 0],
    ["an infinitely fast network", { ms: 10, bytes: 1e9 }, Number.POSITIVE_INFINITY],
    ["estimates that are no numbers", { ms: Number.NaN, bytes: Number.NaN }, Number.NaN],
    ["negative and infinite estimates", { ms: -1, bytes: Number.POSITIVE_INFINITY }, -5],
  ])("exist with %s", (_, same, bytesPerMs) => {
    const tasks = times(12, (i) => ({
      name: `t${i}`,
      needs: i >= 4 ? [`t${i - 4}`, `t${Math.max(0, i - 5)}`] : [],
      ...same,
    }));
    const { worker, makespanMs } = plan({ workers: [1, 2], tasks, bytesPerMs });
    expect(worker.every((at) => at === 0 || at === 1)).toBe(true);
    expect(makespanMs).toBeGreaterThanOrEqual(0);
    expect(makespanMs).toBeLessThan(1000);
  });
});

describe("the search", () => {
  const merges = (seed = 1) => {
    const tasks = times(40, (i) => ({
      name: `t${i}`,
      ms: 10 + ((i * 37) % 50),
      bytes: ((i * 53) % 40) * 1000,
      needs: i < 10 ? [] : [`t${(i * 7) % 10}`, `t${(i * 3) % i}`],
    }));
    return new Lookahead(aProblem({ workers: [1, 2, 1], tasks }), seed);
  };

  it("has no plan before it has begun", () => {
    expect(() => merges().best).toThrow("no plan yet: call improve() first");
  });

  it("has one after the smallest step", () => {
    const lookahead = merges();
    lookahead.improve(1);
    expect(lookahead.best.worker.every((at) => at >= 0)).toBe(true);
  });

  it("ends by itself, and then does nothing more", () => {
    const lookahead = merges();
    expect(lookahead.improve(1000)).toBe(false);
    while (!lookahead.improve(1_000_000));
    const { work, best } = lookahead;
    expect(lookahead.improve(1_000_000)).toBe(true);
    expect(lookahead.work).toBe(work);
    expect(lookahead.best).toBe(best);
  });

  it("ends at once when no plan can be better", () => {
    const lookahead = new Lookahead(aProblem({ workers: [1], tasks: [{ name: "a", ms: 5 }] }), 1);
    expect(lookahead.improve(1000)).toBe(true);
  });

  it("leaves plans that it has given away as they are", () => {
    const lookahead = merges();
    lookahead.improve(1000);
    const first = lookahead.best;
    const before = { worker: first.worker.slice(), priority: first.priority.slice() };
    while (!lookahead.improve(1_000_000));
    expect(lookahead.best.makespanMs).toBeLessThan(first.makespanMs);
    expect(first).toMatchObject(before);
  });

  it("finds the same however its work is cut", () => {
    const whole = merges();
    while (!whole.improve(Number.POSITIVE_INFINITY));
    const sliced = merges();
    while (!sliced.improve(777));
    expect(sliced.best).toEqual(whole.best);
    expect(sliced.work).toBe(whole.work);
  });

  it("looks elsewhere with another seed", () => {
    const works = [1, 2, 3].map((seed) => {
      const lookahead = merges(seed);
      while (!lookahead.improve(1_000_000));
      return lookahead.work;
    });
    expect(new Set(works).size).toBe(3);
  });
});

/** No plan can end earlier: longest path, and work per core, at the speed of the fastest. */
function lowerBound(problem: LookaheadProblem): number {
  const { taskCount, workerCpus, workerSpeed, objectProducer, inputs, inputStart } = problem;
  const speeds = Array.from(workerCpus, (_, w) => workerSpeed?.[w] ?? 1);
  const fastest = Math.max(...speeds);
  const ends: number[] = [];
  let work = 0;
  for (let t = 0; t < taskCount; t++) {
    const runs = problem.runningAt[t] >= 0;
    const ms = runs ? problem.remainingMs[t] : problem.durationMs[t] / fastest;
    const from = Array.from(inputs.subarray(inputStart[t], inputStart[t + 1]), (object) =>
      objectProducer[object] < 0 ? 0 : ends[objectProducer[object]],
    );
    ends.push(Math.max(0, ...from) + ms);
    work += ms * problem.cpus[t];
  }
  const cores = workerCpus.reduce((sum, count) => sum + count, 0);
  return Math.max(0, ...ends, work / cores);
}

describe("all plans", () => {
  it("are possible, take as long as is said, and no less than is possible", () => {
    fc.assert(
      fc.property(problems, fc.constantFrom(1, 3000, 60_000), (problem, budget) => {
        const lookahead = new Lookahead(problem, 7);
        const isDone = lookahead.improve(budget);
        const { worker, priority, makespanMs } = lookahead.best;
        for (let t = 0; t < problem.taskCount; t++) {
          const running = problem.runningAt[t];
          if (running >= 0) expect(worker[t]).toBe(running);
          else expect(problem.allowed?.(t, worker[t]) ?? true).toBe(true);
          expect(problem.workerCpus[worker[t]]).toBeGreaterThanOrEqual(problem.cpus[t]);
        }
        // With the smallest budget the makespan is an estimate.
        if (budget === 1 && !isDone) return;
        const plain = evaluatePlainly(problem, worker, priority);
        expect(makespanMs).toBeCloseTo(plain.makespanMs, 4);
        expect(makespanMs).toBeGreaterThan(lowerBound(problem) * (1 - 1e-9) - 1e-9);
      }),
      { numRuns: 150 },
    );
  });

  it("respect user priorities", () => {
    fc.assert(
      fc.property(problems, (problem) => {
        const lookahead = new Lookahead(problem, 3);
        lookahead.improve(10_000);
        const { priority } = lookahead.best;
        const open = [...priority.keys()].filter((t) => problem.runningAt[t] < 0);
        const lowest = (user: number) =>
          open.filter((t) => problem.userPriority[t] === user).map((t) => priority[t]);
        expect(Math.min(Number.POSITIVE_INFINITY, ...lowest(1))).toBeGreaterThan(
          Math.max(0, ...lowest(0)),
        );
        expect(new Set(open.map((t) => priority[t])).size).toBe(open.length);
      }),
      { numRuns: 50 },
    );
  });

  it("are the same for the same seed, however the work is cut", () => {
    fc.assert(
      fc.property(problems, fc.integer({ min: 1, max: 5000 }), (problem, slice) => {
        const whole = new Lookahead(problem, 5);
        whole.improve(20_000);
        const sliced = new Lookahead(problem, 5);
        let isDone: boolean;
        do {
          isDone = sliced.improve(Math.min(slice, whole.work - sliced.work));
        } while (!isDone && sliced.work < whole.work);
        expect(sliced.best).toEqual(whole.best);
      }),
      { numRuns: 50 },
    );
  });
});
