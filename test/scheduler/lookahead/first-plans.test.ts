import { describe, expect, it } from "vitest";
import { Candidate } from "../../../src/scheduler/lookahead/candidate.js";
import { Evaluator } from "../../../src/scheduler/lookahead/evaluator.js";
import { LateBinding } from "../../../src/scheduler/lookahead/late-binding.js";
import { ListScheduler } from "../../../src/scheduler/lookahead/list-scheduler.js";
import { LocalSearch } from "../../../src/scheduler/lookahead/local-search.js";
import { Portfolio } from "../../../src/scheduler/lookahead/portfolio.js";
import { Random } from "../../../src/scheduler/lookahead/random.js";
import { Trial } from "../../../src/scheduler/lookahead/trial.js";
import { Workload } from "../../../src/scheduler/lookahead/workload.js";
import { aProblem, type ProblemSpec, type TaskSpec } from "./problem-builder.js";

const times = (count: number, task: (i: number) => TaskSpec) =>
  Array.from({ length: count }, (_, i) => task(i));

function list(spec: ProblemSpec, backwards: boolean, transferWeight = 1) {
  const load = new Workload(aProblem(spec));
  const lists = new ListScheduler(load);
  const rank = backwards ? load.downwardRank(1) : load.upwardRank(1);
  const workers = Uint16Array.from(spec.workers.keys());
  lists.begin({ rank, backwards, transferWeight, workers });
  while (!lists.advance(1));
  return { worker: [...lists.worker], endMs: [...lists.endMs] };
}

describe("list schedules", () => {
  it("count how long a sender is busy with others", () => {
    const tasks = [
      { name: "a", ms: 1, bytes: 100_000 },
      ...times(4, (i) => ({ name: `use ${i}`, ms: 90, needs: ["a"] })),
    ];
    // At another worker the first one ends at 191, the second one, as the sender is busy, at 291.
    const { worker, endMs } = list({ workers: [1, 1, 1, 1], tasks }, false);
    expect(worker.filter((at) => at === worker[0])).toHaveLength(4);
    expect(endMs).toEqual([1, 91, 181, 191, 271]);
  });

  it("count transfers as often as they are told", () => {
    const tasks = [
      { name: "a", ms: 1, bytes: 100_000 },
      ...times(4, (i) => ({ name: `use ${i}`, ms: 90, needs: ["a"] })),
    ];
    const spec = { workers: [1, 1, 1, 1], tasks };
    expect(new Set(list(spec, false, 0).worker).size).toBe(4);
    expect(new Set(list(spec, false, 3).worker).size).toBe(1);
  });

  it("transfer an object once to a worker", () => {
    const tasks = [
      { name: "a", ms: 1, bytes: 100_000, only: [0] },
      { name: "b", ms: 10, needs: ["a"], only: [1] },
      { name: "c", ms: 9, needs: ["a"], only: [1] },
    ];
    expect(list({ workers: [2, 2], tasks }, false).endMs).toEqual([1, 111, 110]);
  });

  it("made backwards keep together what is merged", () => {
    const tasks = [
      ...times(4, (i) => ({ name: `t${i}`, ms: 10, bytes: 25_000 })),
      { name: "merge", ms: 10, needs: ["t0", "t1", "t2", "t3"] },
    ];
    const { worker, endMs } = list({ workers: [1, 1, 1], tasks }, true);
    expect(worker.filter((at) => at === worker[4]).length).toBeGreaterThan(2);
    expect(endMs[4]).toBe(10);
  });

  it("take several cores of the workers that have them", () => {
    const tasks = [
      { name: "a", ms: 10, cpus: 2 },
      { name: "b", ms: 9, cpus: 1 },
      { name: "c", ms: 8, cpus: 3 },
      { name: "d", ms: 7, cpus: 3, only: [1] },
    ];
    const { worker, endMs } = list({ workers: [1, 3], tasks }, false);
    expect(worker).toEqual([1, 0, 1, 1]);
    expect(endMs).toEqual([10, 9, 18, 25]);
  });
});

describe("late binding", () => {
  function bind(spec: ProblemSpec): number[] {
    const load = new Workload(aProblem(spec));
    const evaluator = new Evaluator(load);
    const late = new LateBinding(load, evaluator);
    const candidate = new Candidate(load);
    late.reset(load.upwardRank(0));
    evaluator.begin(candidate.worker, candidate.priority, Number.POSITIVE_INFINITY, late);
    expect(evaluator.advance(Number.POSITIVE_INFINITY)).toBe(true);
    expect(evaluator.makespanMs).toBeLessThan(Number.POSITIVE_INFINITY);
    return [...evaluator.worker];
  }

  it("takes free cores where most of the data is", () => {
    const tasks = [
      { name: "use x", ms: 10, needs: ["x", "z"] },
      { name: "use y", ms: 10, needs: ["y", "z"] },
      { name: "use y too", ms: 5, needs: ["y"] },
    ];
    const existing = [
      { name: "x", bytes: 2000, holders: [2] },
      { name: "y", bytes: 2000, holders: [1] },
      { name: "z", bytes: 1000, holders: [0] },
    ];
    expect(bind({ workers: [1, 1, 1], tasks, existing })).toEqual([2, 1, 0]);
  });

  it("waits for cores, and lets small tasks pass", () => {
    const tasks = [
      { name: "a", ms: 10, cpus: 3 },
      { name: "b", ms: 9, cpus: 3 },
      { name: "small", ms: 1, cpus: 1 },
      { name: "light", ms: 1, cpus: 0 },
      ...times(20, (i) => ({ name: `t${i}`, ms: 1, cpus: 2, only: [1] })),
    ];
    const worker = bind({ workers: [4, 2], tasks });
    expect(worker.slice(0, 2)).toEqual([0, 0]);
    expect(worker.slice(4).every((at) => at === 1)).toBe(true);
  });
});

describe("the first plans", () => {
  it("have a worker for each task, and one of them uses a single worker", () => {
    const tasks = times(30, (i) => ({
      name: `t${i}`,
      ms: 10,
      bytes: 1000,
      needs: i > 3 ? [`t${i % 4}`] : [],
    }));
    const load = new Workload(aProblem({ workers: [1, 1, 1], tasks }));
    const candidate = new Candidate(load);
    const used: number[] = [];
    for (const isPlan of new Portfolio(load).plans(candidate)) {
      if (!isPlan) continue;
      expect(candidate.worker.every((at) => at >= 0)).toBe(true);
      used.push(new Set(candidate.worker).size);
    }
    expect(used.length).toBeGreaterThan(5);
    expect(Math.min(...used)).toBe(1);
    expect(Math.max(...used)).toBe(3);
  });
});

describe("a round of local search", () => {
  it("knows what its schedule takes, and has kept the best one", () => {
    const tasks = times(30, (i) => ({
      name: `t${i}`,
      ms: 10 + ((i * 37) % 50),
      bytes: ((i * 53) % 40) * 1000,
      needs: i < 8 ? [] : [`t${(i * 7) % 8}`, `t${(i * 3) % i}`],
    }));
    const load = new Workload(aProblem({ workers: [1, 2, 1], tasks }));
    const evaluator = new Evaluator(load);
    const random = new Random(1);
    const trial = new Trial(load, evaluator, random, () => {});
    const current = new Candidate(load);
    const evaluate = (candidate: Candidate) => {
      evaluator.begin(candidate.worker, candidate.priority, Number.POSITIVE_INFINITY);
      evaluator.advance(Number.POSITIVE_INFINITY);
      return evaluator.makespanMs;
    };
    current.worker.fill(0);
    current.makespanMs = evaluate(current);
    const best = new Candidate(load);
    best.copyFrom(current);
    best.worthMs = current.makespanMs;
    const before = current.makespanMs;
    const search = new LocalSearch(load, evaluator, random, trial);
    for (const _ of search.round(current, best, 500));
    expect(evaluate(current)).toBe(current.makespanMs);
    expect(evaluate(best)).toBe(best.makespanMs);
    expect(best.makespanMs).toBeLessThan(before * 0.7);
    const places = [...current.order].map((task) => current.place[task]);
    expect(places).toEqual([...places.keys()]);
  });
});
