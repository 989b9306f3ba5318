/** How explanations name tasks. */
import type { ExplainedTask } from "../../protocol/index.js";
import { TaskState } from "../../scheduler/index.js";
import { clipped } from "../ability.js";
import type { CoreState } from "../core-state.js";
import { labelOf } from "../giving-up.js";
import type { SymbolTable } from "../task-kinds.js";

const STATE_NAMES: Record<number, ExplainedTask["state"]> = {
  [TaskState.waiting]: "waiting",
  [TaskState.ready]: "ready",
  [TaskState.assigned]: "assigned",
  [TaskState.finished]: "finished",
  [TaskState.released]: "released",
  [TaskState.failed]: "failed",
};

export function stateOf(core: CoreState, row: number): ExplainedTask["state"] {
  return STATE_NAMES[core.table.state[row]];
}

export function referenceOf(core: CoreState, symbols: SymbolTable, row: number): ExplainedTask {
  const label = labelOf(core, row);
  return {
    client: core.planOf(row).client.handle,
    id: core.taskId(row),
    ...(label === undefined ? {} : { label }),
    type: symbols.nameOf(core.table.taskType[row]),
    state: stateOf(core, row),
  };
}

/** `task 5 "train"` */
export function nameOf({ id, label }: { readonly id: number; readonly label?: string }): string {
  return label === undefined ? `task ${id}` : `task ${id} ${JSON.stringify(clipped(label))}`;
}
