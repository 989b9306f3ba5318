/** Names of labels and tasks as elements. */
import { element, swatch } from "./dom.js";
import { taskName } from "./filter.js";
import type { ViewContext } from "./view-context.js";

/** A label with its colour. */
export function labelMark(context: ViewContext, label: number): HTMLElement {
  const { hex, striped } = context.colourOf(label);
  const name = context.data.labels[label] ?? "";
  return element(
    "span",
    { class: "label-mark" },
    swatch(hex, striped),
    element("span", { title: name }, name),
  );
}

/** A task's name; choosing it selects the task. */
export function taskLink(context: ViewContext, task: number): HTMLElement {
  const { data } = context;
  const { hex, striped } = context.colourOf(data.tasks.label[task]);
  const name = taskName(data, task);
  return element(
    "button",
    { type: "button", class: "task-link", click: () => context.selectTask(task) },
    swatch(hex, striped),
    element("span", { class: "task-name", title: name }, name),
    element("span", { class: "task-id" }, `#${data.tasks.id[task]}`),
  );
}
