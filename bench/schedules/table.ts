/** Tables of scheduled graphs, and what they say together. Called by schedule.ts. */
import type { ScheduleRecord } from "./compare.js";

/** Over the graphs of one cluster and bandwidth, or of all. */
export interface ScheduleSummary {
  name: string;
  /** With published makespans. */
  graphs: number;
  /** Geometric means of the ratios. */
  toBest: number;
  toBound: number;
  toBlevelGt: number;
  toWs: number;
  /** The worst ratio to the best published makespan. */
  worst: number;
  worstGraph: string;
  schedulerMs: number;
}

/** Undefined when there is nothing to compare with. */
export function summarize(
  name: string,
  records: readonly ScheduleRecord[],
): ScheduleSummary | undefined {
  const compared = records.filter(({ toBest }) => toBest !== undefined);
  if (compared.length === 0) return undefined;
  const worst = compared.reduce((most, one) => (one.toBest! > most.toBest! ? one : most));
  const mean = (of: (record: ScheduleRecord) => number | undefined) =>
    geometricMean(compared.flatMap((record) => of(record) ?? []));
  return {
    name,
    graphs: compared.length,
    toBest: mean(({ toBest }) => toBest),
    toBound: mean(({ toBound }) => toBound),
    toBlevelGt: mean(({ toBlevelGt }) => toBlevelGt),
    toWs: mean(({ toWs }) => toWs),
    worst: worst.toBest!,
    worstGraph: worst.graph,
    schedulerMs: records.reduce((sum, { schedulerMs }) => sum + schedulerMs, 0),
  };
}

export function geometricMean(values: readonly number[]): number {
  return Math.exp(values.reduce((sum, value) => sum + Math.log(value), 0) / values.length);
}

const COLUMNS = [
  "graph",
  "ours s",
  "best s",
  "best",
  "/best",
  "/bound",
  "/blevel-gt",
  "/ws",
  "MiB sent",
  "decisions",
  "sched. ms",
];

export function recordTable(records: readonly ScheduleRecord[]): string {
  const ratio = (value: number | undefined) => value?.toFixed(3) ?? "-";
  return table(
    COLUMNS,
    records.map((record) => [
      record.graph,
      record.makespanS.toFixed(2),
      record.bestS?.toFixed(2) ?? "-",
      record.best ?? "-",
      ratio(record.toBest),
      ratio(record.toBound),
      ratio(record.toBlevelGt),
      ratio(record.toWs),
      record.sentMiB.toFixed(0),
      String(record.decisions),
      record.schedulerMs.toFixed(0),
    ]),
  );
}

export function summaryTable(summaries: readonly ScheduleSummary[]): string {
  return table(
    [
      "geometric means",
      "graphs",
      "/best",
      "worst",
      "of",
      "/bound",
      "/blevel-gt",
      "/ws",
      "sched. ms",
    ],
    summaries.map((summary) => [
      summary.name,
      String(summary.graphs),
      summary.toBest.toFixed(3),
      summary.worst.toFixed(3),
      summary.worstGraph,
      summary.toBound.toFixed(3),
      summary.toBlevelGt.toFixed(3),
      summary.toWs.toFixed(3),
      summary.schedulerMs.toFixed(0),
    ]),
  );
}

/** The first column to the left, the others to the right. */
function table(columns: readonly string[], rows: readonly string[][]): string {
  const widths = columns.map((column, i) =>
    Math.max(column.length, ...rows.map((row) => row[i].length)),
  );
  const line = (cells: readonly string[]) =>
    cells
      .map((cell, i) => (i === 0 ? cell.padEnd(widths[i]) : cell.padStart(widths[i])))
      .join("  ");
  return [line(columns), ...rows.map(line)].join("\n");
}
