/** Charts of the numbers of tasks over time, from the states that came: detail that was shed is in them. */
import {
  COUNT_STEPS,
  element,
  formatCount,
  formatMeasured,
  formatNumber,
  type Section,
  TimeChart,
} from "../../../report/page/index.js";
import type { LiveData } from "../live-data.js";

const BLUE = { hex: "#0072b2", striped: false };
const ORANGE = { hex: "#e69f00", striped: false };
const GREEN = { hex: "#009e73", striped: false };

export function progressSection(live: () => LiveData): Section {
  return {
    id: "progress",
    title: "Progress",
    mount(host, context) {
      const grid = element("div", { class: "chart-grid" });
      host.append(grid);
      const counts = (title: string, nothing: string): TimeChart =>
        new TimeChart(grid, context, {
          ...{ title, nothing, show: "value", format: formatCount, steps: COUNT_STEPS },
        });
      const byLabel = counts("Finished tasks by label", "Nothing has finished.");
      const rate = new TimeChart(grid, context, {
        ...{ title: "Tasks that end, per second", nothing: "Nothing has ended." },
        ...{ show: "value", format: formatMeasured, formatTick: formatNumber },
      });
      const unfinished = counts("Unfinished tasks", "There were none.");
      const running = counts("Running tasks with a resource request", "There were none.");
      const update = (): void => {
        const { history } = live();
        byLabel.show(
          history.finishedByLabel().map(([label, curve]) => ({
            name: context.data.labels[label],
            colour: context.colourOf(label),
            curve,
          })),
        );
        rate.show([{ name: "end", colour: GREEN, curve: history.endRate }]);
        unfinished.show([{ name: "unfinished", colour: ORANGE, curve: history.unfinished }]);
        running.show([{ name: "running", colour: BLUE, curve: history.running }]);
      };
      update();
      return {
        update,
        destroy: () => {
          for (const one of [byLabel, rate, unfinished, running]) one.destroy();
        },
      };
    },
  };
}
