/**
 * Puts the views into a page. Owns their order, that only those in sight work, and when they are updated. Called
 * by main.ts (the report) and by the live page.
 */
import "uplot/dist/uPlot.min.css";
import "./page.css";
import { element } from "./dom.js";
import { FilterBar } from "./filter-bar.js";
import { Press } from "./press.js";
import type { Section, SectionView } from "./section.js";
import { TaskPanel } from "./task-panel.js";
import { ThemeSwitch } from "./theme.js";
import { ViewContext } from "./view-context.js";
import type { ViewData } from "./view-data.js";
import { progressCharts, transferCharts, workerCharts } from "./views/charts.js";
import { criticalPathView } from "./views/critical-path.js";
import { durations } from "./views/durations.js";
import { failures } from "./views/failures.js";
import { graph } from "./views/graph.js";
import { lostTimeView } from "./views/lost-time.js";
import { summary } from "./views/summary.js";
import { taskTable } from "./views/task-table.js";
import { timeline } from "./views/timeline.js";
import { waiting } from "./views/waiting.js";
import { workersView } from "./views/workers.js";

const SECTIONS: readonly Section[] = [
  ...[summary, timeline, progressCharts, failures, workerCharts, transferCharts, graph],
  ...[criticalPathView, waiting, lostTimeView, durations, workersView, taskTable],
];

export interface ViewOptions {
  /** Ids of the sections to show, in order. Default: all. */
  readonly sections?: readonly string[];
  /** Sections of the page's own, put in front of the others; `sections` may name them, too. */
  readonly extraSections?: readonly Section[];
  /** What else to show with a selected task: buttons, say. */
  readonly taskDetails?: (task: number, data: ViewData) => readonly HTMLElement[];
  /** Put into the bar at the top, in front of the switch of colours. */
  readonly toolbar?: readonly HTMLElement[];
}

export interface MountedViews {
  /** Shows other data. Columns may be the same arrays with more in them. */
  update(data: ViewData): void;
  destroy(): void;
}

/**
 * Fills `root` with the views of `data`. They keep the zoom, filter and selection over updates.
 *
 * @example
 * const views = mountViews(document.body, data);
 * source.onmessage = () => views.update(next());
 */
export function mountViews(
  root: HTMLElement,
  data: ViewData,
  options: ViewOptions = {},
): MountedViews {
  const context = new ViewContext(data, () => changed());
  const theme = new ThemeSwitch(() => changed());
  const bar = new FilterBar(context, options.toolbar ?? [], theme.root);
  const panel = new TaskPanel(context, options.taskDetails ?? (() => []));
  const known = [...(options.extraSections ?? []), ...SECTIONS];
  const shown = options.sections?.map((id) => getSection(known, id)) ?? known;
  const places = shown.map((section) => new Place(section, context));
  const nav = element(
    "nav",
    { "aria-label": "Sections" },
    ...shown.map(({ id, title }) => element("a", { href: `#${id}` }, title)),
  );
  bar.root.append(nav);
  const body = element("div", { class: "sections" }, ...places.map((place) => place.root));
  const views = element("div", { class: "loom-views" }, bar.root, body, panel.root);
  root.replaceChildren(views);
  const sight = new IntersectionObserver(
    (entries) => {
      for (const { target, isIntersecting } of entries) {
        places.find((place) => place.root === target)?.setInSight(isIntersecting);
      }
    },
    // A little before it is seen.
    { rootMargin: "200px" },
  );
  for (const place of places) sight.observe(place.root);

  function changed(): void {
    bar.update();
    if (!isBeingCopied(panel.root)) panel.update();
    for (const place of places) place.changed();
  }

  const press = new Press(views);
  return {
    update: (next) => press.whenReleased(() => context.setData(next)),
    destroy() {
      press.destroy();
      sight.disconnect();
      for (const place of places) place.destroy();
      bar.destroy();
      panel.destroy();
      theme.destroy();
      views.remove();
    },
  };
}

/** Somebody has selected text in it, which would be gone. */
function isBeingCopied(part: HTMLElement): boolean {
  const selection = getSelection();
  return selection?.isCollapsed === false && part.contains(selection.anchorNode);
}

function getSection(sections: readonly Section[], id: string): Section {
  const section = sections.find((one) => one.id === id);
  if (section === undefined) throw new Error(`there is no section ${id}`);
  return section;
}

/** A section's place in the page: its view is made when it comes into sight, and then kept. */
class Place {
  readonly root: HTMLElement;
  private readonly content = element("div", { class: "content" });
  private view: SectionView | undefined;
  private isInSight = false;
  private isStale = false;

  constructor(
    private readonly section: Section,
    private readonly context: ViewContext,
  ) {
    const { id, title, hint } = section;
    this.root = element(
      "section",
      { id, "aria-label": title },
      element("h2", {}, title),
      hint !== undefined && element("p", { class: "hint" }, hint),
      this.content,
    );
  }

  setInSight(isInSight: boolean): void {
    this.isInSight = isInSight;
    if (!isInSight) return;
    if (this.view === undefined) {
      this.view = this.section.mount(this.content, this.context);
      this.root.dataset.shown = "";
    } else if (this.isStale) {
      this.view.update();
    }
    this.isStale = false;
  }

  changed(): void {
    if (this.isInSight && !(this.context.data.live && isBeingCopied(this.root)))
      this.view?.update();
    else this.isStale = true;
  }

  destroy(): void {
    this.view?.destroy();
  }
}
