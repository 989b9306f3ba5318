/** Small traces for tests of analyses: random ones with whole milliseconds, and scenes that are told task by task. */
import fc from "fast-check";
import type { ViewData } from "../../../src/report/page/view-data.js";
import { viewDataOf } from "../../../src/report/view-data-of.js";
import { ExecutionEnd, TracedState } from "../../../src/trace/index.js";
import { type SyntheticOptions, syntheticTrace } from "../synthetic-trace.js";

/** With whole milliseconds, so that models can look at one after the other. */
export function traced(options: SyntheticOptions = {}): ViewData {
  return viewDataOf(syntheticTrace({ tasks: 60, gridMs: 1, durationMs: 8, ...options }), "test");
}

export const anyTrace = fc
  .record({
    seed: fc.nat(1_000_000),
    tasks: fc.integer({ min: 1, max: 60 }),
    workers: fc.integer({ min: 1, max: 3 }),
    cpus: fc.integer({ min: 1, max: 3 }),
    failing: fc.constantFrom(0, 0.1),
    lost: fc.constantFrom(0, 0.1),
  })
  .map(traced);
export const anyMask = (data: ViewData, seed: number): Uint8Array | undefined =>
  seed % 3 === 0
    ? undefined
    : Uint8Array.from({ length: data.tasks.count }, (_, i) => ((i * 7 + seed) % 5 < 3 ? 1 : 0));
export const isIn = (mask: Uint8Array | undefined, task: number): boolean => mask?.[task] !== 0;
export const numbers = (count: number): number[] => Array.from({ length: count }, (_, i) => i);

/** Everything that ran: [task, worker, start, end, cores]. */
export function executions(data: ViewData): [number, number, number, number, number][] {
  const { tasks, executions: lost } = data;
  const ran = numbers(tasks.count)
    .filter((t) => !Number.isNaN(tasks.startedMs[t]))
    .map((t): [number, number, number, number, number] => [
      ...([t, tasks.worker[t], tasks.startedMs[t]] as const),
      Number.isNaN(tasks.finishedMs[t]) ? data.durationMs : tasks.finishedMs[t],
      tasks.cores[t],
    ]);
  const inVain = numbers(lost.count)
    .filter((i) => lost.end[i] === ExecutionEnd.workerLost)
    .map((i): [number, number, number, number, number] => [
      ...([lost.task[i], lost.worker[i], lost.startedMs[i], lost.endedMs[i]] as const),
      tasks.cores[lost.task[i]],
    ]);
  return [...ran, ...inVain];
}

export interface SceneTask {
  ready?: number;
  assigned?: number;
  started: number;
  finished: number;
  known?: number;
  core?: number;
  inputs?: number[];
  /** When its first input comes to its worker, from another one. */
  arrives?: number;
  /** When that began; default: 1 ms before. */
  fetched?: number;
}

/** One worker with what is told, and nothing else; all tasks are submitted at 0. */
export function scene(list: SceneTask[], cpus = 1): ViewData {
  const data = traced({
    tasks: list.length,
    workers: 1,
    cpus,
    inputs: 1,
    failing: 0,
    lost: 0,
    wide: 0,
  });
  const { tasks } = data;
  const inputs: number[] = [];
  const arrivals: [task: number, endMs: number, startMs: number][] = [];
  list.forEach((task, t) => {
    tasks.submittedMs[t] = 0;
    tasks.readyMs[t] = task.ready ?? 0;
    tasks.assignedMs[t] = task.assigned ?? 0;
    tasks.startedMs[t] = task.started;
    tasks.finishedMs[t] = task.finished;
    tasks.knownMs[t] = task.known ?? task.finished;
    tasks.core[t] = task.core ?? 0;
    tasks.cores[t] = 1;
    tasks.state[t] = TracedState.finished;
    tasks.worker[t] = 0;
    inputs.push(...(task.inputs ?? []));
    tasks.inputStart[t + 1] = inputs.length;
    const { arrives, fetched } = task;
    if (arrives !== undefined) {
      arrivals.push([task.inputs?.[0] ?? 0, arrives, fetched ?? arrives - 1]);
    }
  });
  return {
    ...data,
    durationMs: Math.max(...list.map(({ finished }) => finished)),
    tasks: { ...tasks, inputs: Uint32Array.from(inputs) },
    executions: { ...data.executions, count: 0 },
    transfers: {
      count: arrivals.length,
      task: Uint32Array.from(arrivals, ([task]) => task),
      from: Int16Array.from(arrivals, () => -1),
      to: Int16Array.from(arrivals, () => 0),
      startMs: Float64Array.from(arrivals, ([, , ms]) => ms),
      endMs: Float64Array.from(arrivals, ([, ms]) => ms),
      sizeBytes: Float64Array.from(arrivals, () => 1),
      came: new Uint8Array(arrivals.length).fill(1),
    },
  };
}
