/** A whole graph, nothing of it done yet, as a problem for the lookahead; and its plan by the graph's tasks. */
import { Lookahead, type LookaheadProblem } from "../../src/scheduler/lookahead/index.js";
import type {
  FixedAssignment,
  StudyCluster,
  StudyInformation,
  TaskGraph,
} from "../../src/simulation/index.js";

const BYTES_PER_MS = (1024 * 1024) / 1000;
const SEED = 1;
/** Events simulated per call; in between the time is looked at. */
const EVENTS_PER_CALL = 1_000_000;

/**
 * Lets the lookahead search until it has nothing left to try, or the budget is used up.
 * @param budget simulated events
 */
export function planAhead(
  graph: TaskGraph,
  cluster: StudyCluster,
  information: StudyInformation,
  budget: number,
): FixedAssignment {
  const lookahead = new Lookahead(lookaheadProblem(graph, cluster, information), SEED);
  let left = budget;
  let done = false;
  while (!done && left > 0) {
    done = lookahead.improve(Math.min(left, EVENTS_PER_CALL));
    left -= EVENTS_PER_CALL;
  }
  const { worker, priority } = lookahead.best;
  const plan = {
    worker: new Int32Array(graph.taskCount),
    priority: new Float64Array(graph.taskCount),
  };
  graph.order.forEach((task, number) => {
    plan.worker[task] = worker[number];
    plan.priority[task] = priority[number];
  });
  return plan;
}

/** Task `i` of the problem is `graph.order[i]`; objects keep their numbers. */
export function lookaheadProblem(
  graph: TaskGraph,
  cluster: StudyCluster,
  information: StudyInformation,
): LookaheadProblem {
  const { taskCount, order, objectCount } = graph;
  const numberOf = new Uint32Array(taskCount);
  order.forEach((task, number) => {
    numberOf[task] = number;
  });
  const { seconds, bytes } = known(graph, information);
  const inputStart = new Uint32Array(taskCount + 1);
  const inputs: number[] = [];
  order.forEach((task, number) => {
    for (let k = graph.inputStart[task]; k < graph.inputStart[task + 1]; k++)
      inputs.push(graph.inputs[k]);
    inputStart[number + 1] = inputs.length;
  });
  return {
    workerCount: cluster.workerCount,
    workerCpus: new Uint16Array(cluster.workerCount).fill(cluster.cores),
    taskCount,
    durationMs: Float64Array.from(order, (task) => seconds[task] * 1000),
    cpus: Uint16Array.from(order, (task) => graph.cpus[task]),
    userPriority: new Int8Array(taskCount),
    objectCount,
    objectBytes: bytes,
    objectProducer: Int32Array.from(graph.objectProducer, (task) => numberOf[task]),
    holderStart: new Uint32Array(objectCount + 1),
    holders: new Uint16Array(0),
    inputStart,
    inputs: Uint32Array.from(inputs),
    runningAt: new Int32Array(taskCount).fill(-1),
    remainingMs: new Float64Array(taskCount),
    network: {
      bytesPerMs: cluster.bandwidthMiB * BYTES_PER_MS,
      latencyMs: 0,
      maxDownloads: cluster.maxDownloads ?? 4,
      maxDownloadsPerSource: cluster.maxDownloadsPerSource ?? 2,
    },
  };
}

function known(graph: TaskGraph, information: StudyInformation) {
  if (information === "user") return { seconds: graph.expectedS, bytes: graph.expectedBytes };
  const { durationS, objectBytes } = graph;
  if (information === "exact") return { seconds: durationS, bytes: objectBytes };
  return { seconds: means(durationS), bytes: means(objectBytes) };
}

function means(values: Float64Array): Float64Array {
  const sum = values.reduce((total, value) => total + value, 0);
  return new Float64Array(values.length).fill(sum / Math.max(1, values.length));
}
