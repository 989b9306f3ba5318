/** Tasks per second of plans of tiny tasks, by number of workers, beside C++ HyperLoom and Dask. */

import type { BenchRecord } from "../../record.js";
import type { Chart, Panel, Series } from "../chart.js";
import { CPP_TASKS_PER_SECOND } from "../cpp-figures.js";
import { number, ratio, table } from "../markdown.js";
import { newestRecords, type ResultFile, sourceOf } from "../result-files.js";
import { paragraphs, type Section } from "../section.js";
import { daskRate } from "./dask.js";

const CASES = ["fanout-100k", "tree-131k", "layers-41k", "chain-5k"];

export function throughput(files: readonly ResultFile[]): Section | undefined {
  const found = newestRecords(files, CASES);
  if (found === undefined) return undefined;
  const { file, records } = found;
  const rows = records.map((record) => {
    const cpp = CPP_TASKS_PER_SECOND[record.case]?.[record.workers];
    const warm = Number(record.warmTasksPerSecond);
    const cold = Number(record.coldTasksPerSecond);
    return [
      record.case,
      number(record.workers),
      number(warm),
      number(cold),
      number(cpp),
      ratio(cpp && warm / cpp),
      ratio(cpp && cold / cpp),
    ];
  });
  const text = paragraphs(
    `Tasks per second from \`submit()\` to the result being finished, for plans of tasks that do almost nothing: ${whatOf(records)}. Warm is the median of later plans in the same processes, cold the first plan in fresh ones. Server, workers and client share the cores of one machine, so many workers are many processes that compete for them.`,
    table(["case", "workers", "warm /s", "cold /s", "C++ /s", "warm/C++", "cold/C++"], rows),
    sourceOf(file),
    "C++: HyperLoom 0.10, an optimised build with its Python client, measured on the same kind of machine but not in the same run; absolute figures of shared machines drift by up to a factor of two.",
  );
  return {
    title: "Throughput",
    text,
    charts: [{ name: "throughput", chart: chart(files, records) }],
  };
}

function whatOf(records: readonly BenchRecord[]): string {
  const what = new Map(records.map((record) => [record.case, record.what]));
  return [...what].map(([name, description]) => `\`${name}\` (${description})`).join(", ");
}

function chart(files: readonly ResultFile[], records: readonly BenchRecord[]): Chart {
  const cases = CASES.filter((name) => records.some((record) => record.case === name));
  return {
    title: "Tasks per second by number of workers",
    panels: cases.map((name): Panel => {
      const own = records.filter((record) => record.case === name);
      const workers = own.map((record) => record.workers);
      const series = (label: string, rate: (workers: number) => number | undefined): Series => ({
        name: label,
        points: workers.flatMap((x) => {
          const y = rate(x);
          return y === undefined ? [] : [{ x, y }];
        }),
      });
      const of = (figure: string) => (count: number) =>
        Number(own.find((record) => record.workers === count)?.[figure]);
      return {
        title: name,
        x: { title: "workers", scale: "log", ticks: workers },
        y: { title: "tasks/s", scale: "log" },
        series: [
          series("HyperLoom, warm", of("warmTasksPerSecond")),
          series("HyperLoom, cold", of("coldTasksPerSecond")),
          series("C++ HyperLoom", (count) => CPP_TASKS_PER_SECOND[name]?.[count]),
          series("Dask", (count) => daskRate(files, name.split("-")[0], count)),
        ].filter(({ points }) => points.length > 0),
      };
    }),
  };
}
