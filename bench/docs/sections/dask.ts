/** HyperLoom and Dask in one run. */
import { number, ratio, table } from "../markdown.js";
import { newestRecords, type ResultFile, sourceOf } from "../result-files.js";
import { paragraphs, type Section } from "../section.js";

const DASK = /^dask-/;

export function dask(files: readonly ResultFile[]): Section | undefined {
  const found = newestRecords(files, DASK);
  if (found === undefined) return undefined;
  const { file, records } = found;
  const rows = records.map((record) => [
    record.case.replace("dask-", ""),
    number(record.workers),
    number(record.warmTasksPerSecond),
    number(record.daskTasksPerSecond),
    ratio(Number(record.ratioToDask)),
    number(record.daskTasks),
    number(record.sameSizeTasksPerSecond),
    ratio(Number(record.sameSizeRatioToDask)),
  ]);
  const text = paragraphs(
    `\`npm run bench -- --peer dask\` runs the same graphs on Dask ${records[0].daskVersion}, in the same run on the same machine: its scheduler and as many worker processes, connected over TCP, time from handing the graph to the client until the result is finished. Dask gets smaller graphs, as it would take minutes for those of the plan cases: rates are compared. The last columns have HyperLoom with the graph that Dask gets, where plans of some milliseconds are too short for its full rate. External programs (\`run\`) are limited by the kernel, which starts and ends them.`,
    table(
      [
        "graph",
        "workers",
        "ours /s",
        "Dask /s",
        "ratio",
        "Dask's tasks",
        "ours, same size /s",
        "ratio",
      ],
      rows,
    ),
    sourceOf(file),
  );
  return { title: "Dask", text, charts: [] };
}

/** Tasks per second, or undefined when there is no such run. */
export function daskRate(
  files: readonly ResultFile[],
  graph: string,
  workers: number,
): number | undefined {
  const rate = newestRecords(files, DASK)?.records.find(
    (record) => record.case === `dask-${graph}` && record.workers === workers,
  )?.daskTasksPerSecond;
  return typeof rate === "number" ? rate : undefined;
}
