/**
 * `npm run bench:simulate-scale -- [--large] [--json FILE]`: what a task costs the server core with 8, 64 and
 * 1,000 workers, and what the simulator takes. `--large`: 1,000,000 tasks on 1,000 workers and
 * 10,000,000 on 100, some minutes each. Only real figures of the core's calls, no sockets.
 */
import { writeFileSync } from "node:fs";
import { resolve } from "node:path";
import { parseArgs } from "node:util";
import { generate, readWorkers, simulate } from "../src/simulation/index.js";
import { ownCpuMs } from "./process-usage.js";

const BYTES_PER_MS = 1.25e6;
const CORES = 8;

interface Shape {
  readonly name: string;
  readonly spec: string;
}

/** About 200,000 tasks each: twice as many as cores at 1,000 workers, and more. */
const SHAPES: readonly Shape[] = [
  { name: "independent", spec: "fanout:200000,ms=50,sigma=1" },
  { name: "chains", spec: "chain:16000x12,ms=50,sigma=1" },
  { name: "layers with transfers", spec: "layers:16000x12,ms=50,sigma=1,bytes=100kB" },
  { name: "light layers", spec: "layers:16000x12,cpus=0,ms=0.2,bytes=100" },
  { name: "cross-validation", spec: "crossv:40,params=20" },
];
const WORKERS = [8, 64, 1000];
const WARM_UP: readonly Shape[] = [
  { name: "warm-up", spec: "layers:2000x12,ms=50,sigma=1,bytes=100kB" },
  { name: "warm-up", spec: "layers:4000x12,cpus=0,ms=0.2,bytes=100" },
  { name: "warm-up", spec: "crossv:2" },
];

const LARGE: readonly (Shape & { readonly workers: number })[] = [
  {
    name: "1,000,000 tasks, 1,000 workers",
    spec: "layers:16000x63,ms=50,sigma=1,bytes=100kB",
    workers: 1000,
  },
  {
    name: "10,000,000 light tasks, 100 workers",
    spec: "layers:100000x100,cpus=0,ms=0.02,bytes=100",
    workers: 100,
  },
  {
    name: "10,000,000 tasks, 100 workers",
    spec: "layers:16000x625,ms=5,sigma=1,bytes=10kB",
    workers: 100,
  },
];

interface Row {
  readonly shape: string;
  readonly workers: number;
  readonly tasks: number;
  readonly ratio: number;
  readonly transfers: number;
  readonly coreUsPerTask: number;
  readonly simulatedUsPerTask: number;
  readonly realS: number;
  readonly bytesPerTask: number;
  readonly peakMB: number;
}

function measure({ name, spec }: Shape, workers: number): Row {
  const workload = generate(spec, 1);
  const startedMs = performance.now();
  const cpuBefore = ownCpuMs();
  let coreMs = 0;
  const report = simulate({
    workload,
    workers: readWorkers(`${workers}x${CORES}`, "workers"),
    bytesPerMs: BYTES_PER_MS,
    clock: ownCpuMs,
    afterRun: ({ server }) => {
      ({ coreMs } = server);
    },
  });
  if (!report.completed) throw new Error(`${spec} on ${workers} workers: ${report.reason}`);
  const tasks = workload.taskCount;
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return {
    shape: name,
    workers,
    tasks,
    ratio: report.ratio,
    transfers: report.transfers.count,
    coreUsPerTask: (coreMs * 1000) / tasks,
    simulatedUsPerTask: ((ownCpuMs() - cpuBefore) * 1000) / tasks,
    realS: (performance.now() - startedMs) / 1000,
    bytesPerTask: (heapUsed + arrayBuffers) / tasks,
    peakMB: process.resourceUsage().maxRSS / 1024,
  };
}

const HEADS = [
  "workers",
  "tasks",
  "÷ bound",
  "transfers",
  "core µs/task",
  "simulated µs/task",
  "real s",
  "bytes/task",
  "peak MB",
];

function print(row: Row): void {
  const cells = [
    String(row.workers),
    row.tasks.toLocaleString("en"),
    row.ratio.toFixed(3),
    row.transfers.toLocaleString("en"),
    row.coreUsPerTask.toFixed(2),
    row.simulatedUsPerTask.toFixed(2),
    row.realS.toFixed(1),
    row.bytesPerTask.toFixed(0),
    row.peakMB.toFixed(0),
  ];
  console.log(cells.map((cell, i) => cell.padStart(Math.max(10, HEADS[i].length))).join("  "));
}

function printHead(text: string): void {
  console.log(`\n${text}`);
  console.log(HEADS.map((head) => head.padStart(Math.max(10, head.length))).join("  "));
}

const { values } = parseArgs({
  options: { large: { type: "boolean", default: false }, json: { type: "string" } },
});
const rows: Row[] = [];
const record = (row: Row): Row => {
  rows.push(row);
  print(row);
  return row;
};
if (values.large) {
  for (const { name, spec, workers } of LARGE) {
    printHead(name);
    record(measure({ name, spec }, workers));
  }
} else {
  // Compiled code is what is measured.
  for (const { name, spec } of WARM_UP) measure({ name, spec }, 64);
  for (const shape of SHAPES) {
    printHead(`${shape.name}: ${shape.spec}`);
    const costs = WORKERS.map((workers) => record(measure(shape, workers)).coreUsPerTask);
    const ratio = costs[costs.length - 1] / costs[0];
    console.log(`a task costs ${ratio.toFixed(2)} times as much with 1,000 workers as with 8`);
  }
}
if (values.json !== undefined) {
  const file = resolve(values.json);
  writeFileSync(file, `${JSON.stringify({ date: new Date().toISOString(), rows }, null, 2)}\n`);
  console.log(`\nWritten to ${file}`);
}
