/** docs/performance.md as text, and its charts, from files of results. Called by write-performance.ts. */
import { renderChart } from "./chart.js";
import type { ResultFile } from "./result-files.js";
import { paragraphs, type SectionMaker } from "./section.js";
import { client } from "./sections/client.js";
import { dask } from "./sections/dask.js";
import { functions, programs, transfers } from "./sections/executors.js";
import { memory } from "./sections/memory.js";
import { profiles } from "./sections/profiles.js";
import { scaling } from "./sections/scaling.js";
import { schedules } from "./sections/schedules.js";
import { server } from "./sections/server.js";
import { throughput } from "./sections/throughput.js";

const SECTIONS: readonly SectionMaker[] = [
  throughput,
  dask,
  server,
  profiles,
  memory,
  client,
  functions,
  programs,
  transfers,
  schedules,
  scaling,
];

const HEAD = `# Performance

<!-- Written by npm run bench:docs from bench/results. Change it there. -->

[benchmarks.md](benchmarks.md) says how to run these measurements and what the figures mean.
Each table is from one run, the newest that has such figures.`;

export interface PerformancePage {
  markdown: string;
  /** SVG by file name in docs/images. */
  images: Map<string, string>;
}

/** @param files the newest first */
export async function performancePage(files: readonly ResultFile[]): Promise<PerformancePage> {
  const parts = [HEAD];
  const images = new Map<string, string>();
  for (const make of SECTIONS) {
    const section = make(files);
    if (section === undefined) continue;
    parts.push(`## ${section.title}`, section.text);
    for (const { name, chart } of section.charts) {
      const file = `performance-${name}.svg`;
      images.set(file, await renderChart(chart));
      parts.push(`![${chart.title}](images/${file})`);
    }
  }
  return { markdown: `${paragraphs(...parts)}\n`, images };
}
