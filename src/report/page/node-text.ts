/** What a node of the graph says of its tasks. No DOM. */
import type { GraphNode } from "../analysis/index.js";
import { formatCount, plural } from "./format.js";

/** How many there are, and what became of them if not all are done. */
export function aboutTasks({ tasks, finished, failed, cancelled }: GraphNode): string {
  const all = plural(tasks, "task");
  if (finished === tasks) return all;
  const parts = [
    // Nothing is done where all have another end.
    ...(finished === 0 && failed + cancelled === tasks ? [] : [`${formatCount(finished)} done`]),
    ...(failed === 0 ? [] : [`${formatCount(failed)} failed`]),
    ...(cancelled === 0 ? [] : [`${formatCount(cancelled)} cancelled`]),
  ];
  return [all, ...parts].join(", ");
}
