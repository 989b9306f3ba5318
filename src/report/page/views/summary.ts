/** The page's first section: totals, warnings of the trace, and where the time went in one bar. */
import { TracedState } from "../../../trace/index.js";
import { element } from "../dom.js";
import { formatCount, formatMs, formatShare, plural } from "../format.js";
import type { Section, SectionView } from "../section.js";
import type { ViewContext } from "../view-context.js";

export const summary: Section = {
  id: "summary",
  title: "Summary",
  mount: (host, context) => new Summary(host, context),
};

class Summary implements SectionView {
  constructor(
    private readonly host: HTMLElement,
    private readonly context: ViewContext,
  ) {
    this.update();
  }

  update(): void {
    this.host.replaceChildren(this.facts(), ...this.warnings());
  }

  destroy(): void {
    this.host.replaceChildren();
  }

  private facts(): HTMLElement {
    const { data, mask, analyses } = this.context;
    const counts = this.counts();
    const cpus = data.workers.reduce((sum, worker) => sum + worker.cpus, 0);
    const { heldMs, thereMs } = analyses.held;
    const facts: [string, string, string?][] = [
      ["tasks", formatCount(counts.all), mask === undefined ? undefined : "that pass the filter"],
      ["finished", formatCount(counts.finished)],
      ["failed", formatCount(counts.failed), counts.failed > 0 ? "bad" : undefined],
      ["cancelled", formatCount(counts.cancelled)],
      ["not ended", formatCount(counts.open)],
      ["time", formatMs(data.durationMs), data.complete || data.live ? undefined : "cut off"],
      ["workers", formatCount(data.workers.length), plural(cpus, "core")],
      ["cores held", formatShare(heldMs, thereMs), "of the time, on average"],
      ["began", new Date(data.startMs).toLocaleString(), `HyperLoom ${data.software}`],
    ];
    return element(
      "dl",
      { class: "facts" },
      ...facts.map(([name, value, more]) =>
        element(
          "div",
          { class: "fact" },
          element("dt", {}, name),
          element("dd", { class: more === "bad" ? "bad" : undefined }, value),
          more !== undefined && more !== "bad" && element("dd", { class: "more" }, more),
        ),
      ),
    );
  }

  private counts(): Record<"all" | "finished" | "failed" | "cancelled" | "open", number> {
    const { data, mask, filter } = this.context;
    const counts = { all: 0, finished: 0, failed: 0, cancelled: 0, open: 0 };
    // Totals know of tasks that are not in the columns, but only by label.
    if (data.totals !== undefined && filter.text === "" && filter.state === -1) {
      data.totals.forEach((total, label) => {
        if (filter.hidden.has(label)) return;
        counts.all += total.tasks;
        counts.finished += total.finished;
        counts.failed += total.failed;
        counts.cancelled += total.cancelled;
      });
      counts.open = counts.all - counts.finished - counts.failed - counts.cancelled;
      return counts;
    }
    const { tasks } = data;
    for (let task = 0; task < tasks.count; task++) {
      if (mask !== undefined && mask[task] === 0) continue;
      counts.all++;
      if (tasks.state[task] === TracedState.finished) counts.finished++;
      else if (tasks.state[task] === TracedState.failed) counts.failed++;
      else if (tasks.state[task] === TracedState.cancelled) counts.cancelled++;
      else counts.open++;
    }
    return counts;
  }

  private warnings(): HTMLElement[] {
    const { warnings, complete, live } = this.context.data;
    const lines = [...warnings];
    if (!complete && !live && lines.length === 0) {
      lines.push("The trace does not end in order: the server was killed, or still runs.");
    }
    if (lines.length === 0) return [];
    return [
      element(
        "div",
        { class: "warnings", role: "note" },
        element("strong", {}, lines.length === 1 ? "Warning" : `${lines.length} warnings`),
        element("ul", {}, ...lines.map((line) => element("li", {}, line))),
      ),
    ];
  }
}
