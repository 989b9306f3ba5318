/** How messages name tasks. */
import { shownName } from "../base/index.js";

/** Of a longer label messages have the beginning. */
const MAX_SHOWN = 200;

/** `task "label" (type)` or `task of type "type"`; nothing in a label steers a terminal. */
export function describeTask(task: { type: string; label?: string | undefined }): string {
  return task.label === undefined || task.label === ""
    ? `task of type "${task.type}"`
    : `task "${shownName(task.label, MAX_SHOWN)}" (${task.type})`;
}
