/**
 * `npm run bench:schedule -- [--graph NAME]… [--cluster 8x4]… [--bandwidth N]… [--mode exact|user|mean]
 * [--plan core|lookahead] [--budget N] [--json FILE]`: schedules published graphs in the model of the
 * study that published them, and compares makespans. docs/simulation-study.md explains it.
 */
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { messageOf } from "../src/base/index.js";
import { resultHeader } from "./result-header.js";
import { readScheduleArguments } from "./schedules/arguments.js";
import { compare, type ScheduleRecord } from "./schedules/compare.js";
import { loadGraphs, loadReferences } from "./schedules/load-data.js";
import { recordTable, type ScheduleSummary, summarize, summaryTable } from "./schedules/table.js";

function main(): void {
  const graphs = loadGraphs();
  const options = readScheduleArguments(process.argv.slice(2), [...graphs.keys()]);
  const { mode, plan } = options;
  const references = loadReferences().filter(
    ({ netmodel, imode, msd }) => netmodel === "maxmin" && imode === mode && msd === 0.1,
  );
  const all: ScheduleRecord[] = [];
  const failures: string[] = [];
  const summaries: ScheduleSummary[] = [];
  const add = (summary: ScheduleSummary | undefined) => {
    if (summary !== undefined) summaries.push(summary);
  };
  for (const cluster of options.clusters) {
    for (const bandwidthMiB of options.bandwidths) {
      const setting = `${cluster.name}, ${bandwidthMiB} MiB/s`;
      const records: ScheduleRecord[] = [];
      for (const graph of graphs.values()) {
        if (options.graphs?.includes(graph.name) === false) continue;
        const reference = references.find(
          (one) =>
            one.graph === graph.name &&
            one.cluster === cluster.name &&
            one.bandwidth === bandwidthMiB,
        );
        if (reference === undefined && options.graphs === undefined) continue;
        try {
          records.push(compare(graph, { ...cluster, bandwidthMiB }, reference, options));
        } catch (error) {
          failures.push(`${graph.name}, ${setting}: ${messageOf(error)}`);
        }
      }
      if (records.length === 0) continue;
      console.log(`\n${setting}, information ${mode}, plan by the ${plan}`);
      console.log(recordTable(records));
      add(summarize(setting, records));
      all.push(...records);
    }
  }
  if (summaries.length > 1) add(summarize("all", all));
  if (summaries.length > 0) console.log(`\n${summaryTable(summaries)}`);
  if (all.length === 0 && failures.length === 0) {
    console.log("Nothing is published for this; --graph NAME runs a graph all the same.");
  }
  for (const failure of failures) console.error(`bench:schedule: ${failure}`);
  if (failures.length > 0) process.exitCode = 1;
  if (options.json === undefined) return;
  const file = resultFile(options.json);
  mkdirSync(dirname(file), { recursive: true });
  const results = { ...resultHeader(), mode, plan, summaries, records: all, failures };
  writeFileSync(file, `${JSON.stringify(results, null, 2)}\n`);
  console.log(`\nWritten to ${file}`);
}

/** A bare name goes to bench/results/. */
function resultFile(name: string): string {
  return name.includes("/")
    ? resolve(name)
    : fileURLToPath(new URL(`results/${name}`, import.meta.url));
}

try {
  main();
} catch (error) {
  console.error(`bench:schedule: ${messageOf(error)}`);
  process.exitCode = 1;
}
