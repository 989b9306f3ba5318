/**
 * A task graph from a file as a workload. A task with several outputs makes one object of all, and
 * for each output that is used a light task takes it out. Called by the command line.
 */
import type { TaskGraph } from "./graph-file.js";
import { ELEMENT } from "./plan-columns.js";
import { LIGHT, type Workload, WorkloadBuilder } from "./workload.js";

export function graphWorkload(graph: TaskGraph): Workload {
  const { taskCount, order, outputStart, objectBytes, cpus, durationS, userStart } = graph;
  const { inputStart, inputs } = graph;
  const builder = new WorkloadBuilder(graph.name);
  const kinds = new Map<number, number>();
  const element = builder.kind(ELEMENT, LIGHT);
  /** By object: the task that has it as its result. */
  const maker = new Uint32Array(graph.objectCount);
  const expectedMs: number[] = [];
  const expectedBytes: number[] = [];
  for (let i = 0; i < taskCount; i++) {
    const task = order[i];
    let kind = kinds.get(cpus[task]);
    if (kind === undefined) {
      kind = builder.kind(`cpus-${cpus[task]}`, { cpus: cpus[task], amounts: [] });
      kinds.set(cpus[task], kind);
    }
    const first = outputStart[task];
    const end = outputStart[task + 1];
    const made = builder.task(kind, durationS[task] * 1000, sum(objectBytes, first, end));
    for (let k = inputStart[task]; k < inputStart[task + 1]; k++) builder.input(maker[inputs[k]]);
    expectedMs[made] = graph.expectedS[task] * 1000;
    expectedBytes[made] = sum(graph.expectedBytes, first, end);
    if (end - first === 1) {
      maker[first] = made;
      continue;
    }
    for (let object = first; object < end; object++) {
      if (userStart[object] === userStart[object + 1]) continue;
      maker[object] = builder.task(element, 0, objectBytes[object], made);
      expectedMs[maker[object]] = 0;
      expectedBytes[maker[object]] = graph.expectedBytes[object];
    }
  }
  return {
    ...builder.finish(),
    expectedMs: Float32Array.from(expectedMs),
    expectedBytes: Float64Array.from(expectedBytes),
  };
}

function sum(values: Float64Array, start: number, end: number): number {
  let total = 0;
  for (let i = start; i < end; i++) total += values[i];
  return total;
}
