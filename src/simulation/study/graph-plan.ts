/**
 * A graph of the study as a plan for the server core: what the client would submit. One output is
 * the task's result itself; of several, each used one is an element of the result, taken by a light
 * task. Called by core-scheduler.ts.
 */
import type { TaskGraph } from "../graph-file.js";
import { CALL, CPUS, GET, type PlanColumns, PlanTaskFlag } from "../wire-numbers.js";

/**
 * What the scheduler is told of durations and sizes: the true ones, the file's estimates, or of all
 * tasks the graph's means.
 */
export type StudyInformation = "exact" | "user" | "mean";

export interface GraphPlan {
  readonly columns: PlanColumns;
  /** By id in the plan: the task; -1: the plan's task takes an element. */
  readonly taskOf: Int32Array;
  /** By id: the object that it is or takes; -1: none, or several. */
  readonly objectOf: Int32Array;
  /** Ids by task. */
  readonly idOfTask: Int32Array;
  /** Ids by object; -1: an output among several that nobody uses. */
  readonly idOfObject: Int32Array;
}

export function graphPlan(graph: TaskGraph, information: StudyInformation): GraphPlan {
  const { taskCount, order, outputStart, objectCount, userStart, inputStart, inputs, cpus } = graph;
  const taskOf: number[] = [];
  const objectOf: number[] = [];
  const idOfTask = new Int32Array(taskCount);
  const idOfObject = new Int32Array(objectCount).fill(-1);
  for (const task of order) {
    const first = outputStart[task];
    const count = outputStart[task + 1] - first;
    idOfTask[task] = taskOf.push(task) - 1;
    objectOf.push(count === 1 ? first : -1);
    if (count === 1) idOfObject[first] = idOfTask[task];
    for (let object = first; count > 1 && object < first + count; object++) {
      if (userStart[object] === userStart[object + 1]) continue;
      idOfObject[object] = taskOf.push(-1) - 1;
      objectOf.push(object);
    }
  }
  const count = taskOf.length;
  const starts = new Uint32Array(count + 1);
  const inputIds: number[] = [];
  const flags = new Uint8Array(count);
  for (let id = 0; id < count; id++) {
    const task = taskOf[id];
    if (task < 0) inputIds.push(idOfTask[graph.objectProducer[objectOf[id]]]);
    else {
      for (let k = inputStart[task]; k < inputStart[task + 1]; k++) {
        inputIds.push(idOfObject[inputs[k]]);
      }
      const used = userStart[outputStart[task]] < userStart[outputStart[task + 1]];
      if (!used) flags[id] = PlanTaskFlag.result;
    }
    starts[id + 1] = inputIds.length;
  }
  const amounts = [...new Set(cpus)];
  const none = new Uint32Array(count);
  const columns: PlanColumns = {
    idBase: 0,
    taskCount: count,
    loadCheckpoints: false,
    bytes: new Uint8Array(0),
    taskType: Int32Array.from(taskOf, (task) => (task < 0 ? GET : CALL)),
    flags,
    request: Int32Array.from(taskOf, (task) => (task < 0 ? -1 : amounts.indexOf(cpus[task]))),
    configStart: none,
    configLength: none,
    messageStart: none,
    messageLength: none,
    inputStart: starts,
    inputIds: Int32Array.from(inputIds),
    requests: amounts.map((value) => ({
      resources: [{ symbol: CPUS, name: undefined, value, indices: [] }],
      alternatives: [],
    })),
    // No worker comes later in the study.
    whenUnsatisfiable: 2,
    labelStart: undefined,
    labelLength: undefined,
    priority: undefined,
    ...estimates(graph, information, taskOf, objectOf),
  };
  return {
    columns,
    taskOf: Int32Array.from(taskOf),
    objectOf: Int32Array.from(objectOf),
    idOfTask,
    idOfObject,
  };
}

function estimates(
  graph: TaskGraph,
  information: StudyInformation,
  taskOf: readonly number[],
  objectOf: readonly number[],
): { expectedMs: Float32Array; expectedBytes: Float64Array } {
  const { durationS, expectedS, objectBytes, expectedBytes, outputStart } = graph;
  const known = information === "user" ? expectedS : durationS;
  const sizes = information === "user" ? expectedBytes : objectBytes;
  const isMean = information === "mean";
  const seconds = isMean ? new Float64Array(known.length).fill(meanOf(known)) : known;
  const bytes = isMean ? new Float64Array(sizes.length).fill(meanOf(sizes)) : sizes;
  return {
    expectedMs: Float32Array.from(taskOf, (task) => (task < 0 ? 0 : seconds[task] * 1000)),
    expectedBytes: Float64Array.from(taskOf, (task, id) => {
      if (task < 0) return bytes[objectOf[id]];
      let sum = 0;
      for (let k = outputStart[task]; k < outputStart[task + 1]; k++) sum += bytes[k];
      return sum;
    }),
  };
}

function meanOf(values: Float64Array): number {
  return values.length === 0 ? 0 : values.reduce((sum, value) => sum + value, 0) / values.length;
}
