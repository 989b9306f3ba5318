/** The server alone: CPU time and bytes per task by number of connections. */
import type { BenchRecord } from "../../record.js";
import { number, table } from "../markdown.js";
import { newestRecords, type ResultFile, sourceOf } from "../result-files.js";
import { paragraphs, type Section } from "../section.js";

export function server(files: readonly ResultFile[]): Section | undefined {
  const found = newestRecords(files, /^server-/);
  if (found === undefined) return undefined;
  const { file, records } = found;
  const rows = records.map((record) => [
    nameOf(record),
    number(record.workers),
    number(record.warmServerCpuUsPerTask),
    number(record.coldServerCpuUsPerTask),
    number(record.warmTasksPerSecond),
    number(record.toWorkersBytesPerTask),
    number(record.fromWorkersBytesPerTask),
    number(record.tasksPerFrame),
  ]);
  const text = paragraphs(
    "What the server costs by itself: its workers are connections of one process that reports every task as finished at once. CPU time of the server per task, plans that are decoded, released objects and garbage collection included; bytes on the wire per task between server and workers; assignments per frame.",
    table(
      [
        "case",
        "connections",
        "µs warm",
        "µs cold",
        "warm /s",
        "B to workers",
        "B back",
        "tasks/frame",
      ],
      rows,
    ),
    sourceOf(file),
  );
  const names = [...new Set(records.map(nameOf))];
  const connections = [...new Set(records.map(({ workers }) => workers))];
  const panel = (title: string, figure: string) => ({
    title,
    x: { title: "connections", scale: "log" as const, ticks: connections },
    y: { title: "µs per task", scale: "linear" as const },
    series: names.map((name) => ({
      name,
      points: records
        .filter((record) => nameOf(record) === name)
        .map((record) => ({ x: record.workers, y: Number(record[figure]) })),
    })),
  });
  const chart = {
    title: "CPU time of the server per task",
    panels: [
      panel("warm", "warmServerCpuUsPerTask"),
      panel("cold: the first plan", "coldServerCpuUsPerTask"),
    ],
  };
  return { title: "The server alone", text, charts: [{ name: "server-cpu", chart }] };
}

function nameOf(record: BenchRecord): string {
  return record.case.replace("server-", "");
}
