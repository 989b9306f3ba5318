/** Which tasks are looked at: by label, by state, by what was searched for. No DOM. */
import { STATE_NAMES } from "../../trace/index.js";
import type { ViewData } from "./view-data.js";

export interface Filter {
  /** Labels that are left out, by number. */
  readonly hidden: ReadonlySet<number>;
  /** A part of the label, in any case, or the id; "": all. */
  readonly text: string;
  /** One of {@link TracedState}; -1: all. */
  readonly state: number;
}

export const NO_FILTER: Filter = { hidden: new Set(), text: "", state: -1 };

export { STATE_NAMES };

/** 1 for each task that passes; undefined: all do. */
export function maskOf({ tasks, labels }: ViewData, filter: Filter): Uint8Array | undefined {
  const text = filter.text.trim().toLowerCase();
  if (filter.hidden.size === 0 && text === "" && filter.state === -1) return undefined;
  const id = /^\d+$/.test(text) ? Number(text) : Number.NaN;
  const isShown = Uint8Array.from(labels, (_, label) => (filter.hidden.has(label) ? 0 : 1));
  const mask = new Uint8Array(tasks.count);
  for (let task = 0; task < tasks.count; task++) {
    if (isShown[tasks.label[task]] === 0) continue;
    if (filter.state !== -1 && tasks.state[task] !== filter.state) continue;
    if (text !== "" && tasks.id[task] !== id && !nameOf(tasks, labels, task).includes(text))
      continue;
    mask[task] = 1;
  }
  return mask;
}

function nameOf(tasks: ViewData["tasks"], labels: readonly string[], task: number): string {
  return (tasks.labelOf(task) || labels[tasks.label[task]]).toLowerCase();
}

/** What a task is called: its label, or the name of its type. */
export function taskName({ tasks, labels }: ViewData, task: number): string {
  return tasks.labelOf(task) || (labels[tasks.label[task]] ?? "");
}
