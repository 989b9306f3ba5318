/**
 * An order of a graph's tasks in which producers come before users, or a cycle that prevents it.
 * Called by the reader of graph files.
 */
import type { TaskGraph } from "./graph-file.js";

/** Producers before users, else in the file's order as far as possible; or the tasks of one cycle. */
export function topologicalOrder(
  graph: Pick<
    TaskGraph,
    "taskCount" | "outputStart" | "objectProducer" | "inputStart" | "inputs" | "userStart" | "users"
  >,
): Uint32Array | { cycle: number[] } {
  const { taskCount, outputStart, inputStart, userStart, users } = graph;
  const order = new Uint32Array(taskCount);
  const missing = new Uint32Array(taskCount);
  let found = 0;
  for (let task = 0; task < taskCount; task++) {
    missing[task] = inputStart[task + 1] - inputStart[task];
    if (missing[task] === 0) order[found++] = task;
  }
  for (let at = 0; at < found; at++) {
    const task = order[at];
    const end = userStart[outputStart[task + 1]];
    for (let k = userStart[outputStart[task]]; k < end; k++) {
      if (--missing[users[k]] === 0) order[found++] = users[k];
    }
  }
  if (found === taskCount) return order;
  return { cycle: findCycle(graph, missing) };
}

/** Every task left misses an input of a task left: going from one to the next must come back. */
function findCycle(
  graph: Pick<TaskGraph, "objectProducer" | "inputStart" | "inputs">,
  missing: Uint32Array,
): number[] {
  const { objectProducer, inputStart, inputs } = graph;
  const placeOf = new Map<number, number>();
  const path: number[] = [];
  let task = missing.findIndex((count) => count > 0);
  while (!placeOf.has(task)) {
    placeOf.set(task, path.length);
    path.push(task);
    const needed = inputs.subarray(inputStart[task], inputStart[task + 1]);
    task = objectProducer[needed.find((object) => missing[objectProducer[object]] > 0)!];
  }
  return path.slice(placeOf.get(task)).reverse();
}
