/** The selected task, at the side of the page: all that is known of it. */
import { ExecutionEnd, UNKNOWN_CORE } from "../../trace/index.js";
import { element } from "./dom.js";
import { firstLine } from "./failure-message.js";
import { STATE_NAMES, taskName } from "./filter.js";
import { formatAt, formatBytes, formatMs, plural } from "./format.js";
import { labelMark, taskLink } from "./task-link.js";
import type { ViewContext } from "./view-context.js";
import type { ViewData } from "./view-data.js";
import { failureDetails } from "./views/failures.js";

const MAX_LINKS = 20;
/** So many fit into the lines of the heading. */
const MAX_HEADING_CHARACTERS = 100;
const MAX_METADATA_CHARACTERS = 20_000;
const decoder = new TextDecoder();

export class TaskPanel {
  readonly root = element("aside", {
    class: "task-panel",
    hidden: true,
    "aria-label": "Selected task",
  });
  private readonly unselect: () => void;

  constructor(
    private readonly context: ViewContext,
    private readonly extra: (task: number, data: ViewData) => readonly HTMLElement[],
  ) {
    this.unselect = context.on("selection", () => this.update());
    document.addEventListener("keydown", this.onKey);
  }

  private readonly onKey = (event: KeyboardEvent): void => {
    if (event.key === "Escape" && !this.root.hidden) this.context.selectTask(-1);
  };

  update(): void {
    const { selectedTask } = this.context;
    this.root.hidden = selectedTask === -1;
    if (selectedTask === -1) return;
    this.root.replaceChildren(...this.content(selectedTask));
  }

  destroy(): void {
    this.unselect();
    document.removeEventListener("keydown", this.onKey);
    this.root.remove();
  }

  private content(task: number): HTMLElement[] {
    const { context } = this;
    const { data } = context;
    const name = taskName(data, task);
    const failure = data.failures.find((one) => one.task === task);
    const close = (): void => context.selectTask(-1);
    return [
      element(
        "header",
        {},
        element("h2", { title: name }, name),
        element("button", { type: "button", "aria-label": "Close", click: close }, "✕"),
      ),
      ...this.extra(task, data),
      pairs(this.facts(task)),
      this.showInTimeline(task),
      ...(failure === undefined
        ? []
        : [
            element("h3", {}, "Failure"),
            element("p", { class: "failure-line" }, firstLine(failure.message)),
            failureDetails(context, failure),
          ]),
      element("h3", {}, "Waiting"),
      this.waits(task),
      ...this.attempts(task),
      ...wholeName(name),
      ...this.metadata(task),
      ...this.links("Inputs", inputsOf(data, task)),
      ...this.links("Used by", dependentsOf(data, task)),
    ];
  }

  private facts(task: number): [string, string | Node][] {
    const { data } = this.context;
    const { tasks } = data;
    const worker = data.workers[tasks.worker[task]];
    const core = tasks.core[task] === UNKNOWN_CORE ? "" : `, core ${tasks.core[task]}`;
    const plan = data.plans[tasks.plan[task]];
    return [
      ["label", labelMark(this.context, tasks.label[task])],
      [
        "id",
        `${tasks.id[task]}${tasks.isCopy[task] === 1 ? " (in the place of a task that grows)" : ""}`,
      ],
      ["type", data.taskTypes[tasks.taskType[task]] ?? ""],
      ["state", STATE_NAMES[tasks.state[task]]],
      ["plan", plan === undefined ? "" : `${tasks.plan[task]} of client ${plan.client}`],
      ["worker", worker === undefined ? "–" : `${worker.hostname} (${worker.address})${core}`],
      ["cores", String(tasks.cores[task])],
      ["ran", formatMs(tasks.finishedMs[task] - tasks.startedMs[task])],
      ["result", formatBytes(tasks.sizeBytes[task])],
      ["submitted", formatAt(tasks.submittedMs[task])],
      ["ready", formatAt(tasks.readyMs[task])],
      ["assigned", formatAt(tasks.assignedMs[task])],
      ["started", formatAt(tasks.startedMs[task])],
      ["finished", formatAt(tasks.finishedMs[task])],
      ["server knew", formatAt(tasks.knownMs[task])],
      ["attempts", String(tasks.attempts[task])],
    ];
  }

  private showInTimeline(task: number): HTMLElement {
    const { data } = this.context;
    const fromMs = data.tasks.startedMs[task];
    const endMs = data.tasks.finishedMs[task];
    const toMs = Number.isNaN(endMs) ? data.durationMs : endMs;
    const zoom = (): void => {
      const room = Math.max(toMs - fromMs, 0.01) * 2;
      this.context.setRange({ fromMs: fromMs - room, toMs: toMs + room });
    };
    const disabled = Number.isNaN(fromMs);
    return element("button", { type: "button", disabled, click: zoom }, "Zoom to it");
  }

  private waits(task: number): HTMLElement {
    const { waits } = this.context.analyses;
    if (Number.isNaN(waits.placedMs[task]))
      return element("p", { class: "note" }, "It has not started.");
    return pairs([
      ["for its inputs", formatMs(waits.inputsMs[task])],
      ["for a core", formatMs(waits.coresMs[task])],
      ["for transfers", formatMs(waits.transferMs[task])],
      ["for scheduling and messages", formatMs(waits.schedulerMs[task])],
    ]);
  }

  private attempts(task: number): HTMLElement[] {
    const { executions, workers } = this.context.data;
    const lines: HTMLElement[] = [];
    for (let i = 0; i < executions.count; i++) {
      if (executions.task[i] !== task) continue;
      const end = Object.keys(ExecutionEnd)[executions.end[i]];
      const worker = workers[executions.worker[i]]?.address ?? "–";
      const text = `${formatAt(executions.endedMs[i])}: ${end} on ${worker}, ran ${formatMs(executions.endedMs[i] - executions.startedMs[i])}`;
      lines.push(element("li", {}, text));
    }
    if (lines.length === 0) return [];
    return [element("h3", {}, "Attempts that did not finish it"), element("ul", {}, ...lines)];
  }

  private metadata(task: number): HTMLElement[] {
    const bytes = this.context.data.tasks.metadataOf(task);
    if (bytes === undefined) return [];
    return [
      element("h3", {}, "Metadata"),
      element("pre", { class: "metadata", tabindex: 0 }, metadataText(bytes)),
    ];
  }

  private links(title: string, tasks: readonly number[]): HTMLElement[] {
    if (tasks.length === 0) return [];
    const shown = tasks
      .slice(0, MAX_LINKS)
      .map((task) => element("li", {}, taskLink(this.context, task)));
    const more = tasks.length - shown.length;
    return [
      element("h3", {}, `${title} (${plural(tasks.length, "task")})`),
      element("ul", { class: "links" }, ...shown),
      ...(more > 0 ? [element("p", { class: "note" }, `and ${plural(more, "task")} more`)] : []),
    ];
  }
}

/** Of which the heading shows the beginning. */
function wholeName(name: string): HTMLElement[] {
  if (name.length <= MAX_HEADING_CHARACTERS) return [];
  return [
    element("h3", {}, "The whole label"),
    element("pre", { class: "whole-label", tabindex: 0 }, name),
  ];
}

function pairs(entries: readonly (readonly [string, string | Node])[]): HTMLElement {
  return element(
    "dl",
    { class: "pairs" },
    ...entries.map(([name, value]) =>
      element("div", {}, element("dt", {}, name), element("dd", {}, value)),
    ),
  );
}

/** JSON as it reads best; of a pickle only its length is known. */
export function metadataText(bytes: Uint8Array): string {
  if (bytes[0] === 0x80) return `a Python object (pickle, ${plural(bytes.length, "byte")})`;
  const text = decoder.decode(bytes);
  if (text.length > MAX_METADATA_CHARACTERS) return `${text.slice(0, MAX_METADATA_CHARACTERS)}…`;
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text;
  }
}

function inputsOf({ tasks }: ViewData, task: number): number[] {
  return [...new Set(tasks.inputs.subarray(tasks.inputStart[task], tasks.inputStart[task + 1]))];
}

function dependentsOf({ tasks }: ViewData, input: number): number[] {
  const found: number[] = [];
  for (let task = 0; task < tasks.count; task++) {
    for (let e = tasks.inputStart[task]; e < tasks.inputStart[task + 1]; e++) {
      if (tasks.inputs[e] !== input) continue;
      found.push(task);
      break;
    }
  }
  return found;
}
