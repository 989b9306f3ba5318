/** What the cores did: work, work in vain, idle by cause. */
import { element } from "../dom.js";
import { formatMs } from "../format.js";
import type { Section } from "../section.js";
import { shareBar } from "../share-bar.js";
import { contentSection } from "./content-section.js";

export const lostTimeView: Section = contentSection(
  {
    id: "lost-time",
    title: "Lost time",
    hint: "The time of all cores of all workers while these were there, of all tasks (the filter does not apply).",
  },
  ({ analyses }) => {
    const lost = analyses.lost;
    if (lost.capacity === 0) return [element("p", { class: "note" }, "There were no workers.")];
    return [
      shareBar(
        "What cores did",
        [
          {
            name: "work",
            colour: "#0072b2",
            value: lost.useful,
            hint: "tasks that finished, or still run",
          },
          {
            name: "work in vain",
            colour: "#aa4499",
            value: lost.inVain,
            hint: "attempts that failed, were lost with a worker, or not wanted any more",
          },
          {
            name: "idle: transfers",
            colour: "#56b4e9",
            value: lost.transfer,
            hint: "inputs of ready tasks were on their way",
          },
          {
            name: "idle: scheduling",
            colour: "#d55e00",
            value: lost.scheduling,
            hint: "ready tasks were not on any worker",
          },
          {
            name: "idle: starting",
            colour: "#e69f00",
            value: lost.starting,
            hint: "ready tasks were on the worker, or another one, and had not started, as functions whose process starts",
          },
          {
            name: "idle: nothing to do",
            colour: "#999999",
            value: lost.noWork,
            hint: "no task was ready: the plan has no more parallel work, or had not come yet",
          },
        ],
        formatMs,
      ),
    ];
  },
);
