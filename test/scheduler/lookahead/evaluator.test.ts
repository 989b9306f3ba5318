import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Evaluator } from "../../../src/scheduler/lookahead/evaluator.js";
import type { LookaheadProblem } from "../../../src/scheduler/lookahead/index.js";
import { Workload } from "../../../src/scheduler/lookahead/workload.js";
import { evaluatePlainly } from "./plain-evaluation.js";
import { aProblem, inOrder, type ProblemSpec } from "./problem-builder.js";
import { problems } from "./random-problems.js";

function evaluate(problem: LookaheadProblem, worker: number[], priority = inOrder(problem)) {
  const evaluator = new Evaluator(new Workload(problem));
  evaluator.begin(Int32Array.from(worker), priority, Number.POSITIVE_INFINITY);
  expect(evaluator.advance(Number.POSITIVE_INFINITY)).toBe(true);
  return evaluator;
}

function starts(spec: ProblemSpec, worker: number[]): number[] {
  return [...evaluate(aProblem(spec), worker).startMs];
}

describe("the simulation of a plan", () => {
  it("downloads inputs while cores are busy", () => {
    const tasks = [
      { name: "a", ms: 10, bytes: 50_000 },
      { name: "b", ms: 100 },
      { name: "c", ms: 10, needs: ["a", "b"] },
    ];
    expect(starts({ workers: [1, 1], tasks }, [0, 1, 1])).toEqual([0, 0, 100]);
  });

  it("starts the prepared task of the highest priority, and lets small ones pass a large one", () => {
    const tasks = [
      { name: "first", ms: 10, cpus: 1 },
      { name: "large", ms: 10, cpus: 2 },
      { name: "small", ms: 5, cpus: 1 },
      { name: "last", ms: 5, cpus: 1 },
    ];
    expect(starts({ workers: [2], tasks }, [0, 0, 0, 0])).toEqual([0, 10, 0, 5]);
  });

  it("starts what becomes prepared in one instant by number, in a trial the least urgent first", () => {
    const tasks = [
      { name: "a", ms: 10 },
      { name: "wide", ms: 10, cpus: 2, needs: ["a"] },
      { name: "small", ms: 100, needs: ["a"] },
    ];
    const problem = aProblem({ workers: [2], tasks });
    const evaluator = new Evaluator(new Workload(problem));
    const startsIn = (stretch: Float64Array | undefined) => {
      evaluator.stretch = stretch;
      evaluator.begin(new Int32Array(3), inOrder(problem), Number.POSITIVE_INFINITY);
      evaluator.advance(Number.POSITIVE_INFINITY);
      return [...evaluator.startMs];
    };
    expect(startsIn(undefined)).toEqual([0, 10, 20]);
    expect(startsIn(new Float64Array(3).fill(1))).toEqual([0, 110, 10]);
  });

  it("starts tasks without cores at once", () => {
    const tasks = [
      { name: "a", ms: 10 },
      { name: "light", ms: 7, cpus: 0 },
      { name: "b", ms: 1, needs: ["light"] },
    ];
    expect(starts({ workers: [1], tasks }, [0, 0, 0])).toEqual([0, 0, 10]);
  });

  it("shares the sender among receivers, and transfers an object once to each", () => {
    const tasks = [
      { name: "a", ms: 0, bytes: 100_000 },
      ...[1, 1, 2, 2].map((_, i) => ({ name: `user ${i}`, ms: 1, needs: ["a"] })),
    ];
    expect(starts({ workers: [4, 4, 4], tasks }, [0, 1, 1, 2, 2])).toEqual([0, 200, 200, 200, 200]);
  });

  it("downloads in the order of priorities, within the limits", () => {
    const tasks = [
      ...["a", "b", "c"].map((name) => ({ name, ms: 0, bytes: 100_000 })),
      ...["a", "b", "c"].map((name) => ({ name: `use ${name}`, ms: 1, needs: [name] })),
    ];
    const spec = { workers: [4, 4], tasks, maxDownloads: 2, maxDownloadsPerSource: 1 };
    expect(starts(spec, [0, 0, 0, 1, 1, 1]).slice(3)).toEqual([100, 200, 300]);
    expect(starts({ ...spec, maxDownloadsPerSource: 2 }, [0, 0, 0, 1, 1, 1]).slice(3)).toEqual([
      200, 200, 300,
    ]);
  });

  it("adds latency, also to transfers of nothing", () => {
    const tasks = [
      { name: "a", ms: 10, bytes: 0 },
      { name: "b", ms: 10, bytes: 1000 },
      { name: "use a", ms: 1, needs: ["a"] },
      { name: "use b", ms: 1, needs: ["b"] },
    ];
    const spec = { workers: [4, 4], tasks, latencyMs: 5 };
    expect(starts(spec, [0, 0, 1, 1])).toEqual([0, 0, 15, 16]);
    expect(starts({ ...spec, latencyMs: 0 }, [0, 0, 1, 1])).toEqual([0, 0, 10, 11]);
  });

  it("takes existing objects from the holder that has less to send, or from everywhere", () => {
    const tasks = ["x", "y", "z"].map((name) => ({ name: `use ${name}`, ms: 1, needs: [name] }));
    const existing = [
      { name: "x", bytes: 100_000, holders: [0] },
      { name: "y", bytes: 100_000, holders: [0, 1] },
      { name: "z", bytes: 100_000, holders: [] },
    ];
    const spec = { workers: [4, 4, 4, 4], tasks, existing };
    expect(starts(spec, [2, 3, 3])).toEqual([100, 100, 0]);
    expect(starts(spec, [0, 1, 2])).toEqual([0, 0, 0]);
  });

  it("leaves running tasks their cores and what remains of them", () => {
    const tasks = [
      { name: "running", ms: 30, runningAt: 1, bytes: 1000 },
      { name: "other", ms: 5 },
      { name: "next", ms: 5, needs: ["running"] },
    ];
    const evaluator = evaluate(aProblem({ workers: [1, 1], speed: [1, 2], tasks }), [-1, 1, 1]);
    expect([...evaluator.startMs]).toEqual([0, 30, 32.5]);
    expect(evaluator.makespanMs).toBe(35);
  });

  it("starts tasks without cores even where running ones hold more cores than there are", () => {
    const tasks = [
      { name: "a", ms: 30, cpus: 1, runningAt: 0 },
      { name: "b", ms: 100, cpus: 2, runningAt: 0 },
      { name: "light", ms: 1, cpus: 0, needs: ["a"] },
      { name: "other", ms: 1, cpus: 1 },
    ];
    expect(starts({ workers: [1], tasks }, [0, 0, 0, 0])).toEqual([0, 0, 30, 100]);
  });

  it("downloads of the inputs of a task the one made last first", () => {
    const tasks = [
      { name: "first", ms: 0, bytes: 100_000 },
      { name: "x", ms: 10, bytes: 10_000 },
      { name: "y", ms: 20, bytes: 10_000 },
      { name: "use first", ms: 1, needs: ["first"] },
      { name: "use both", ms: 1, needs: ["x", "y"] },
      { name: "use x", ms: 1, needs: ["x"] },
      { name: "use y", ms: 1, needs: ["y"] },
    ];
    const spec = { workers: [4, 4], tasks, maxDownloads: 1 };
    expect(starts(spec, [0, 0, 0, 1, 1, 1, 1]).slice(3)).toEqual([100, 120, 120, 110]);
  });

  it("gives up when the limit will be exceeded", () => {
    const tasks = [
      { name: "a", ms: 10 },
      { name: "b", ms: 10, needs: ["a"] },
      { name: "c", ms: 10 },
    ];
    const problem = aProblem({ workers: [1], tasks });
    const evaluator = new Evaluator(new Workload(problem));
    evaluator.begin(Int32Array.of(0, 0, 0), inOrder(problem), 29.9);
    evaluator.advance(Number.POSITIVE_INFINITY);
    expect(evaluator.makespanMs).toBe(Number.POSITIVE_INFINITY);
    evaluator.begin(Int32Array.of(0, 0, 0), inOrder(problem), 30);
    evaluator.advance(Number.POSITIVE_INFINITY);
    expect(evaluator.makespanMs).toBe(30);
  });

  it("knows what each task waited for", () => {
    const tasks = [
      { name: "a", ms: 10, bytes: 1000 },
      { name: "b", ms: 20 },
      { name: "after b", ms: 1, needs: ["a"] },
      { name: "after a", ms: 1, needs: ["a"] },
    ];
    const evaluator = evaluate(aProblem({ workers: [1, 1, 1], tasks }), [0, 1, 1, 2]);
    expect([...evaluator.waitedFor]).toEqual([-1, -1, 1, 0]);
  });

  it("says the same as a plain evaluation", () => {
    fc.assert(
      fc.property(problems, fc.infiniteStream(fc.nat(1000)), (problem, numbers) => {
        const worker = Array.from({ length: problem.taskCount }, (_, task) => {
          const running = problem.runningAt[task];
          if (running >= 0) return running;
          let at = numbers.next().value! % problem.workerCount;
          while (problem.workerCpus[at] < problem.cpus[task]) at = (at + 1) % problem.workerCount;
          return at;
        });
        const keys = Array.from(worker, () => numbers.next().value!);
        const order = [...worker.keys()].sort((a, b) => keys[a] - keys[b]);
        const priority = new Float64Array(worker.length);
        order.forEach((task, place) => {
          priority[task] = (worker.length - place) * 1e6;
        });
        const evaluator = evaluate(problem, worker, priority);
        const plain = evaluatePlainly(problem, worker, priority);
        plain.startMs.forEach((startMs, task) => {
          expect(evaluator.startMs[task]).toBeCloseTo(startMs, 4);
        });
        expect(evaluator.makespanMs).toBeCloseTo(plain.makespanMs, 4);
      }),
      { numRuns: 300 },
    );
  });

  it("is the same in slices", () => {
    fc.assert(
      fc.property(problems, fc.integer({ min: 1, max: 10 }), (problem, slice) => {
        const load = new Workload(problem);
        const worker = new Int32Array(problem.taskCount).fill(-1);
        for (const t of load.movable) {
          worker[t] = load.speed.findIndex((_, w) => load.canRun(t, w));
        }
        const whole = evaluate(problem, [...worker]);
        const sliced = new Evaluator(load);
        sliced.begin(worker, inOrder(problem), Number.POSITIVE_INFINITY);
        while (!sliced.advance(slice));
        expect(sliced.makespanMs).toBe(whole.makespanMs);
        expect(sliced.work).toBe(whole.work);
      }),
    );
  });
});
