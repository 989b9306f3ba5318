/** Why tasks waited, by label. */
import { element, table } from "../dom.js";
import { formatCount, formatMs } from "../format.js";
import type { Section } from "../section.js";
import { shareBar } from "../share-bar.js";
import { labelMark } from "../task-link.js";
import { contentSection } from "./content-section.js";
import { labelsLeftOut, MAX_LABELS } from "./label-limit.js";

export const waiting: Section = contentSection(
  {
    id: "waiting",
    title: "Why tasks waited",
    hint: "From the submission of each task to its start, summed up. Until its inputs are finished a task can't do otherwise; what comes after that is the cluster's.",
  },
  (context) => {
    const labels = context.analyses.waitsByLabel;
    const sum = (of: (row: (typeof labels)[number]) => number): number =>
      labels.reduce((total, row) => total + of(row), 0);
    const bar = shareBar(
      "Waiting after the inputs were finished",
      [
        {
          name: "for a core",
          colour: "#0072b2",
          value: sum((row) => row.coresMs),
          hint: "cores were busy with other tasks",
        },
        {
          name: "for transfers",
          colour: "#56b4e9",
          value: sum((row) => row.transferMs),
          hint: "the last input was on its way to the worker",
        },
        {
          name: "for scheduling and messages",
          colour: "#d55e00",
          value: sum((row) => row.schedulerMs),
          hint: "there was an idle core",
        },
      ],
      formatMs,
    );
    const rows = labels
      .slice(0, MAX_LABELS)
      .map((row) => [
        labelMark(context, row.label),
        formatCount(row.tasks),
        formatMs(row.inputsMs / row.tasks),
        formatMs(row.coresMs / row.tasks),
        formatMs(row.transferMs / row.tasks),
        formatMs(row.schedulerMs / row.tasks),
        formatMs(row.coresMs + row.transferMs + row.schedulerMs),
      ]);
    const head = [
      "label",
      "tasks",
      "mean: for inputs",
      "for a core",
      "for transfers",
      "for scheduling",
      "sum without inputs",
    ];
    return [
      bar,
      rows.length === 0
        ? element("p", { class: "note" }, "No task has started.")
        : table(head, rows, new Set([1, 2, 3, 4, 5, 6])),
      ...labelsLeftOut(labels.length, "that waited less after their inputs were there"),
    ];
  },
);
