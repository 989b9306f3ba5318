/**
 * Random requests on random workers against a model that only adds up: nobody holds more than there
 * is, no whole index twice, the best task that fits starts, and nothing starves.
 */
import fc from "fast-check";
import { expect, it } from "vitest";
import type { WorkerResource } from "../../src/graph/index.js";
import { TaskState, type WorkerTask } from "../../src/worker-core/index.js";
import { aTask, CoreHarness, indexed, type TaskBuilder } from "./core-harness.js";

interface RandomRequest {
  cpus: number;
  gpus: number;
  particular: number[];
  mem: number;
}

const CPUS = 4;

function resourcesOf(gpus: number): WorkerResource[] {
  return [{ name: "mem", amount: 10, indices: [] }, ...(gpus === 0 ? [] : [indexed("gpus", gpus)])];
}

function taskOf(row: number, request: RandomRequest, gpus: number): TaskBuilder {
  const task = aTask(row).cpus(request.cpus);
  const particular = [...new Set(request.particular)].filter((index) => index < gpus);
  if (particular.length > 0) task.takes("gpus", particular.map(String));
  else if (request.gpus > 0 && request.gpus <= gpus) task.takes("gpus", request.gpus);
  if (request.mem > 0) task.takes("mem", request.mem);
  if (task.cpuCount === 0 && task.amounts.length === 0) task.cpus(1);
  return task;
}

/** What is free, from what running tasks hold. Throws if somebody holds too much. */
function freeOf(core: CoreHarness, running: readonly WorkerTask[], gpus: number) {
  const cores = new Set<number>();
  const units = new Array<number>(gpus).fill(10_000);
  let mem = 100_000;
  for (const held of new Set(running.map((task) => task.held!))) {
    for (const one of held.cores) {
      expect(cores.has(one)).toBe(false);
      cores.add(one);
    }
    for (const { pool, positions, fraction, units: taken } of held.amounts) {
      if (pool.name === "mem") mem -= taken;
      else {
        positions.forEach((at, i) => {
          const part = fraction > 0 && i === positions.length - 1;
          units[at] -= part ? fraction : 10_000;
        });
      }
    }
  }
  expect(mem).toBeGreaterThanOrEqual(0);
  for (const left of units) expect(left).toBeGreaterThanOrEqual(0);
  expect(core.core.slots.free).toBe(CPUS - cores.size);
  return { cores: CPUS - cores.size, units, mem };
}

/** Whether the task could start. */
function fits(task: WorkerTask, free: ReturnType<typeof freeOf>): boolean {
  const { request } = task;
  if (request!.cpus > free.cores) return false;
  for (const { pool, units, particular, wholes, fraction } of request!.asks) {
    if (pool.name === "mem") {
      if (units > free.mem) return false;
      continue;
    }
    const left = [...free.units];
    for (const at of particular) {
      if (left[at] < 10_000) return false;
      left[at] = 0;
    }
    for (let i = 0; i < wholes; i++) {
      const at = left.indexOf(10_000);
      if (at < 0) return false;
      left[at] = 0;
    }
    if (fraction > 0 && Math.max(...left) < fraction) return false;
  }
  return true;
}

const request = fc.record<RandomRequest>({
  cpus: fc.nat(CPUS),
  gpus: fc.constantFrom(0, 0, 0.25, 0.5, 0.75, 1, 1.5, 2, 3),
  particular: fc.oneof({ weight: 4, arbitrary: fc.constant<number[]>([]) }, fc.array(fc.nat(3))),
  mem: fc.constantFrom(0, 0, 0.1, 2.5, 4, 10),
});

const steps = fc.array(
  fc.record({ op: fc.nat(9), request, a: fc.nat(100), priority: fc.integer({ min: -2, max: 2 }) }),
  { minLength: 10, maxLength: 80 },
);

it("nobody holds too much, and the best that fits starts", () => {
  fc.assert(
    fc.property(fc.nat(4), steps, (gpus, sequence) => {
      const core = new CoreHarness(CPUS, true, resourcesOf(gpus));
      const running: WorkerTask[] = [];
      let row = 0;
      for (const step of sequence) {
        if (step.op < 4) core.assign(taskOf(row++, step.request, gpus).priority(step.priority));
        else if (step.op < 6) core.cancel(step.a % (row + 1));
        else if (step.op === 6 && running.length > 0) {
          const leader = running[step.a % running.length];
          const held = leader.held;
          const task = core.startSharing(leader);
          if (task !== undefined) {
            expect(task.held).toBe(held);
            running.push(task);
          }
        } else if (running.length > 0) {
          core.finish(running.splice(step.a % running.length, 1)[0]);
        }
        for (let task = core.start(); task !== undefined; task = core.start()) running.push(task);
        const free = freeOf(core, running, gpus);
        const ready = [...core.core.objects.rows.values()]
          .flatMap(({ task }) => (task?.state === TaskState.ready ? [task] : []))
          .filter((task) => task.passedOver === 0);
        // As long as nobody was passed over too often, everything that fits runs.
        for (const task of ready) expect(fits(task, free)).toBe(false);
      }
      for (let task = running.pop(); task !== undefined; task = running.pop()) {
        core.finish(task);
        for (let next = core.start(); next !== undefined; next = core.start()) running.push(next);
      }
      for (const { task } of core.core.objects.rows.values()) expect(task).toBe(undefined);
    }),
    { numRuns: 300 },
  );
});

it("a large task starts though small ones never end", () => {
  fc.assert(
    fc.property(request, fc.array(request, { minLength: 1, maxLength: 6 }), (large, small) => {
      const gpus = 3;
      const core = new CoreHarness(CPUS, false, resourcesOf(gpus));
      const running: WorkerTask[] = [];
      let row = 1;
      let largeStarted = false;
      const startAll = () => {
        for (let task = core.start(); task !== undefined; task = core.start()) {
          if (task.row === 0) largeStarted = true;
          else running.push(task);
        }
      };
      core.assign(taskOf(row++, small[0], gpus));
      startAll();
      core.assign(taskOf(0, large, gpus));
      startAll();
      let steps = 0;
      while (!largeStarted) {
        // The oldest ends, so each goes on for as long as those started before it.
        core.assign(taskOf(row, small[row % small.length], gpus));
        row++;
        startAll();
        const oldest = running.shift();
        if (oldest !== undefined) core.finish(oldest);
        startAll();
        steps++;
        if (steps > 65 * 60) throw new Error("it starves");
      }
    }),
    { numRuns: 150 },
  );
});
