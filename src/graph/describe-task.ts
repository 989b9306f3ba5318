/** How messages name tasks. */

/** `task "label" (type)` or `task of type "type"`. */
export function describeTask(task: { type: string; label?: string | undefined }): string {
  return task.label === undefined || task.label === ""
    ? `task of type "${task.type}"`
    : `task "${task.label}" (${task.type})`;
}
