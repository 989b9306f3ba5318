/** Failed tasks with what is known of their end; attempts that came to nothing. */
import { ExecutionEnd } from "../../../trace/index.js";
import { element, svg, table } from "../dom.js";
import { firstLine } from "../failure-message.js";
import { formatAt, formatBytes, formatCount, formatMs, plural } from "../format.js";
import type { Section } from "../section.js";
import { labelMark, taskLink } from "../task-link.js";
import type { ViewContext } from "../view-context.js";
import type { ViewFailure } from "../view-data.js";
import { contentSection } from "./content-section.js";
import { labelsLeftOut, MAX_LABELS } from "./label-limit.js";

const FIRST_SHOWN = 10;
/** Of more the filter finds single ones. */
const MAX_SHOWN = 500;

export const failures: Section = contentSection(
  {
    id: "failures",
    title: "Failures and repeated executions",
  },
  (context) => {
    const { mask, data } = context;
    const shown = data.failures.filter(({ task }) => mask === undefined || mask[task] === 1);
    const parts: HTMLElement[] = [];
    if (shown.length === 0) {
      const what = data.failures.length === 0 ? "No task has failed." : "No failed task is shown.";
      parts.push(element("p", { class: "note" }, what));
    } else {
      parts.push(failureList(context, shown));
    }
    const attempts = context.analyses.attempts;
    if (attempts.length > 0) {
      parts.push(
        element("h3", {}, "Attempts that did not finish their task"),
        table(
          ["label", ...END_NAMES.map(([, name]) => name), "ran in vain"],
          attempts
            .slice(0, MAX_LABELS)
            .map(({ label, ends, lostMs }) => [
              labelMark(context, label),
              ...END_NAMES.map(([end]) => formatCount(ends[end])),
              formatMs(lostMs),
            ]),
          new Set([1, 2, 3, 4, 5, 6, 7]),
        ),
        ...labelsLeftOut(attempts.length, "of which less ran in vain"),
      );
    }
    return parts;
  },
);

function failureList(context: ViewContext, shown: readonly ViewFailure[]): HTMLElement {
  const entries = (from: number, to: number): HTMLElement[] =>
    shown.slice(from, to).map((failure, i) => failureEntry(context, failure, from + i === 0));
  const list = element("div", {}, ...entries(0, FIRST_SHOWN));
  if (shown.length <= FIRST_SHOWN) return list;
  const rest = Math.min(shown.length, MAX_SHOWN) - FIRST_SHOWN;
  const text = `Show ${formatCount(rest)} more of ${plural(shown.length, "failed task")}`;
  const showAll = (): void => button.replaceWith(...entries(FIRST_SHOWN, MAX_SHOWN));
  const button = element("button", { type: "button", click: showAll }, text);
  list.append(button);
  return list;
}

const END_NAMES: readonly [end: number, name: string][] = [
  [ExecutionEnd.failed, "failed"],
  [ExecutionEnd.workerLost, "worker lost"],
  [ExecutionEnd.inputLost, "input not to be had"],
  [ExecutionEnd.cancelled, "not wanted any more"],
  [ExecutionEnd.retracted, "taken back"],
  [ExecutionEnd.open, "not ended"],
];

function failureEntry(context: ViewContext, failure: ViewFailure, open: boolean): HTMLElement {
  return element(
    "details",
    { class: "failure", open, "data-key": failure.task + context.data.firstTask },
    element(
      "summary",
      {},
      taskLink(context, failure.task),
      element("span", { class: "failure-message" }, firstLine(failure.message)),
      element("span", { class: "more" }, formatAt(failure.atMs)),
    ),
    failureDetails(context, failure),
  );
}

/** All that is known of the end of a task; also shown with a selected task. */
export function failureDetails({ data }: ViewContext, failure: ViewFailure): HTMLElement {
  const worker = data.workers[failure.worker];
  const facts: [string, string][] = failure.facts.map(([name, value]) => [name, value]);
  if (worker !== undefined) facts.push(["worker", `${worker.hostname} (${worker.address})`]);
  return element(
    "div",
    { class: "failure-details" },
    failure.message !== firstLine(failure.message) && element("pre", {}, failure.message),
    element(
      "dl",
      { class: "pairs" },
      ...facts.map(([name, value]) =>
        element("div", {}, element("dt", {}, name), element("dd", {}, value)),
      ),
    ),
    failure.memory !== undefined && memoryCurve(failure.memory),
    failure.stderr !== "" && element("h4", {}, "standard error, the end of it"),
    failure.stderr !== "" && element("pre", { class: "stderr", tabindex: 0 }, failure.stderr),
  );
}

function memoryCurve({ atMs, bytes }: NonNullable<ViewFailure["memory"]>): HTMLElement {
  const [width, height] = [360, 60];
  const last = atMs[atMs.length - 1] || 1;
  const most = Math.max(...bytes, 1);
  const points = atMs.map(
    (ms, i) =>
      `${((ms / last) * width).toFixed(1)},${(height - (bytes[i] / most) * (height - 4)).toFixed(1)}`,
  );
  const text = `Memory: ${formatBytes(bytes[bytes.length - 1])} at the end, at most ${formatBytes(most)}, in ${formatMs(last)}`;
  return element(
    "figure",
    { class: "memory-curve" },
    element("figcaption", {}, text),
    svg(
      "svg",
      { viewBox: `0 0 ${width} ${height}`, width, height, role: "img", "aria-label": text },
      svg("polyline", { points: points.join(" "), class: "curve" }),
    ),
  );
}
