/** Random clusters, plans and events: what can finish does, nobody gets too much, nothing is forgotten. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { RandomRun, scenarioArbitrary } from "./random-scheduling.js";
import { schedulerOf } from "./scheduling.js";

const RUNS = Number(process.env.LOOM_TEST_RUNS ?? 500);

/**
 * Tasks take 50 ms, so a worker is sent twice what it has of everything, as many cores' worth again ahead of their
 * inputs, and one of each large variant beyond: except what a plan wants.
 */
function checkDepth(run: RandomRun): void {
  const { cluster } = run;
  const { core } = cluster;
  for (const [worker, { tasks }] of cluster.workers) {
    const { resources } = core.workers.get(worker)!;
    const totals = new Map(resources.resources.map(({ name, amount }) => [name, amount]));
    totals.set("cpus", resources.cpus);
    const asked = new Map<string, number>();
    const beyond = new Map<number, readonly (readonly [string, number])[]>();
    for (const row of tasks.keys()) {
      const request = core.requestOf(row);
      if (request === undefined) continue;
      const amounts = request.amounts.map(({ name, amount }) => [name, amount] as const);
      if (request.cpus > 0) amounts.push(["cpus", request.cpus]);
      for (const [name, amount] of amounts) asked.set(name, (asked.get(name) ?? 0) + amount);
      if (request.cpus !== 1 || request.amounts.length > 0) beyond.set(request.id, amounts);
    }
    for (const [name, amount] of asked) {
      let allowed = (name === "cpus" ? 3 : 2) * totals.get(name)! + 1e-6;
      for (const amounts of beyond.values()) {
        for (const [other, more] of amounts) if (other === name) allowed += more;
      }
      expect(amount, `${name} at worker ${worker}`).toBeLessThanOrEqual(allowed);
    }
  }
}

describe("random clusters, plans and events", () => {
  test("all that can be done is done, and nothing that could start is forgotten", () => {
    fc.assert(
      fc.property(scenarioArbitrary, (scenario) => {
        const run = new RandomRun(scenario);
        const { cluster } = run;
        const scheduler = schedulerOf(cluster);
        let wasPlanned = scenario.isPlanned;
        const check = (event: string) => {
          wasPlanned ||= scheduler.guide.holdsBack;
          if (!wasPlanned) checkDepth(run);
          if (event !== "schedule" || scheduler.guide.holdsBack) return;
          expect(run.forgotten()).toEqual([]);
        };
        run.run(check);
        run.drain(check);
        const able = new Set<number>();
        run.plan.forEach((task, id) => {
          if (run.failed.has(id) || !run.isAble(id)) return;
          if (task.inputs.every((input) => able.has(input))) able.add(id);
        });
        run.plan.forEach((task, id) => {
          if (!task.result || run.released.has(id)) return;
          const told = cluster.finished.has(`0/${id}`);
          if (able.has(id)) expect(told, `result ${id}`).toBe(true);
        });
        expect(schedulerOf(cluster).alive.map((load) => load.cpusAssigned)).toEqual(
          schedulerOf(cluster).alive.map(() => 0),
        );
        for (const load of scheduler.alive) {
          expect([load.heavyAssigned, load.cpusRetracting, load.work.sumMs(cluster.nowMs)]).toEqual(
            [0, 0, 0],
          );
          expect(load.memory.hasRoomFor(0) || load.memory.freeBytes === 0).toBe(true);
        }
      }),
      { numRuns: RUNS },
    );
  });

  test("the same events have the same effects", () => {
    fc.assert(
      fc.property(scenarioArbitrary, (scenario) => {
        const effects = [0, 1].map(() => {
          const run = new RandomRun(scenario);
          run.cluster.checked = false;
          run.cluster.record = [];
          run.run(() => {});
          run.drain(() => {});
          return run.cluster.record;
        });
        expect(effects[1]).toEqual(effects[0]);
        expect(effects[0].length).toBeGreaterThanOrEqual(0);
      }),
      { numRuns: Math.ceil(RUNS / 4) },
    );
  });
});
