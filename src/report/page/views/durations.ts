/** Durations by label: a box plot on one axis, with the numbers; and the slowest tasks. */
import type { DurationBox } from "../../analysis/index.js";
import { element, svg, table } from "../dom.js";
import { formatAt, formatCount, formatMs } from "../format.js";
import type { Section } from "../section.js";
import { labelMark, taskLink } from "../task-link.js";
import type { ViewContext } from "../view-context.js";
import { contentSection } from "./content-section.js";
import { labelsLeftOut, MAX_LABELS } from "./label-limit.js";

const MAX_SLOWEST = 20;
const WIDTH = 260;
const HEIGHT = 18;

export const durations: Section = contentSection(
  {
    id: "durations",
    title: "Durations",
    hint: "Of finished tasks. Box: from the lower to the upper quartile with the median; line: from the shortest to the longest; dot: the mean.",
  },
  (context) => {
    const boxes = context.analyses.durations;
    if (boxes.length === 0) return [element("p", { class: "note" }, "No task has finished.")];
    const shown = boxes.slice(0, MAX_LABELS);
    const place = scaleOf(shown);
    const isLog = isWide(shown);
    const rows = shown.map((box) => [
      labelMark(context, box.label),
      boxPlot(context, box, place),
      formatCount(box.count),
      formatMs(box.totalMs),
      formatMs(box.meanMs),
      formatMs(box.minMs),
      formatMs(box.lowerMs),
      formatMs(box.medianMs),
      formatMs(box.upperMs),
      formatMs(box.maxMs),
    ]);
    const head = [
      "label",
      isLog ? "duration (logarithmic)" : "duration",
      ...["tasks", "total", "mean", "shortest", "25 %", "median", "75 %", "longest"],
    ];
    return [
      table(head, rows, new Set([2, 3, 4, 5, 6, 7, 8, 9])),
      ...labelsLeftOut(boxes.length, "with less total time"),
      element("h3", {}, "Slowest tasks"),
      slowest(context),
    ];
  },
);

function slowest(context: ViewContext): HTMLElement {
  const { tasks, workers } = context.data;
  const rows = Array.from(context.analyses.slowest.subarray(0, MAX_SLOWEST), (task) => [
    taskLink(context, task),
    formatMs(tasks.finishedMs[task] - tasks.startedMs[task]),
    formatAt(tasks.startedMs[task]),
    workers[tasks.worker[task]]?.address ?? "–",
  ]);
  return table(["task", "duration", "started", "worker"], rows, new Set([1, 2]));
}

/** Spans more than two decades. */
function isWide(boxes: readonly DurationBox[]): boolean {
  const min = Math.min(...boxes.map(({ minMs }) => minMs));
  return Math.max(...boxes.map(({ maxMs }) => maxMs)) > 100 * Math.max(min, 0.001);
}

function scaleOf(boxes: readonly DurationBox[]): (ms: number) => number {
  const max = Math.max(...boxes.map(({ maxMs }) => maxMs), 0.001);
  const room = WIDTH - 8;
  if (!isWide(boxes)) return (ms) => 4 + (ms / max) * room;
  const low = Math.log(Math.max(0.001, Math.min(...boxes.map(({ minMs }) => minMs))));
  const span = Math.log(max) - low || 1;
  return (ms) => 4 + ((Math.log(Math.max(0.001, ms)) - low) / span) * room;
}

function boxPlot(
  context: ViewContext,
  box: DurationBox,
  place: (ms: number) => number,
): SVGElement {
  const { hex } = context.colourOf(box.label);
  const middle = HEIGHT / 2;
  const [min, lower, median, upper, max, mean] = [
    ...[box.minMs, box.lowerMs, box.medianMs, box.upperMs, box.maxMs, box.meanMs],
  ].map(place);
  const line = (x1: number, x2: number, y1: number, y2: number, width = 1): SVGElement =>
    svg("line", { ...{ x1, x2, y1, y2 }, class: "box-line", "stroke-width": width });
  return svg(
    "svg",
    {
      class: "box-plot",
      viewBox: `0 0 ${WIDTH} ${HEIGHT}`,
      width: WIDTH,
      height: HEIGHT,
      role: "img",
    },
    svg("title", {}, `median ${formatMs(box.medianMs)}`),
    line(min, max, middle, middle),
    line(min, min, middle - 4, middle + 4),
    line(max, max, middle - 4, middle + 4),
    svg("rect", {
      ...{ x: lower, y: 3, width: Math.max(1, upper - lower), height: HEIGHT - 6 },
      fill: hex,
    }),
    line(median, median, 2, HEIGHT - 2, 2),
    svg("circle", { cx: mean, cy: middle, r: 2.5, class: "box-mean" }),
  );
}
