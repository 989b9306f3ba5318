/**
 * Progress as lines of text: a line for all tasks, lines for labels, a summary. Pure text: when and where it
 * is shown is progress-display.ts's. python/loom/progress_lines.py gives the same lines for the same
 * numbers; test/client/progress-vectors.json is what both are tested with.
 */
import {
  clipped,
  formatDuration,
  formatRate,
  lengthOf,
  progressBar,
  shownName,
} from "../base/index.js";
import type { LabelProgress } from "./reports.js";

const BAR_WIDTH = 20;
/** A shorter one says nothing: then there is none. */
const MIN_BAR_WIDTH = 4;
const MAX_LABELS = 8;
const MAX_NAME_LENGTH = 24;
const MIN_NAME_LENGTH = 6;
/** No estimate before so much time. */
const ESTIMATE_AFTER_MS = 2000;

/** What is shown at one moment. */
export interface ProgressView {
  readonly elapsedMs: number;
  readonly finished: number;
  readonly failed: number;
  readonly total: number;
  /** Tasks per second lately; 0: none. */
  readonly ratePerS: number;
  readonly labels: readonly LabelProgress[];
}

/** The terminal. */
export interface LineOptions {
  readonly columns: number;
  readonly rows: number;
  /** It shows more than ASCII. */
  readonly unicode: boolean;
}

/** The lines, none longer than the terminal is wide, and fewer than it has rows. */
export function progressLines(view: ProgressView, options: LineOptions): string[] {
  const { finished, failed, total, ratePerS, elapsedMs } = view;
  const done = finished + failed;
  const labels = view.labels.filter((label) => label.total > 0);
  const shown = chooseLabels(labels, Math.max(0, Math.min(MAX_LABELS, options.rows - 3)));
  const row = (name: string, part: number, whole: number, details: readonly string[]): Row => {
    return { name, part, whole, numbers: [`${part}/${whole}`, ...details].join(", ") };
  };
  const hasEstimate = ratePerS > 0 && elapsedMs >= ESTIMATE_AFTER_MS && done < total;
  const rows = [
    row("tasks", done, total, [
      ...(ratePerS > 0 ? [formatRate(ratePerS)] : []),
      ...(hasEstimate ? [`${formatDuration(((total - done) / ratePerS) * 1000)} left`] : []),
      ...(failed > 0 ? [`${failed} failed`] : []),
    ]),
    ...shown.map((label) =>
      row(label.name, label.finished + label.failed, label.total, [
        ...(label.running > 0 ? [`${label.running} running`] : []),
        ...(label.failed > 0 ? [`${label.failed} failed`] : []),
      ]),
    ),
  ];
  const lines = linesOf(rows, options);
  const left = labels.length - shown.length;
  if (left > 0 && options.rows > 3) lines.push(`  +${left} ${left === 1 ? "label" : "labels"}`);
  return lines.map((line) => clipped(line, options.columns - 1));
}

/** A line in parts; the first is that of all tasks. */
interface Row {
  readonly name: string;
  readonly part: number;
  readonly whole: number;
  readonly numbers: string;
}

/** In a narrow terminal bars become shorter first, then names: the numbers are what matters. */
function linesOf(rows: readonly Row[], { columns, unicode }: LineOptions): string[] {
  const namesUpTo = (limit: number): string[] =>
    rows.map(({ name }, i) => (i === 0 ? name : `  ${shownName(name, limit)}`));
  const widest = (texts: readonly string[]): number => Math.max(...texts.map(lengthOf));
  const numbers = widest(rows.map((row) => row.numbers));
  let names = namesUpTo(MAX_NAME_LENGTH);
  const space = columns - 1 - numbers - 1;
  let barWidth = Math.min(BAR_WIDTH, space - widest(names) - 1);
  if (barWidth < MIN_BAR_WIDTH) {
    barWidth = 0;
    const limit = Math.max(MIN_NAME_LENGTH, Math.min(MAX_NAME_LENGTH, space - 2));
    names = namesUpTo(limit);
  }
  const width = widest(names);
  return rows.map((row, i) => {
    const name = names[i] + " ".repeat(width - lengthOf(names[i]));
    const bar = progressBar(row.part, row.whole, barWidth, unicode);
    return `${name} ${bar}${barWidth > 0 ? " " : ""}${row.numbers}`;
  });
}

/** The line that is left when all is over. */
export function progressSummary(
  finished: number,
  failed: number,
  unfinished: number,
  elapsedMs: number,
): string {
  const parts = [
    `${finished} ${finished === 1 ? "task" : "tasks"} finished`,
    ...(failed > 0 ? [`${failed} failed`] : []),
    ...(unfinished > 0 ? [`${unfinished} not done`] : []),
  ];
  return `${parts.join(", ")} in ${formatDuration(elapsedMs)}`;
}

/** What happens comes first, then what is still to come, then what is done; shown in the order in which they came. */
function chooseLabels(labels: readonly LabelProgress[], count: number): LabelProgress[] {
  const urgency = ({ running, finished, failed, total }: LabelProgress): number => {
    const done = finished + failed;
    if (done === total) return 2;
    return running > 0 || done > 0 ? 0 : 1;
  };
  const order = [...labels.keys()].sort((a, b) => urgency(labels[a]) - urgency(labels[b]) || a - b);
  const chosen = order.slice(0, count).sort((a, b) => a - b);
  return chosen.map((i) => labels[i]);
}
