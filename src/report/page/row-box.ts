/**
 * A box of small things in rows (chips, a legend) of which the first rows are in sight, always whole ones. Owns the
 * button that says that there is more and opens it; how many rows there are is the style's.
 */
import { element } from "./dom.js";
import { formatCount } from "./format.js";

export class RowBox {
  readonly root: HTMLElement;
  private readonly more = element("button", {
    type: "button",
    class: "row-box-more",
    click: () => this.toggle(),
  });
  private readonly resized = new ResizeObserver(() => this.check());
  private isOpen = false;

  /** @param what the things are, for the button: "labels" */
  constructor(
    private readonly rows: HTMLElement,
    private readonly what: string,
  ) {
    rows.classList.add("row-box-rows");
    this.more.hidden = true;
    this.root = element("div", { class: "row-box" }, rows, this.more);
    this.resized.observe(rows);
  }

  /** Other things, or as many as fit: as far as it was scrolled it stays. */
  replace(things: readonly HTMLElement[]): void {
    const { scrollTop } = this.rows;
    this.rows.replaceChildren(...things);
    this.rows.scrollTop = scrollTop;
    this.check();
  }

  destroy(): void {
    this.resized.disconnect();
  }

  private toggle(): void {
    this.isOpen = !this.isOpen;
    this.rows.classList.toggle("open", this.isOpen);
    this.rows.scrollTop = 0;
    this.check();
  }

  private check(): void {
    const { rows, more, isOpen } = this;
    if (rows.clientHeight === 0) return;
    more.hidden = !isOpen && rows.scrollHeight <= rows.clientHeight + 1;
    const count = formatCount(rows.childElementCount);
    more.textContent = isOpen ? "Show fewer" : `Show all ${count} ${this.what}`;
    more.setAttribute("aria-expanded", String(isOpen));
  }
}
