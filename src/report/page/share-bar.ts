/** One bar split by cause, with a legend. Used where time is accounted for. */
import { element } from "./dom.js";
import { formatShare } from "./format.js";

export interface Share {
  readonly name: string;
  readonly colour: string;
  readonly value: number;
  /** What it means. */
  readonly hint: string;
}

export function shareBar(
  title: string,
  shares: readonly Share[],
  format: (value: number) => string,
): HTMLElement {
  const whole = shares.reduce((sum, { value }) => sum + value, 0);
  const parts = shares.filter(({ value }) => value > 0);
  return element(
    "div",
    { class: "shares" },
    element(
      "div",
      { class: "share-bar", role: "img", "aria-label": title },
      ...parts.map(({ name, colour, value }) => {
        const part = element("span", { title: `${name}: ${format(value)}` });
        part.style.width = `${(value / whole) * 100}%`;
        part.style.backgroundColor = colour;
        return part;
      }),
    ),
    element(
      "dl",
      { class: "share-legend" },
      ...shares.map(({ name, colour, value, hint }) => {
        const mark = element("span", { class: "swatch", "aria-hidden": "true" });
        mark.style.backgroundColor = colour;
        return element(
          "div",
          {},
          element("dt", {}, mark, name),
          element("dd", {}, `${format(value)} · ${formatShare(value, whole)}`),
          element("dd", { class: "more" }, hint),
        );
      }),
    ),
  );
}
