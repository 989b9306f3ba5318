/** Failures with what is known of them, and what functions log. All texts are the user's. */
import {
  element,
  firstLine,
  type Section,
  shortened,
  withoutOutput,
} from "../../../report/page/index.js";
import type { FailureView } from "../../cluster-views.js";
import type { LogView } from "../../live-events.js";
import { retryTaskButton } from "../actions.js";
import type { LiveData } from "../live-data.js";
import { factsOf } from "../live-data.js";

/** Longer labels are shown in full when the failure is opened. */
const MAX_NAME = 100;
const LEVELS = ["", "debug", "info", "warning", "error"];

export function failuresSection(live: () => LiveData): Section {
  return {
    id: "failures",
    title: "Failures",
    hint: "The newest first, with the end of what the task wrote to standard error. A retry runs the task, and what failed with it, once more, if its client still holds a result of them.",
    mount(host) {
      const list = element("div", { class: "failures" });
      const nothing = element("p", { class: "nothing" }, "Nothing has failed.");
      host.append(list, nothing);
      let shown: readonly FailureView[] = [];
      const update = (): void => {
        const { failures } = live();
        if (failures === shown) return;
        // New ones come in front; the others stay as they are, opened or not.
        const fresh = failures.filter((failure) => !shown.includes(failure));
        list.prepend(...fresh.map(failureItem));
        while (list.childElementCount > failures.length) list.lastElementChild?.remove();
        shown = failures;
        nothing.hidden = failures.length > 0;
      };
      update();
      return { update, destroy: () => {} };
    },
  };
}

function failureItem(failure: FailureView): HTMLElement {
  const { task, label, type, atMs, stderr } = failure;
  const message = withoutOutput(failure.message, stderr);
  const time = atMs === undefined ? "" : new Date(atMs).toLocaleTimeString();
  const facts = factsOf(failure).flatMap(([name, value]) => [
    element("dt", {}, name),
    element("dd", {}, value),
  ]);
  const line = firstLine(message);
  const name = label ?? type;
  return element(
    "details",
    { class: "failure" },
    element(
      "summary",
      {},
      element("time", {}, time),
      " ",
      element("b", { title: name }, shortened(name, MAX_NAME)),
      ` (task ${task}) `,
      element("span", {}, line),
    ),
    name.length > MAX_NAME && element("pre", { class: "whole-label" }, name),
    message !== line && element("pre", {}, message),
    element("dl", { class: "facts" }, ...facts),
    stderr === "" ? undefined : element("pre", { class: "stderr" }, stderr),
    retryTaskButton(task),
  );
}

export function logSection(live: () => LiveData): Section {
  return {
    id: "log",
    title: "Log",
    hint: "What functions log while this page is open; the last 500 lines.",
    mount(host) {
      const list = element("ol", { class: "log" });
      const nothing = element("p", { class: "nothing" }, "Nothing has been logged.");
      host.append(list, nothing);
      let last: LogView | undefined;
      const update = (): void => {
        const { log, workers } = live();
        nothing.hidden = log.length > 0;
        const after = last === undefined ? -1 : log.lastIndexOf(last);
        last = log.at(-1);
        const fresh = log.slice(after + 1);
        if (fresh.length === 0) return;
        list.append(
          ...fresh.map(({ atMs, task, label, level, worker, text }) =>
            element(
              "li",
              { class: LEVELS[level] || undefined },
              element("time", {}, new Date(atMs).toLocaleTimeString()),
              ` ${shortened(label, MAX_NAME) || `task ${task}`}, ${workers.nameOf(worker)}: ${text}`,
            ),
          ),
        );
        while (list.childElementCount > log.length) list.firstElementChild?.remove();
      };
      update();
      return { update, destroy: () => {} };
    },
  };
}
