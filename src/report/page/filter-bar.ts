/** The bar at the top: title, search, filter by state and label, zoom, light and dark. */
import { element } from "./dom.js";
import { STATE_NAMES } from "./filter.js";
import { formatCount } from "./format.js";
import { RowBox } from "./row-box.js";
import { labelMark } from "./task-link.js";
import type { ViewContext } from "./view-context.js";

const SEARCH_DELAY_MS = 200;

export class FilterBar {
  readonly root: HTMLElement;
  private readonly title = element("h1");
  private readonly search = element("input", {
    ...{ type: "search", placeholder: "label or id", "aria-label": "Search tasks by label or id" },
    input: () => this.searchSoon(),
  });
  private readonly state = element("select", {
    "aria-label": "State",
    change: () => this.context.setFilter({ state: Number(this.state.value) }),
  });
  private readonly chips = element("div", {
    class: "chips",
    role: "group",
    "aria-label": "Labels",
  });
  private readonly chipBox = new RowBox(this.chips, "labels");
  private readonly zoomed = element("button", {
    type: "button",
    click: () => this.context.setRange(undefined),
  });
  private readonly unrange: () => void;
  /** What the chips were made for. */
  private look = "";
  private timer: ReturnType<typeof setTimeout> | undefined;

  constructor(
    private readonly context: ViewContext,
    extra: readonly HTMLElement[],
    themeSwitch: HTMLElement,
  ) {
    this.state.append(
      element("option", { value: -1 }, "all states"),
      ...STATE_NAMES.map((name, state) => element("option", { value: state }, name)),
    );
    this.zoomed.textContent = "Show all the time";
    const only = (shown: boolean): void => {
      const hidden = shown ? [] : this.context.data.labels.map((_, label) => label);
      this.context.setFilter({ hidden: new Set(hidden) });
    };
    this.root = element(
      "header",
      { class: "bar" },
      element(
        "div",
        { class: "bar-row" },
        this.title,
        this.search,
        this.state,
        this.zoomed,
        element("span", { class: "space" }),
        ...extra,
        themeSwitch,
      ),
      element(
        "div",
        { class: "bar-row labels" },
        element("button", { type: "button", click: () => only(true) }, "All"),
        element("button", { type: "button", click: () => only(false) }, "None"),
        this.chipBox.root,
      ),
    );
    this.unrange = context.on("range", () => this.showZoom());
    this.update();
  }

  update(): void {
    const { data, filter } = this.context;
    this.title.textContent = data.title;
    this.showZoom();
    const counts = new Uint32Array(data.labels.length);
    for (let task = 0; task < data.tasks.count; task++) counts[data.tasks.label[task]]++;
    const chips = data.labels.map((name, label) => ({
      ...{ name, colour: this.context.colourOf(label), isShown: !filter.hidden.has(label) },
      total: data.totals?.[label]?.tasks ?? counts[label],
    }));
    const look = JSON.stringify(chips);
    // Not made anew without need: a page that lives comes here twice a second.
    if (look === this.look) return;
    this.look = look;
    const focused = [...this.chips.children].indexOf(document.activeElement as HTMLElement);
    this.chipBox.replace(
      chips.map(({ name, isShown, total }, label) =>
        element(
          "button",
          {
            ...{ type: "button", class: "chip", "aria-pressed": String(isShown) },
            title: `${name}\nClick: show or hide; Shift + click: only this one`,
            click: (event: MouseEvent) =>
              event.shiftKey ? this.showOnly(label) : this.toggle(label),
          },
          labelMark(this.context, label),
          element("span", { class: "more" }, formatCount(total)),
        ),
      ),
    );
    (this.chips.children[focused] as HTMLElement | undefined)?.focus({ preventScroll: true });
  }

  destroy(): void {
    clearTimeout(this.timer);
    this.unrange();
    this.chipBox.destroy();
    this.root.remove();
  }

  private showZoom(): void {
    this.zoomed.disabled = !this.context.isZoomed;
  }

  private searchSoon(): void {
    clearTimeout(this.timer);
    const set = (): void => this.context.setFilter({ text: this.search.value });
    this.timer = setTimeout(set, SEARCH_DELAY_MS);
  }

  private toggle(label: number): void {
    const hidden = new Set(this.context.filter.hidden);
    if (!hidden.delete(label)) hidden.add(label);
    this.context.setFilter({ hidden });
  }

  private showOnly(label: number): void {
    const others = this.context.data.labels.map((_, other) => other).filter((o) => o !== label);
    this.context.setFilter({ hidden: new Set(others) });
  }
}
