/** All tasks in pages, sorted by any column. Owns order and page; the filter is the page's. */
import { sortedOrder } from "../../analysis/index.js";
import { element } from "../dom.js";
import { STATE_NAMES, taskName } from "../filter.js";
import { formatAt, formatBytes, formatCount, formatMs, plural } from "../format.js";
import type { Section, SectionView } from "../section.js";
import { taskLink } from "../task-link.js";
import type { ViewContext } from "../view-context.js";
import type { ViewData } from "../view-data.js";

const PAGE_ROWS = 50;

interface Column {
  readonly name: string;
  readonly cell: (context: ViewContext, task: number) => string | Node;
  /** Undefined: by name. */
  readonly key: ((data: ViewData, task: number) => number) | undefined;
}

const duration = ({ tasks }: ViewData, task: number): number =>
  tasks.finishedMs[task] - tasks.startedMs[task];
const waited = ({ tasks }: ViewData, task: number): number =>
  tasks.startedMs[task] - tasks.readyMs[task];

const COLUMNS: readonly Column[] = [
  { name: "task", cell: taskLink, key: undefined },
  {
    name: "id",
    cell: ({ data }, t) => String(data.tasks.id[t]),
    key: ({ tasks }, t) => tasks.id[t],
  },
  {
    name: "type",
    cell: ({ data }, t) => data.taskTypes[data.tasks.taskType[t]] ?? "",
    key: ({ tasks }, t) => tasks.taskType[t],
  },
  {
    name: "state",
    cell: ({ data }, t) => STATE_NAMES[data.tasks.state[t]],
    key: ({ tasks }, t) => tasks.state[t],
  },
  {
    name: "worker",
    cell: ({ data }, t) => data.workers[data.tasks.worker[t]]?.hostname ?? "–",
    key: ({ tasks }, t) => tasks.worker[t],
  },
  {
    name: "started",
    cell: ({ data }, t) => formatAt(data.tasks.startedMs[t]),
    key: ({ tasks }, t) => tasks.startedMs[t],
  },
  { name: "duration", cell: ({ data }, t) => formatMs(duration(data, t)), key: duration },
  { name: "ready until start", cell: ({ data }, t) => formatMs(waited(data, t)), key: waited },
  {
    name: "result",
    cell: ({ data }, t) => formatBytes(data.tasks.sizeBytes[t]),
    key: ({ tasks }, t) => tasks.sizeBytes[t],
  },
  {
    name: "attempts",
    cell: ({ data }, t) => String(data.tasks.attempts[t]),
    key: ({ tasks }, t) => tasks.attempts[t],
  },
];
const NUMERIC = new Set(["id", "started", "duration", "ready until start", "result", "attempts"]);

export const taskTable: Section = {
  id: "tasks",
  title: "Tasks",
  hint: "Choose a column's name to sort. Search and filter at the top of the page apply.",
  mount: (host, context) => new TaskTable(host, context),
};

class TaskTable implements SectionView {
  private readonly head = element("tr");
  private readonly body = element("tbody");
  private readonly status = element("span", { class: "note", role: "status" });
  private readonly pageInput = element("input", {
    ...{ type: "number", min: 1, value: 1, "aria-label": "Page", class: "page-input" },
    change: () => this.go(Number(this.pageInput.value) - 1),
  });
  private readonly pages = element("span");
  private readonly unselect: () => void;
  private column = 1;
  private descending = false;
  private page = 0;
  private order = new Uint32Array(0);

  constructor(
    private readonly host: HTMLElement,
    private readonly context: ViewContext,
  ) {
    const button = (text: string, name: string, page: () => number): HTMLElement =>
      element("button", { type: "button", "aria-label": name, click: () => this.go(page()) }, text);
    host.append(
      element(
        "div",
        { class: "controls" },
        button("«", "First page", () => 0),
        button("‹", "Previous page", () => this.page - 1),
        this.pageInput,
        this.pages,
        button("›", "Next page", () => this.page + 1),
        button("»", "Last page", () => this.pageCount - 1),
        this.status,
      ),
      element(
        "div",
        { class: "table scroll" },
        element("table", { class: "tasks" }, element("thead", {}, this.head), this.body),
      ),
    );
    this.unselect = context.on("selection", () => this.showPage());
    this.update();
  }

  update(): void {
    this.sort();
    this.page = Math.min(this.page, this.pageCount - 1);
    this.showHead();
    this.showPage();
  }

  destroy(): void {
    this.unselect();
    this.host.replaceChildren();
  }

  private get pageCount(): number {
    return Math.max(1, Math.ceil(this.order.length / PAGE_ROWS));
  }

  private go(page: number): void {
    this.page = Math.max(0, Math.min(this.pageCount - 1, Math.floor(page) || 0));
    this.showPage();
  }

  /** Tasks without a value come last, in either direction. */
  private sort(): void {
    const { data, mask } = this.context;
    const { count } = data.tasks;
    const { key } = COLUMNS[this.column];
    if (key === undefined) {
      this.order = this.sortByName();
      return;
    }
    const keys = new Float64Array(count);
    const sign = this.descending ? -1 : 1;
    for (let task = 0; task < count; task++) {
      const value = key(data, task);
      keys[task] = Number.isNaN(value) ? Number.POSITIVE_INFINITY : value * sign;
    }
    this.order = sortedOrder(keys, count, mask) as Uint32Array<ArrayBuffer>;
  }

  private sortByName(): Uint32Array<ArrayBuffer> {
    const { data, mask } = this.context;
    const names: string[] = [];
    const tasks: number[] = [];
    for (let task = 0; task < data.tasks.count; task++) {
      if (mask !== undefined && mask[task] === 0) continue;
      names[task] = taskName(data, task);
      tasks.push(task);
    }
    const sign = this.descending ? -1 : 1;
    // By code: a collator would take minutes for a million.
    tasks.sort((a, b) => (names[a] < names[b] ? -sign : names[a] > names[b] ? sign : a - b));
    return Uint32Array.from(tasks);
  }

  private showHead(): void {
    this.head.replaceChildren(
      ...COLUMNS.map(({ name }, i) => {
        const isSorted = i === this.column;
        const direction = this.descending ? "descending" : "ascending";
        const mark = isSorted ? (this.descending ? " ▼" : " ▲") : "";
        const choose = (): void => {
          this.descending = isSorted && !this.descending;
          this.column = i;
          this.page = 0;
          this.update();
        };
        return element(
          "th",
          {
            scope: "col",
            "aria-sort": isSorted ? direction : "none",
            class: NUMERIC.has(name) ? "number" : undefined,
          },
          element("button", { type: "button", class: "sort", click: choose }, `${name}${mark}`),
        );
      }),
    );
  }

  private showPage(): void {
    const { context } = this;
    const first = this.page * PAGE_ROWS;
    const shown = this.order.subarray(first, first + PAGE_ROWS);
    this.body.replaceChildren(
      ...Array.from(shown, (task) =>
        element(
          "tr",
          { class: task === context.selectedTask ? "selected" : undefined },
          ...COLUMNS.map(({ name, cell }) =>
            element("td", { class: NUMERIC.has(name) ? "number" : undefined }, cell(context, task)),
          ),
        ),
      ),
    );
    this.pageInput.value = String(this.page + 1);
    this.pageInput.max = String(this.pageCount);
    this.pages.textContent = `of ${formatCount(this.pageCount)}`;
    this.status.textContent = plural(this.order.length, "task");
  }
}
