/** Elements from data. Owns the rule that text only ever gets in as text: there is no way to give HTML. */

type Child = Node | string | number | undefined | false;

interface Attributes {
  class?: string;
  /** Attributes that are set as they are; false or undefined: not at all, true: empty. */
  [name: string]: string | number | boolean | undefined | ((event: never) => void);
}

/** An element; attributes that are functions are listeners of the event of that name. */
export function element<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  attributes: Attributes = {},
  ...children: Child[]
): HTMLElementTagNameMap[K] {
  return fill(document.createElement(tag), attributes, children);
}

/** The same in SVG. */
export function svg<K extends keyof SVGElementTagNameMap>(
  tag: K,
  attributes: Attributes = {},
  ...children: Child[]
): SVGElementTagNameMap[K] {
  return fill(document.createElementNS("http://www.w3.org/2000/svg", tag), attributes, children);
}

function fill<T extends Element>(node: T, attributes: Attributes, children: Child[]): T {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === undefined || value === false) continue;
    if (typeof value === "function") node.addEventListener(name, value as (event: Event) => void);
    else node.setAttribute(name, value === true ? "" : String(value));
  }
  node.append(
    ...children.filter(isThere).map((child) => (child instanceof Node ? child : `${child}`)),
  );
  return node;
}

function isThere(child: Child): child is Node | string | number {
  return child !== undefined && child !== false;
}

/** Shows a colour: a small square, striped like the label's bars. */
export function swatch(colour: string, striped: boolean): HTMLElement {
  const square = element("span", {
    class: striped ? "swatch striped" : "swatch",
    "aria-hidden": "true",
  });
  square.style.backgroundColor = colour;
  return square;
}

/** A table; cells are texts or elements. Columns named in `numeric` are aligned to the right. */
export function table(
  head: readonly string[],
  rows: readonly (readonly (string | Node)[])[],
  numeric: ReadonlySet<number> = new Set(),
): HTMLElement {
  const align = (i: number): string | undefined => (numeric.has(i) ? "number" : undefined);
  return element(
    "div",
    { class: "table" },
    element(
      "table",
      {},
      element(
        "thead",
        {},
        element(
          "tr",
          {},
          ...head.map((text, i) => element("th", { scope: "col", class: align(i) }, text)),
        ),
      ),
      element(
        "tbody",
        {},
        ...rows.map((row) =>
          element("tr", {}, ...row.map((cell, i) => element("td", { class: align(i) }, cell))),
        ),
      ),
    ),
  );
}
