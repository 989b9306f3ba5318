/**
 * What exports say of each task: one list of fields for all formats of tables. Called by csv-export.ts and
 * arrow-export.ts.
 */
import { UNKNOWN_CORE } from "./format.js";
import { type Trace, TracedState } from "./model.js";

export interface TaskField {
  readonly name: string;
  readonly kind: "integer" | "number" | "text" | "name";
  /** Undefined: not known. */
  readonly get: (task: number) => string | number | undefined;
}

/** By TracedState. */
export const STATE_NAMES = Object.entries(TracedState)
  .sort(([, a], [, b]) => a - b)
  .map(([name]) => name);

/** In the order of the columns. A "name" is a text of which there are few different ones. */
export function taskFields(trace: Trace): TaskField[] {
  const { tasks, plans, workers, labels, taskTypes, failures } = trace;
  const messages = new Map(failures.map(({ task, info }) => [task, info.message]));
  const time = (name: string, column: Float64Array): TaskField => ({
    name,
    kind: "number",
    get: (task) => known(column[task]),
  });
  return [
    { name: "task", kind: "integer", get: (task) => task },
    { name: "client", kind: "integer", get: (task) => plans[tasks.plan[task]]?.client },
    { name: "plan", kind: "integer", get: (task) => tasks.plan[task] },
    { name: "id", kind: "integer", get: (task) => tasks.id[task] },
    { name: "is_copy", kind: "integer", get: (task) => tasks.isCopy[task] },
    { name: "type", kind: "name", get: (task) => taskTypes.at(tasks.taskType[task]) },
    { name: "group", kind: "name", get: (task) => labels[tasks.label[task]] },
    { name: "label", kind: "text", get: (task) => tasks.labelOf(task) || undefined },
    { name: "state", kind: "name", get: (task) => STATE_NAMES[tasks.state[task]] },
    time("submitted_ms", tasks.submittedMs),
    time("ready_ms", tasks.readyMs),
    time("assigned_ms", tasks.assignedMs),
    time("started_ms", tasks.startedMs),
    time("finished_ms", tasks.finishedMs),
    time("known_ms", tasks.knownMs),
    { name: "worker", kind: "name", get: (task) => workers[tasks.worker[task]]?.address },
    {
      name: "core",
      kind: "integer",
      get: (task) => (tasks.core[task] === UNKNOWN_CORE ? undefined : tasks.core[task]),
    },
    { name: "cores", kind: "integer", get: (task) => tasks.cores[task] },
    { name: "attempts", kind: "integer", get: (task) => tasks.attempts[task] },
    time("size_bytes", tasks.sizeBytes),
    {
      name: "inputs",
      kind: "integer",
      get: (task) => tasks.inputStart[task + 1] - tasks.inputStart[task],
    },
    { name: "failure", kind: "text", get: (task) => messages.get(task) },
    { name: "metadata", kind: "text", get: (task) => jsonOf(tasks.metadataOf(task)) },
  ];
}

function known(value: number): number | undefined {
  return Number.isNaN(value) ? undefined : value;
}

/** Pickles are left out. */
function jsonOf(metadata: Uint8Array | undefined): string | undefined {
  return metadata === undefined || metadata[0] === 0x80
    ? undefined
    : new TextDecoder().decode(metadata);
}
