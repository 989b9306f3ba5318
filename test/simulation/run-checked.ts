/** Simulations in which everything is checked while they run. */
import { expect } from "vitest";
import {
  NO_COSTS,
  type Simulation,
  type SimulationOptions,
  type SimulationReport,
  simulate,
  type TaskRequest,
  type Workload,
  WorkloadBuilder,
} from "../../src/simulation/index.js";

/** One task of a small workload: duration, bytes, names of inputs, what it asks for. */
export interface SmallTask {
  readonly ms: number;
  readonly bytes?: number;
  readonly needs?: readonly string[];
  readonly cpus?: number;
  readonly amounts?: TaskRequest["amounts"];
}

/** A workload from a table of tasks; inputs come before their users. */
export function workloadOf(tasks: Readonly<Record<string, SmallTask>>): Workload {
  const builder = new WorkloadBuilder("small");
  const numbers = new Map<string, number>();
  for (const [name, { ms, bytes, needs, cpus, amounts }] of Object.entries(tasks)) {
    const kind = builder.kind(name, { cpus: cpus ?? 1, amounts: amounts ?? [] });
    numbers.set(name, builder.task(kind, ms, bytes ?? 0));
    for (const input of needs ?? []) builder.input(numbers.get(input)!);
  }
  return builder.finish();
}

/** Checks what must be true at every moment. */
export function checkMoment({ core, workers }: Simulation): void {
  let free = 0;
  let cores = 0;
  for (const worker of workers) {
    if (!worker.alive) continue;
    const held = new Map<string, number>();
    for (const run of worker.running.values()) {
      const { cpus, amounts } = core.workload.kinds[core.workload.kind[run.number]].request;
      for (const { name, amount } of [{ name: "cpus", amount: cpus }, ...amounts]) {
        held.set(name, (held.get(name) ?? 0) + amount);
      }
    }
    for (const [name, amount] of held) {
      const { spec } = worker;
      const there =
        name === "cpus"
          ? spec.cpus
          : (spec.resources.find((resource) => resource.name === name)?.amount ?? 0);
      expect(amount, `${name} held at worker ${worker.index}`).toBeLessThanOrEqual(there + 1e-9);
    }
    expect(worker.use.memoryBytes).toBeGreaterThanOrEqual(0);
    free += worker.use.freeCpus;
    cores += worker.spec.cpus;
  }
  expect([core.time.freeCores, core.time.cores]).toEqual([free, cores]);
  expect(core.time.readyCores).toBeGreaterThanOrEqual(0);
  expect(core.time.transferCores).toBeGreaterThanOrEqual(0);
  expect(core.time.transferCores).toBeLessThanOrEqual(free);
}

/** Checks both cores' own invariants: slow. */
export function checkCores({ server, workers }: Simulation): void {
  server.core.checkInvariants();
  for (const worker of workers) if (worker.alive) worker.core.checkInvariants();
}

/** Simulates, checks every moment and all sums. Costs are zero unless they are given. */
export function runChecked(
  options: SimulationOptions,
  everyEvents = 50,
): { report: SimulationReport; simulation: Simulation } {
  let simulation: Simulation | undefined;
  const report = simulate({
    costs: NO_COSTS,
    ...options,
    afterEvent: (running) => {
      checkMoment(running);
      if (running.events % everyEvents === 0) checkCores(running);
    },
    afterRun: (ended) => {
      simulation = ended;
      checkCores(ended);
    },
  });
  const { total, ...parts } = report.coreTimeMs;
  const sum = Object.values(parts).reduce((all, part) => all + part, 0);
  expect(sum).toBeCloseTo(total, 3);
  return { report, simulation: simulation! };
}
