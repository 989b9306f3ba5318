/** Charts of the numbers of tasks over time, from the states that came: detail that was shed is in them. */
import {
  element,
  formatCount,
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
      const chart = (title: string, format: (value: number) => string): TimeChart =>
        new TimeChart(grid, context, { title, show: "value", format });
      const byLabel = chart("Finished tasks by label", formatCount);
      const rate = chart("Tasks that end, per second", formatNumber);
      const unfinished = chart("Unfinished tasks", formatCount);
      const running = chart("Running tasks with a resource request", formatCount);
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
