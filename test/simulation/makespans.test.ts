/** Small workloads whose makespan is known by hand. Nothing costs time but tasks and transfers. */
import { describe, expect, it } from "vitest";
import {
  generate,
  NO_COSTS,
  readFault,
  readWorkers,
  simulate,
} from "../../src/simulation/index.js";
import { runChecked, type SmallTask, workloadOf } from "./run-checked.js";

function run(
  tasks: Readonly<Record<string, SmallTask>>,
  workers: string,
  options: { bytesPerMs?: number; latencyMs?: number; faults?: string[]; untilMs?: number } = {},
) {
  const { report } = runChecked({
    workload: workloadOf(tasks),
    workers: workers.split(" ").flatMap((text) => readWorkers(text, "workers")),
    bytesPerMs: options.bytesPerMs ?? Number.POSITIVE_INFINITY,
    costs: { ...NO_COSTS, latencyMs: options.latencyMs ?? 0 },
    information: "exact",
    faults: (options.faults ?? []).map((text) => readFault(text, "fault")),
    untilMs: options.untilMs,
  });
  return report;
}

describe("makespans by hand", () => {
  it("a chain takes the sum, on one worker, without transfers", () => {
    const report = run(
      {
        a: { ms: 100, bytes: 1e6 },
        b: { ms: 50, bytes: 1e6, needs: ["a"] },
        c: { ms: 25, needs: ["b"] },
      },
      "4x2",
      { bytesPerMs: 1000 },
    );
    expect(report).toMatchObject({ completed: true, makespanMs: 175, ratio: 1 });
    expect(report.transfers.count).toBe(0);
    expect(report.workers.filter(({ tasks }) => tasks > 0)).toHaveLength(1);
  });

  it("a diamond takes its longer side", () => {
    const report = run(
      {
        a: { ms: 100 },
        b: { ms: 200, needs: ["a"] },
        c: { ms: 300, needs: ["a"] },
        d: { ms: 50, needs: ["b", "c"] },
      },
      "2x1",
    );
    expect(report.makespanMs).toBe(450);
    expect(report.coreTimeMs).toMatchObject({ total: 900, useful: 650, idleNoWork: 250 });
  });

  it("a fork waits for the transfer of its input", () => {
    const report = run(
      {
        a: { ms: 100, bytes: 50_000 },
        b: { ms: 1000, needs: ["a"] },
        c: { ms: 1000, needs: ["a"] },
      },
      "2x1",
      { bytesPerMs: 1000 },
    );
    // One at 100 where the input is, the other one 50 ms later.
    expect(report.makespanMs).toBe(1150);
    expect(report.transfers).toMatchObject({ count: 1, bytes: 50_000 });
    expect(report.coreTimeMs.idleTransfers).toBe(50);
    expect(report.memory.highWaterBytes).toBe(50_000);
  });

  it("cores and other resources are all that runs at once", () => {
    const gpu = { cpus: 1, amounts: [{ name: "gpus", amount: 0.5 }] };
    const report = run(
      {
        a: { ms: 100, ...gpu },
        b: { ms: 100, ...gpu },
        c: { ms: 100, ...gpu },
        wide: { ms: 10, cpus: 4 },
      },
      "1x4,gpus=1",
    );
    // Two share the GPU, the third one follows; the wide task comes before or after.
    expect(report.makespanMs).toBe(210);
    expect(report.lowerBound.perResourceMs).toEqual({ cpus: 85, gpus: 150 });
  });

  it("faster workers take less time", () => {
    expect(run({ a: { ms: 100 } }, "1x1,speed=4").makespanMs).toBe(25);
  });

  it("light tasks run one after the other beside the others", () => {
    const light = { ms: 2, cpus: 0 };
    const report = run({ a: { ms: 5 }, b: light, c: light, d: light }, "1x1");
    expect(report.makespanMs).toBe(6);
    expect(report.lowerBound.lightMs).toBe(6);
    expect(report.workers[0]).toMatchObject({ tasks: 1, lightTasks: 3 });
  });

  it("years take no more looks than hours", () => {
    const report = simulate({
      workload: workloadOf({ a: { ms: 1e12 }, b: { ms: 1, needs: ["a"] }, c: { ms: 2e10 } }),
      workers: readWorkers("2x1", "workers"),
      bytesPerMs: 1000,
      costs: NO_COSTS,
      afterEvent: ({ events }) => {
        if (events > 10_000) throw new Error("so many events");
      },
    });
    expect(report).toMatchObject({ completed: true, makespanMs: 1e12 + 1 });
  });

  it("where something happens again after a long time it is looked at as often as ever", () => {
    const turns: number[] = [];
    simulate({
      workload: workloadOf({ a: { ms: 1e9 }, b: { ms: 2000, needs: ["a"] } }),
      workers: readWorkers("1x1", "workers"),
      bytesPerMs: 1000,
      costs: NO_COSTS,
      afterEvent: ({ core, server }) => {
        if (server.turns > turns.length) turns.push(core.nowMs);
      },
    });
    const before = turns.filter((ms) => ms < 1e9);
    expect(before.length).toBeLessThan(2000);
    // Every 200 ms for 20 s, and then after 1 % of the time without anything.
    expect(before.slice(50, 60).map((ms, i) => ms - before[49 + i])).toEqual(Array(10).fill(200));
    expect(before[500] / before[499]).toBeCloseTo(1.01, 6);
    const after = turns.filter((ms) => ms > 1e9);
    expect(after.map((ms) => ms - 1e9)).toEqual([
      200, 400, 600, 800, 1000, 1200, 1400, 1600, 1800, 2000,
    ]);
  });

  it("no tasks take no time", () => {
    expect(run({}, "1x1")).toMatchObject({ completed: true, makespanMs: 0, ratio: 1 });
  });
});

describe("a large object that all need, on a slow network", () => {
  /** One task makes 1 GB, others of 100 ms need it. The network needs minutes for it, and nobody knows. */
  const tasks: Record<string, SmallTask> = { source: { ms: 100, bytes: 1e9 } };
  for (let i = 0; i < 200; i++) tasks[`user:${i}`] = { ms: 100, needs: ["source"] };
  const simulated = (information: "none" | "exact") =>
    runChecked({
      workload: workloadOf(tasks),
      workers: readWorkers("4x2", "workers"),
      bytesPerMs: 1000,
      costs: { ...NO_COSTS, latencyMs: 0.1 },
      information,
    }).report;

  it("takes no longer than on one worker: what waits for it elsewhere comes back", () => {
    const report = simulated("none");
    // 100 ms, and 200 x 100 ms on 2 cores.
    expect(report.makespanMs).toBeLessThan(10_300);
    // Each of the 12 once.
    expect(report.server.retractions).toBe(12);
  });

  it("and takes little longer if a plan was made for a fast one", () => {
    const report = simulated("exact");
    expect(report.makespanMs).toBeLessThan(13_000);
    expect(report.server.retractions).toBeLessThan(250);
  });
});

describe("large results that one task takes all of", () => {
  it.each([
    ["1GiB/s", 2 ** 30],
    ["100MiB/s", 100 * 2 ** 20],
  ])("are made where it takes no longer than on one worker, with %s", (_name, bytesPerS) => {
    const [one, eight] = ["1x4", "8x4"].map((workers) =>
      simulate({
        workload: generate("fork:200,bytes=1e8", 1),
        workers: readWorkers(workers, "workers"),
        bytesPerMs: bytesPerS / 1000,
      }),
    );
    expect(eight.makespanMs).toBeLessThan(1.02 * one.makespanMs);
  });
});

describe("faults by hand", () => {
  it("a worker that becomes slow takes longer for what is left", () => {
    const report = run({ a: { ms: 1000 } }, "1x1", {
      faults: ["slow:worker=0,at=400ms,factor=0.5"],
    });
    expect(report.makespanMs).toBe(1600);
  });

  it("what a dead worker executed is executed again elsewhere", () => {
    const report = run({ a: { ms: 1000 }, b: { ms: 1000 } }, "2x1", {
      faults: ["die:worker=1,at=300ms"],
    });
    expect(report.makespanMs).toBe(2000);
    expect(report.tasks).toMatchObject({ executed: 2, repeated: 0 });
    expect(report.coreTimeMs).toMatchObject({ total: 2300, useful: 2000, aborted: 300 });
    expect(report.workers[1].diedAtMs).toBe(300);
  });

  it("results that die with their worker are made again", () => {
    const report = run({ a: { ms: 100, bytes: 1e6 }, b: { ms: 1000, needs: ["a"] } }, "1x1", {
      faults: ["die:worker=0,at=600ms", "join:at=700ms,cpus=1"],
    });
    // From 700: a again, then b.
    expect(report.makespanMs).toBe(1800);
    expect(report.tasks).toMatchObject({ executed: 3, repeated: 1 });
    expect(report.coreTimeMs).toMatchObject({ repeated: 100, aborted: 500 });
  });

  it("what a worker had executed but not reported when it died does not count", () => {
    const light = { ms: 100, cpus: 0 };
    const report = run({ light, a: { ms: 50 } }, "1x1", {
      faults: ["die:worker=0,at=80ms", "join:at=90ms,cpus=1"],
    });
    // The task ended at 50, while the thread was busy with the light one until 100.
    expect(report).toMatchObject({ completed: true, tasks: { executed: 3, repeated: 1 } });
    expect(report.coreTimeMs).toMatchObject({ useful: 50, aborted: 50, repeated: 0 });
  });

  it.each([
    ["while it is sent", 0, 320],
    ["before the request for it has come", 10, 315],
  ])("an object whose holder dies %s is fetched from another one", (_when, latencyMs, atMs) => {
    // The first two workers have it; the one that joins fetches it for the third user.
    const user = { ms: 1000, needs: ["a"] };
    const tasks = { a: { ms: 100, bytes: 50_000 }, b: user, c: user, d: user };
    const reports = [0, 1].map((worker) =>
      run(tasks, "2x1", {
        bytesPerMs: 1000,
        latencyMs,
        faults: ["join:at=300ms,cpus=1", `die:worker=${worker},at=${atMs}ms`],
      }),
    );
    // It was asked for at one of the two.
    for (const report of reports) expect(report.completed).toBe(true);
    expect(reports.map((report) => report.transfers.failed).sort()).toEqual([0, 1]);
  });

  it("dead workers are replaced when faults are random", () => {
    const { report } = runChecked({
      workload: generate("chain:20,ms=5s", 1),
      workers: readWorkers("1x1", "workers"),
      bytesPerMs: 1000,
      faultRate: { seed: 3, perWorkerHour: 120 },
    });
    const died = report.workers.filter(({ diedAtMs }) => diedAtMs !== undefined);
    expect(died.length).toBeGreaterThan(1);
    expect(report).toMatchObject({ completed: true });
    for (const { worker, diedAtMs } of died) {
      expect(report.workers[worker + 1].joinedAtMs).toBeCloseTo(diedAtMs! + 10_000, 6);
    }
  });

  it("a worker that joins takes part", () => {
    const report = run({ a: { ms: 100 }, b: { ms: 100 }, c: { ms: 100 } }, "1x1", {
      faults: ["join:at=50ms,cpus=2"],
    });
    expect(report.makespanMs).toBe(150);
  });

  it("when all workers are dead, that is said", () => {
    const report = run({ a: { ms: 1000 } }, "1x1", { faults: ["die:worker=0,at=10ms"] });
    expect(report.completed).toBe(false);
    expect(report.reason).toMatch(/nothing happens any more: 0 workers wait/);
  });

  it("what nobody can execute is said", () => {
    const report = run({ a: { ms: 1000, cpus: 2 } }, "1x1");
    expect(report).toMatchObject({ completed: false });
    expect(report.reason).toMatch(/nothing happens any more: 1 workers wait/);
  });

  it("a time limit ends the simulation", () => {
    const report = run({ a: { ms: 1000 } }, "1x1", { untilMs: 250 });
    expect(report).toMatchObject({ completed: false, makespanMs: 250 });
    expect(report.reason).toMatch(/the time to simulate \(0.25 s\) is over/);
    expect(report.coreTimeMs.unfinished).toBe(250);
  });
});
