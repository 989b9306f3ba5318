/** Random workloads on random clusters: what must be true of every simulation. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  DEFAULT_COSTS,
  generate,
  NO_COSTS,
  Random,
  readWorkers,
  simulate,
  type Workload,
  WorkloadBuilder,
} from "../../src/simulation/index.js";
import { runChecked } from "./run-checked.js";

/** Tasks of all sorts: light, with cores, with GPUs; small and large results; many equal durations. */
function randomWorkload(seed: number, count: number): Workload {
  const random = new Random(seed);
  const builder = new WorkloadBuilder(`seed ${seed}`);
  const kinds = [
    builder.kind("light", { cpus: 0, amounts: [] }),
    builder.kind("one", { cpus: 1, amounts: [] }),
    builder.kind("three", { cpus: 3, amounts: [] }),
    builder.kind("gpu", { cpus: 1, amounts: [{ name: "gpus", amount: 0.5 }] }),
  ];
  for (let i = 0; i < count; i++) {
    const kind = kinds[random.below(kinds.length)];
    const ms = kind === kinds[0] ? random.below(3) : random.below(4) * 10;
    builder.task(kind, ms, [0, 10, 50_000, 3e6][random.below(4)]);
    const inputs = Math.min(i, random.below(4));
    for (let k = 0; k < inputs; k++) builder.input(i - 1 - random.below(Math.min(i, 10)));
  }
  return builder.finish();
}

/** Every workload can be executed on them. */
function randomWorkers(seed: number) {
  const random = new Random(seed, 7);
  const workers = readWorkers("1x4,gpus=1", "workers");
  for (let i = random.below(5); i > 0; i--) {
    const gpus = random.below(2) === 0 ? "" : ",gpus=2";
    workers.push(...readWorkers(`1x${1 + random.below(6)}${gpus},speed=${1 + i / 2}`, "workers"));
  }
  return workers;
}

const seeds = fc.nat(2 ** 31 - 1);

describe("a simulation", () => {
  it("executes every task exactly once, never faster than the lower bound", () => {
    fc.assert(
      fc.property(seeds, fc.integer({ min: 1, max: 120 }), fc.boolean(), (seed, count, free) => {
        const workload = randomWorkload(seed, count);
        const { report, simulation } = runChecked({
          workload,
          workers: randomWorkers(seed),
          bytesPerMs: 1e5,
          costs: free ? NO_COSTS : DEFAULT_COSTS,
          information: seed % 2 === 0 ? "exact" : "none",
        });
        expect(report).toMatchObject({ completed: true, tasks: { repeated: 0, failed: 0 } });
        expect(simulation.core.progress.executions).toEqual(new Uint8Array(count).fill(1));
        expect(report.ratio).toBeGreaterThanOrEqual(1 - 1e-9);
        expect(report.coreTimeMs).toMatchObject({ repeated: 0, unfinished: 0 });
      }),
      { numRuns: 25 },
    );
  });

  it("finishes every task whoever dies, slows down and joins", () => {
    fc.assert(
      fc.property(seeds, fc.integer({ min: 20, max: 100 }), (seed, count) => {
        const workload = randomWorkload(seed, count);
        const { report, simulation } = runChecked({
          workload,
          workers: randomWorkers(seed),
          bytesPerMs: 1e5,
          costs: DEFAULT_COSTS,
          // About three faults in the second that it takes.
          faultRate: { seed, perWorkerHour: 4000 },
        });
        expect(report).toMatchObject({ completed: true, tasks: { failed: 0 } });
        for (const times of simulation.core.progress.executions) {
          expect(times).toBeGreaterThanOrEqual(1);
        }
        expect(report.tasks.executed - report.tasks.repeated).toBe(count);
      }),
      { numRuns: 25 },
    );
  });

  it("gives the same report for the same seeds, another one for others", () => {
    const run = (seed: number, faultSeed: number) =>
      JSON.stringify(
        simulate({
          workload: generate("random:300,ms=20,sigma=1,bytes=1MB,max-cpus=3", seed),
          workers: readWorkers("4x4", "workers"),
          bytesPerMs: 1e5,
          costs: DEFAULT_COSTS,
          faultRate: { seed: faultSeed, perWorkerHour: 1000 },
        }),
      );
    const first = run(1, 2);
    expect(run(1, 2)).toBe(first);
    expect(run(3, 2)).not.toBe(first);
    expect(run(1, 4)).not.toBe(first);
  });
});
