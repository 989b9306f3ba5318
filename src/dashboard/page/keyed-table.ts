/**
 * A table whose rows stay the same elements while its data change: a button that is about to be clicked is not
 * exchanged, a selection of text is not lost. Owns rows and cells; what is in them is the sections'.
 */
import { element } from "../../report/page/index.js";

const LONG_TEXT = 40;

export interface Column<T> {
  readonly title: string;
  /** Aligned to the right. */
  readonly isNumber?: boolean;
  /** The cell's text; cells that are elements have `make`. */
  readonly text?: (row: T) => string;
  /** The cell's content, made once for each row's key; `update` is called for later data of it. */
  readonly make?: (row: T) => { readonly node: Node; update?(row: T): void };
}

interface Row<T> {
  readonly node: HTMLTableRowElement;
  update(row: T): void;
}

export class KeyedTable<T> {
  readonly node: HTMLElement;
  private readonly body: HTMLTableSectionElement;
  private readonly empty: HTMLElement;
  private rows = new Map<string, Row<T>>();

  /** @param nothing what is said where there are no rows */
  constructor(
    private readonly columns: readonly Column<T>[],
    private readonly keyOf: (row: T) => string,
    nothing: string,
  ) {
    this.body = element("tbody");
    this.empty = element("p", { class: "nothing" }, nothing);
    const titles = columns.map(({ title, isNumber }) =>
      element("th", { scope: "col", class: isNumber ? "number" : undefined }, title),
    );
    this.node = element(
      "div",
      { class: "table scroll keyed" },
      element("table", {}, element("thead", {}, element("tr", {}, ...titles)), this.body),
      this.empty,
    );
  }

  update(data: readonly T[]): void {
    const before = this.rows;
    this.rows = new Map();
    let place = this.body.firstElementChild;
    for (const one of data) {
      const key = this.keyOf(one);
      if (this.rows.has(key)) continue;
      const row = before.get(key) ?? this.makeRow(one);
      before.delete(key);
      row.update(one);
      this.rows.set(key, row);
      if (row.node === place) place = place.nextElementSibling;
      else this.body.insertBefore(row.node, place);
    }
    for (const { node } of before.values()) node.remove();
    this.empty.hidden = this.rows.size > 0;
  }

  private makeRow(first: T): Row<T> {
    const node = element("tr");
    const updates: ((row: T) => void)[] = [];
    for (const { text, make, isNumber } of this.columns) {
      const cell = element("td", { class: isNumber ? "number" : undefined });
      node.append(cell);
      if (make !== undefined) {
        const made = make(first);
        cell.append(made.node);
        if (made.update !== undefined) updates.push((row) => made.update?.(row));
      } else if (text !== undefined) {
        updates.push((row) => {
          const now = text(row);
          if (cell.textContent === now) return;
          cell.textContent = now;
          // Of long texts the beginning is in sight.
          cell.title = now.length > LONG_TEXT ? now : "";
        });
      }
    }
    return {
      node,
      update: (row) => {
        for (const update of updates) update(row);
      },
    };
  }
}
