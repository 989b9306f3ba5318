/** Lines of text beside the pointer. Owns the one element that shows them. */
import { element } from "./dom.js";

export class Tooltip {
  private readonly box = element("div", { class: "tooltip", role: "tooltip", hidden: true });

  constructor() {
    document.body.append(this.box);
  }

  /** The first line stands out. */
  show(x: number, y: number, lines: readonly string[]): void {
    this.box.replaceChildren(
      ...lines.map((line, i) => element(i === 0 ? "strong" : "span", {}, line)),
    );
    this.box.hidden = false;
    const { width, height } = this.box.getBoundingClientRect();
    const left = x + 14 + width > this.rightEdge() ? x - 14 - width : x + 14;
    const top = y + 14 + height > innerHeight ? y - 14 - height : y + 14;
    this.box.style.left = `${Math.max(0, left)}px`;
    this.box.style.top = `${Math.max(0, top)}px`;
  }

  /** The panel at the side of the page, where it is open, is not covered. */
  private rightEdge(): number {
    const panel = document.querySelector(".task-panel:not([hidden])");
    return panel?.getBoundingClientRect().left ?? innerWidth;
  }

  hide(): void {
    this.box.hidden = true;
  }

  destroy(): void {
    this.box.remove();
  }
}
