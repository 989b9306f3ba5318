/** The production scheduler in the study's model: it runs whole graphs, within the model's rules. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { loadGraphs } from "../../../bench/schedules/load-data.js";
import {
  CoreScheduler,
  readGraphFile,
  type StudyCluster,
  type StudyInformation,
  type StudyReport,
  simulateStudy,
  type TaskGraph,
} from "../../../src/simulation/index.js";

const graphs = loadGraphs();

/** Every task ran once, after its inputs, and no worker held more cores than it has. */
function expectValid(graph: TaskGraph, { cores }: StudyCluster, report: StudyReport): void {
  const { startS, endS, worker } = report;
  const changes: { at: number; worker: number; cpus: number }[] = [];
  for (let task = 0; task < graph.taskCount; task++) {
    expect(endS[task] - startS[task]).toBeCloseTo(graph.durationS[task], 6);
    for (let k = graph.inputStart[task]; k < graph.inputStart[task + 1]; k++) {
      expect(endS[graph.objectProducer[graph.inputs[k]]]).toBeLessThanOrEqual(startS[task]);
    }
    if (startS[task] === endS[task]) continue;
    changes.push({ at: startS[task], worker: worker[task], cpus: graph.cpus[task] });
    changes.push({ at: endS[task], worker: worker[task], cpus: -graph.cpus[task] });
  }
  const held = new Map<number, number>();
  for (const change of changes.sort((a, b) => a.at - b.at || a.cpus - b.cpus)) {
    const now = (held.get(change.worker) ?? 0) + change.cpus;
    held.set(change.worker, now);
    expect(now).toBeLessThanOrEqual(cores);
  }
}

function schedule(
  graph: TaskGraph,
  cluster: StudyCluster,
  information: StudyInformation = "exact",
) {
  return simulateStudy(graph, cluster, new CoreScheduler(graph, cluster, { information }));
}

describe("the production scheduler", () => {
  // Several outputs per task, of no size some of them; a long chain; tasks with several cores.
  it.each(["montage", "sipht", "fern", "rg-23"])("runs %s, the same each time", (name) => {
    const graph = graphs.get(name)!;
    const cluster = { workerCount: 8, cores: 4, bandwidthMiB: 512 };
    for (const information of ["exact", "user", "mean"] as const) {
      const report = schedule(graph, cluster, information);
      expectValid(graph, cluster, report);
      expect(schedule(graph, cluster, information)).toEqual(report);
    }
  });

  it("runs any graph", () => {
    const task = fc.record({
      duration: fc.oneof(fc.constant(0), fc.double({ min: 0, max: 10, noNaN: true })),
      cpus: fc.integer({ min: 1, max: 3 }),
      outputs: fc.array(fc.integer({ min: 0, max: 2 ** 26 }), { maxLength: 3 }),
      wishes: fc.array(fc.nat(), { maxLength: 4 }),
    });
    const run = fc.record({
      tasks: fc.array(task, { minLength: 1, maxLength: 30 }),
      workerCount: fc.integer({ min: 1, max: 4 }),
      bandwidthMiB: fc.constantFrom(1, 100),
    });
    fc.assert(
      fc.property(run, ({ tasks, workerCount, bandwidthMiB }) => {
        const made: [number, number][] = [];
        const file = tasks.map(({ wishes, ...fields }, id) => {
          const inputs = made.length === 0 ? [] : wishes.map((wish) => made[wish % made.length]);
          fields.outputs.forEach((_size, output) => {
            made.push([id, output]);
          });
          return { id, ...fields, inputs };
        });
        const graph = readGraphFile({ tasks: file }, "any");
        const cluster = { workerCount, cores: 3, bandwidthMiB };
        expectValid(graph, cluster, schedule(graph, cluster));
      }),
      { numRuns: 100 },
    );
  });

  it("counts what it does, and its time by the clock that it is given", () => {
    const graph = graphs.get("sipht")!;
    const cluster = { workerCount: 8, cores: 4, bandwidthMiB: 512 };
    let nowMs = 0;
    const scheduler = new CoreScheduler(graph, cluster, { clock: () => nowMs++ });
    const { decisions } = simulateStudy(graph, cluster, scheduler);
    expect(scheduler.assignments).toBeGreaterThanOrEqual(graph.taskCount);
    // Once to submit, once for each decision.
    expect(scheduler.realMs).toBe(1 + decisions);
  });

  it("refuses a graph with a task that is too large for every worker", () => {
    const cluster = { workerCount: 2, cores: 2, bandwidthMiB: 1 };
    const large = { id: "large", duration: 1, cpus: 3, inputs: [], outputs: [] };
    const graph = readGraphFile({ name: "g", tasks: [large] }, "g");
    expect(() => schedule(graph, cluster)).toThrow(/3 cpus|3 cores/);
  });
});
