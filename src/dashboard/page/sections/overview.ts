/** The cluster in numbers, and the progress of each label. */
import {
  element,
  formatBytes,
  formatCount,
  formatMs,
  formatNumber,
  type Section,
} from "../../../report/page/index.js";
import type { LabelCount } from "../../../server-core/index.js";
import { KeyedTable } from "../keyed-table.js";
import type { LiveData } from "../live-data.js";
import { progressBar } from "../progress-bar.js";

export function overviewSection(live: () => LiveData): Section {
  return {
    id: "cluster",
    title: "Cluster",
    mount(host) {
      const tiles = new Map<string, HTMLElement>();
      const bar = element("dl", { class: "tiles" });
      const show = (name: string, value: string): void => {
        let tile = tiles.get(name);
        if (tile === undefined) {
          tile = element("dd");
          tiles.set(name, tile);
          bar.append(element("div", {}, element("dt", {}, name), tile));
        }
        if (tile.textContent !== value) tile.textContent = value;
      };
      const notes = element("ul", { class: "waiting", role: "status" });
      const labels = new KeyedTable<LabelCount>(
        [
          { title: "Label", text: ({ label }) => label },
          { title: "Progress", make: progressBar },
          { title: "Running", isNumber: true, text: ({ running }) => formatCount(running) },
          { title: "Finished", isNumber: true, text: ({ finished }) => formatCount(finished) },
          { title: "Failed", isNumber: true, text: ({ failed }) => formatCount(failed) },
          { title: "All", isNumber: true, text: ({ total }) => formatCount(total) },
          { title: "Executed again", isNumber: true, text: ({ again }) => formatCount(again) },
        ],
        ({ label }) => label,
        "No client that is connected has submitted tasks.",
      );
      host.append(bar, notes, labels.node);
      const update = (): void => {
        const { state } = live();
        const { tasks, workers, clients } = state;
        const sum = (read: (worker: (typeof workers)[number]) => number): number =>
          workers.reduce((total, worker) => total + read(worker), 0);
        show("unfinished tasks", formatCount(tasks.unfinished));
        show("running", formatCount(state.running.tasks.length + state.running.more));
        show("finished", formatCount(tasks.finished));
        show("failed", formatCount(tasks.failed));
        show("workers", formatCount(workers.length + state.moreWorkers));
        show("clients", formatCount(clients.length));
        const used = formatNumber(Math.round(sum(({ sample }) => sample?.cpus ?? 0) * 10) / 10);
        show("cores in use", `${used} of ${formatCount(sum(({ cpus }) => cpus))}`);
        show("memory in use", formatBytes(sum(({ sample }) => sample?.memoryBytes ?? 0)));
        show("up for", formatMs(state.timeMs - state.startedMs));
        const waiting = state.waitingForWorkers.map(({ request, type, tasks: count }) => {
          const what = request === "" ? "" : ` with ${request}`;
          return `No worker can execute: ${formatCount(count)} of type ${type}${what}`;
        });
        const texts = [...waiting, ...live().warnings()];
        if (notes.textContent !== texts.join("")) {
          notes.replaceChildren(...texts.map((text) => element("li", {}, text)));
        }
        labels.update(state.labels);
      };
      update();
      return { update, destroy: () => {} };
    },
  };
}
