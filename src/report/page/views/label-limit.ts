/** How many labels a table has: of thousands nobody reads all, and the filter finds single ones. */
import { element } from "../dom.js";
import { plural } from "../format.js";

export const MAX_LABELS = 200;

/** What is said below a table of the first MAX_LABELS. @param less what the others have: "with less total time" */
export function labelsLeftOut(labels: number, less: string): HTMLElement[] {
  if (labels <= MAX_LABELS) return [];
  const more = plural(labels - MAX_LABELS, "label");
  const verb = labels - MAX_LABELS === 1 ? "is" : "are";
  return [element("p", { class: "note left-out" }, `${more} ${less} ${verb} not shown.`)];
}
