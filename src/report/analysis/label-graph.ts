/** The graph of tasks, with the tasks of a label as one node, but for labels that are to be shown in full. */
import { TracedState } from "../../trace/index.js";
import type { ViewData } from "../page/view-data.js";
import type { Mask } from "./sorted-order.js";

export interface GraphNode {
  readonly label: number;
  /** -1: all tasks of the label. */
  readonly task: number;
  readonly tasks: number;
  readonly finished: number;
  readonly failed: number;
  readonly cancelled: number;
  /** Inputs from tasks of the same node. */
  readonly inner: number;
}

export interface GraphEdge {
  /** Places in `nodes`. */
  readonly from: number;
  readonly to: number;
  /** Inputs that it stands for. */
  readonly inputs: number;
}

export interface LabelGraph {
  readonly nodes: readonly GraphNode[];
  readonly edges: readonly GraphEdge[];
}

/** @param expanded numbers of labels of which each task is a node */
export function labelGraph(
  { tasks, labels }: ViewData,
  expanded: ReadonlySet<number>,
  mask?: Mask,
): LabelGraph {
  const nodes: { -readonly [K in keyof GraphNode]: GraphNode[K] }[] = [];
  const nodeOfLabel = new Int32Array(labels.length).fill(-1);
  const nodeOfTask = new Int32Array(tasks.count).fill(-1);
  for (let task = 0; task < tasks.count; task++) {
    if (mask !== undefined && mask[task] === 0) continue;
    const label = tasks.label[task];
    const alone = expanded.has(label);
    let node = alone ? -1 : nodeOfLabel[label];
    if (node === -1) {
      node = nodes.length;
      const counts = { tasks: 0, finished: 0, failed: 0, cancelled: 0, inner: 0 };
      nodes.push({ label, task: alone ? task : -1, ...counts });
      if (!alone) nodeOfLabel[label] = node;
    }
    nodeOfTask[task] = node;
    nodes[node].tasks++;
    if (tasks.state[task] === TracedState.finished) nodes[node].finished++;
    if (tasks.state[task] === TracedState.failed) nodes[node].failed++;
    if (tasks.state[task] === TracedState.cancelled) nodes[node].cancelled++;
  }
  const inputs = new Map<number, number>();
  for (let task = 0; task < tasks.count; task++) {
    const to = nodeOfTask[task];
    if (to === -1) continue;
    for (let e = tasks.inputStart[task]; e < tasks.inputStart[task + 1]; e++) {
      const from = nodeOfTask[tasks.inputs[e]];
      if (from === -1) continue;
      if (from === to) {
        nodes[to].inner++;
        continue;
      }
      const key = from * nodes.length + to;
      inputs.set(key, (inputs.get(key) ?? 0) + 1);
    }
  }
  const edges = [...inputs].map(([key, count]) => ({
    from: Math.floor(key / nodes.length),
    to: key % nodes.length,
    inputs: count,
  }));
  return { nodes, edges };
}
