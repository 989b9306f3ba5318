/** Random problems for property tests. No two durations or sizes are equal: no ties to be broken. */
import fc from "fast-check";
import { aProblem, type ProblemSpec, type TaskSpec } from "./problem-builder.js";

interface Shape {
  workers: number[];
  tasks: { size: number; length: number; cpus: number; inputs: number[]; state: number }[];
  existing: { bytes: number; holders: number[] }[];
  speedUp: boolean;
  bytesPerMs: number;
  latencyMs: number;
  maxDownloads: number;
  maxDownloadsPerSource: number;
}

const shapes: fc.Arbitrary<Shape> = fc.record({
  workers: fc.array(fc.integer({ min: 1, max: 4 }), { minLength: 1, maxLength: 5 }),
  tasks: fc.array(
    fc.record({
      size: fc.nat(2000),
      length: fc.nat(2000),
      cpus: fc.nat(3),
      inputs: fc.array(fc.nat(1000), { maxLength: 4 }),
      state: fc.nat(11),
    }),
    { maxLength: 24 },
  ),
  existing: fc.array(
    fc.record({ bytes: fc.nat(2000), holders: fc.array(fc.nat(4), { maxLength: 3 }) }),
    { maxLength: 4 },
  ),
  speedUp: fc.boolean(),
  bytesPerMs: fc.constantFrom(10, 1000, 100_000, Number.POSITIVE_INFINITY),
  latencyMs: fc.constantFrom(0, 0, 3.7),
  maxDownloads: fc.integer({ min: 1, max: 4 }),
  maxDownloadsPerSource: fc.integer({ min: 1, max: 3 }),
});

/** With running tasks, several or no holders, tasks without cores, tasks that use one object twice. */
export const problemSpecs: fc.Arbitrary<ProblemSpec> = shapes.map(toSpec);

export const problems = problemSpecs.map(aProblem);

function toSpec(shape: Shape): ProblemSpec {
  const { workers, bytesPerMs } = shape;
  // What takes nothing but the latency would arrive in one instant with others.
  const latencyMs = Number.isFinite(bytesPerMs) ? shape.latencyMs : 0;
  const leastBytes = latencyMs > 0 ? 1 : 0;
  const existing = shape.existing.map(({ bytes, holders }, i) => ({
    name: `object ${i}`,
    bytes: Math.max(leastBytes, bytes * 1000 + i * Math.PI * 7),
    holders: [...new Set(holders.map((h) => h % workers.length))],
  }));
  const names = existing.map(({ name }) => name);
  const mostCpus = Math.max(...workers);
  const busy = workers.slice();
  const tasks = shape.tasks.map((task, i): TaskSpec => {
    const name = `task ${i}`;
    const cpus = Math.min(task.cpus, mostCpus);
    const able = [...workers.keys()].filter((w) => workers[w] >= cpus);
    const at = task.state % workers.length;
    const runs = task.state >= 10 && busy[at] >= cpus;
    if (runs) busy[at] -= cpus;
    const needs = runs ? [] : task.inputs.map((input) => names[input % names.length]);
    names.push(name);
    return {
      name,
      cpus,
      ms: task.length + (i + 1) * Math.SQRT2,
      bytes: task.size === 0 && leastBytes === 0 ? 0 : task.size * 1000 + (i + 1) * Math.E,
      needs: needs.filter((need) => need !== undefined),
      userPriority: task.state === 5 ? 1 : 0,
      runningAt: runs ? at : undefined,
      only: task.state === 7 ? able.slice(task.length % able.length) : undefined,
    };
  });
  return {
    ...shape,
    latencyMs,
    existing,
    tasks,
    speed: shape.speedUp ? workers.map((_, w) => 1 + w / 3) : undefined,
  };
}
