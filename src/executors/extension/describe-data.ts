/** How messages name data. */
import type { Data } from "../../functions/index.js";

export function describeData(data: Data): string {
  if (data.kind === "array") return `an array of ${data.length} elements`;
  if (data.kind === "value") return `a value of type "${data.type}"`;
  return data.type === "loom/index"
    ? `an index of ${data.length} pieces, ${data.size} bytes`
    : `data of ${data.size} bytes`;
}
