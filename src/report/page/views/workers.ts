/** The workers: what they had, were used for, and how they went. */
import { element, table } from "../dom.js";
import {
  formatAt,
  formatBytes,
  formatCount,
  formatMeasured,
  formatMs,
  formatNumber,
  formatShare,
} from "../format.js";
import type { Section } from "../section.js";
import { contentSection } from "./content-section.js";

export const workersView: Section = contentSection(
  {
    id: "workers",
    title: "Workers",
    hint: "High-water marks are of samples taken each second. A clock's offset is added to the times that the worker tells.",
  },
  (context) => {
    const { data, analyses } = context;
    if (data.workers.length === 0)
      return [element("p", { class: "note" }, "There are no workers.")];
    const ran = new Uint32Array(data.workers.length);
    const { tasks } = data;
    for (let task = 0; task < tasks.count; task++) {
      if (tasks.worker[task] >= 0 && !Number.isNaN(tasks.startedMs[task]))
        ran[tasks.worker[task]]++;
    }
    const rows = data.workers.map((worker, i) => {
      const marks = analyses.memory[i];
      const busyMs = analyses.cores.busy[i].integral(0, data.durationMs);
      const idleMs = analyses.cores.idle[i].integral(0, data.durationMs);
      const gone = Number.isNaN(worker.goneMs)
        ? ""
        : `gone at ${formatAt(worker.goneMs)}: ${worker.goneReason}`;
      return [
        String(i),
        element("span", { title: `pid ${worker.pid}` }, `${worker.hostname} (${worker.address})`),
        String(worker.cpus),
        worker.resources.map(({ name, amount }) => resourceText(name, amount)).join(", "),
        formatCount(ran[i]),
        formatShare(busyMs, busyMs + idleMs),
        formatMeasured(marks.meanCpus),
        atTime(formatBytes(marks.maxBytes), marks.maxAtMs),
        atTime(formatBytes(marks.maxObjectBytes), marks.maxObjectAtMs),
        atTime(formatBytes(marks.minFreeBytes), marks.minFreeAtMs),
        `${formatMs(worker.clockOffsetMs)} ± ${formatMs(worker.clockUncertaintyMs)}`,
        formatAt(worker.joinedMs),
        element("span", { class: "wrap" }, gone),
      ];
    });
    const head = [
      ...["", "worker", "cores", "resources", "tasks", "cores held", "CPU, mean"],
      ...["memory, most", "objects, most", "free memory, least", "clock offset", "joined", ""],
    ];
    return [
      element(
        "div",
        { class: "scroll" },
        table(head, rows, new Set([0, 2, 4, 5, 6, 7, 8, 9, 10, 11])),
      ),
    ];
  },
);

function atTime(text: string, ms: number): HTMLElement {
  return element("span", { title: Number.isNaN(ms) ? "" : `at ${formatAt(ms)}` }, text);
}

/** Memory is in bytes, other amounts are plain. */
function resourceText(name: string, amount: number): string {
  return `${name} ${name === "mem" ? formatBytes(amount) : formatNumber(amount)}`;
}
