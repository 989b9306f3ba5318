/**
 * `npm run bench:scaling -- [--experiment strong|weak]… [--nodes N]… [--information none|labels|exact]…
 * [--seed N] [--json FILE]`: the scaling experiments of HyperLoom on the simulator, a pharmaceutical
 * machine-learning pipeline on 1 to 64 nodes with 24 cores. docs/simulation.md explains them.
 */
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { generate, readWorkers, type SimulationReport, simulate } from "../src/simulation/index.js";
import { ownCpuMs } from "./process-usage.js";

const CORES = 24;
const NODES = [1, 2, 4, 8, 16, 32, 64];
/** 10 Gbit/s. */
const BYTES_PER_MS = 1.25e6;
/** What the scheduler knows of durations; the trainings' spread over three orders of magnitude. */
const INFORMATION = [
  {
    name: "none",
    what: "durations learned for each model's trainings",
    labels: "",
    information: "none",
  },
  {
    name: "labels",
    what: "durations learned, trainings are labelled with their parameters",
    labels: ",label-params=1",
    information: "none",
  },
  { name: "exact", what: "all durations known", labels: "", information: "exact" },
] as const;

interface Experiment {
  readonly name: "strong" | "weak";
  readonly what: string;
  /** Of HyperLoom in C++, at 64 nodes. */
  readonly published: number;
  workload(nodes: number): string;
  efficiency(baseMs: number, ms: number, nodes: number): number;
}

const EXPERIMENTS: readonly Experiment[] = [
  {
    name: "strong",
    what: "460,000 tasks, 705,600 core-seconds",
    published: 0.78,
    // 460,007 tasks.
    workload: () => "crossv:173,models=3,params=17,core-s=705600",
    efficiency: (baseMs, ms, nodes) => baseMs / (nodes * ms),
  },
  {
    name: "weak",
    what: "12,500 tasks a node, 334 s on one node",
    published: 0.89,
    // 2,509 tasks a data set.
    workload: (nodes) => `crossv:${5 * nodes},models=3,params=16,core-s=${334 * CORES * nodes}`,
    efficiency: (baseMs, ms) => baseMs / ms,
  },
];

interface Row {
  readonly experiment: string;
  readonly information: string;
  readonly nodes: number;
  readonly tasks: number;
  readonly makespanS: number;
  readonly efficiency: number;
  /** Shares of the cores' time. */
  readonly useful: number;
  readonly overhead: number;
  readonly idleTransfers: number;
  readonly idleReady: number;
  readonly idleNoWork: number;
  readonly lowerBoundS: number;
  readonly ratio: number;
  readonly transfersGB: number;
  readonly serverBusy: number;
  readonly realS: number;
  readonly serverCoreUsPerTask: number;
}

function run(
  experiment: Experiment,
  nodes: number,
  information: (typeof INFORMATION)[number],
  seed: number,
) {
  const workload = generate(experiment.workload(nodes) + information.labels, seed);
  const startedMs = performance.now();
  let serverCoreMs = 0;
  const report = simulate({
    workload,
    workers: readWorkers(`${nodes}x${CORES}`, "workers"),
    bytesPerMs: BYTES_PER_MS,
    information: information.information,
    clock: ownCpuMs,
    afterRun: ({ server }) => {
      serverCoreMs = server.coreMs;
    },
  });
  if (!report.completed) throw new Error(`${experiment.name}, ${nodes} nodes: ${report.reason}`);
  return { report, realMs: performance.now() - startedMs, serverCoreMs };
}

function rowOf(
  experiment: Experiment,
  information: string,
  nodes: number,
  baseMs: number,
  {
    report,
    realMs,
    serverCoreMs,
  }: { report: SimulationReport; realMs: number; serverCoreMs: number },
): Row {
  const { coreTimeMs, makespanMs, lowerBound, workload } = report;
  const share = (ms: number) => ms / coreTimeMs.total;
  return {
    experiment: experiment.name,
    information,
    nodes,
    tasks: workload.tasks,
    makespanS: makespanMs / 1000,
    efficiency: experiment.efficiency(baseMs, makespanMs, nodes),
    useful: share(coreTimeMs.useful),
    overhead: share(coreTimeMs.overhead),
    idleTransfers: share(coreTimeMs.idleTransfers),
    idleReady: share(coreTimeMs.idleReady),
    idleNoWork: share(coreTimeMs.idleNoWork),
    lowerBoundS: lowerBound.ms / 1000,
    ratio: report.ratio,
    transfersGB: report.transfers.bytes / 1e9,
    serverBusy: report.server.busyMs / makespanMs,
    realS: realMs / 1000,
    serverCoreUsPerTask: (serverCoreMs * 1000) / workload.tasks,
  };
}

const COLUMNS: readonly [head: string, cell: (row: Row) => string][] = [
  ["nodes", (row) => String(row.nodes)],
  ["tasks", (row) => row.tasks.toLocaleString("en")],
  ["makespan s", (row) => row.makespanS.toFixed(2)],
  ["efficiency", (row) => row.efficiency.toFixed(3)],
  ["useful", (row) => percent(row.useful)],
  ["overhead", (row) => percent(row.overhead)],
  ["transfers", (row) => percent(row.idleTransfers)],
  ["idle, ready", (row) => percent(row.idleReady)],
  ["no work", (row) => percent(row.idleNoWork)],
  ["bound s", (row) => row.lowerBoundS.toFixed(2)],
  ["÷ bound", (row) => row.ratio.toFixed(3)],
  ["GB moved", (row) => row.transfersGB.toFixed(1)],
  ["server", (row) => percent(row.serverBusy)],
  ["core µs/task", (row) => row.serverCoreUsPerTask.toFixed(1)],
  ["real s", (row) => row.realS.toFixed(1)],
];

function percent(share: number): string {
  return `${(100 * share).toFixed(1)}%`;
}

function printRow(row: Row): void {
  console.log(
    COLUMNS.map(([head, cell]) => cell(row).padStart(Math.max(9, head.length))).join("  "),
  );
}

function readArguments() {
  const { values } = parseArgs({
    options: {
      experiment: { type: "string", multiple: true },
      nodes: { type: "string", multiple: true },
      information: { type: "string", multiple: true },
      seed: { type: "string", default: "1" },
      json: { type: "string" },
    },
  });
  const nodes = values.nodes?.map(Number) ?? NODES;
  const wrong = nodes.find((count) => !Number.isInteger(count) || count < 1 || count > 1024);
  if (wrong !== undefined) throw new Error("--nodes takes whole numbers from 1 to 1024");
  return {
    experiments: chosen("--experiment", values.experiment, EXPERIMENTS, ({ name }) => name),
    information: chosen("--information", values.information, INFORMATION, ({ name }) => name),
    nodes,
    seed: Number(values.seed),
    json: values.json,
  };
}

function chosen<T>(
  flag: string,
  names: string[] | undefined,
  all: readonly T[],
  nameOf: (one: T) => string,
): readonly T[] {
  const unknown = names?.find((name) => !all.some((one) => nameOf(one) === name));
  if (unknown !== undefined) {
    throw new Error(`${flag} ${unknown} is not known; use ${all.map(nameOf).join(", ")}`);
  }
  return names === undefined ? all : all.filter((one) => names.includes(nameOf(one)));
}

function main(): void {
  const options = readArguments();
  const rows: Row[] = [];
  for (const experiment of options.experiments) {
    for (const information of options.information) {
      console.log(
        `\n${experiment.name} scaling: ${experiment.what}; ${information.what}. Published at 64 nodes: ${experiment.published}`,
      );
      console.log(COLUMNS.map(([head]) => head.padStart(Math.max(9, head.length))).join("  "));
      let baseMs: number | undefined;
      for (const nodes of options.nodes) {
        // Efficiency is relative to one node.
        baseMs ??= run(experiment, 1, information, options.seed).report.makespanMs;
        const row = rowOf(
          experiment,
          information.name,
          nodes,
          baseMs,
          run(experiment, nodes, information, options.seed),
        );
        rows.push(row);
        printRow(row);
      }
    }
  }
  if (options.json === undefined) return;
  const file = options.json.includes("/")
    ? resolve(options.json)
    : fileURLToPath(new URL(`results/${options.json}`, import.meta.url));
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, `${JSON.stringify({ date: new Date().toISOString(), rows }, null, 2)}\n`);
  console.log(`\nWritten to ${file}`);
}

try {
  main();
} catch (error) {
  console.error(`bench:scaling: ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = 1;
}
