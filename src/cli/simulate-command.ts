/** `loom simulate`: flags → a workload and a cluster → simulate → a table or JSON. */
import { readFileSync } from "node:fs";
import { performance } from "node:perf_hooks";
import { gunzipSync } from "node:zlib";
import { messageOf } from "../base/index.js";
import {
  DEFAULT_COSTS,
  type Fault,
  generate,
  graphWorkload,
  NO_COSTS,
  readBytesPerMs,
  readFault,
  readFaultRate,
  readGraphFile,
  readTimeMs,
  readWorkers,
  simulate,
  type WorkerSpec,
  type Workload,
} from "../simulation/index.js";
import { readTrace } from "../trace/index.js";
import { usageError } from "./cli-error.js";
import { type Replay, replayOf } from "./replay-workload.js";
import { DEFAULT_CLUSTER, type SimulateFlags } from "./simulate-options.js";
import { describeSimulation, type SimulationCost } from "./simulation-table.js";
import { readableFile } from "./values.js";

const MAX_WORKERS = 32_767;
const INFORMATION = ["none", "exact", "user"] as const;

export async function simulateCommand(_args: string[], flags: SimulateFlags): Promise<number> {
  const given = flags.workers.flatMap((text) => readWorkers(text, `--workers ${text}`));
  const bytesPerMs = readBytesPerMs(flags.bandwidth, "--bandwidth");
  const latencyMs = readTimeMs(flags.latency, "--latency");
  const costs = flags.free === true ? NO_COSTS : { ...DEFAULT_COSTS, latencyMs };
  const information = INFORMATION.find((known) => known === flags.information);
  if (information === undefined) {
    const known = INFORMATION.join(", ");
    throw usageError(`--information ${flags.information} is not known; use one of ${known}`);
  }
  const faults = (flags.fault ?? []).map((text) => readFault(text, `--fault ${text}`));
  const { faults: rate, until } = flags;
  const faultRate = rate === undefined ? undefined : readFaultRate(rate, `--faults ${rate}`);
  const untilMs = until === undefined ? undefined : readTimeMs(until, "--until");
  const { workload, replay } = await readWorkload(flags);
  const workers =
    replay !== undefined && flags.workers === DEFAULT_CLUSTER ? replay.workers : given;
  checkFaults(faults, workers);
  for (const warning of replay?.warnings ?? []) process.stderr.write(`warning: ${warning}\n`);

  const heapBefore = process.memoryUsage();
  const startedMs = performance.now();
  let serverCoreMs = 0;
  const report = simulate({
    workload,
    workers,
    bytesPerMs,
    costs,
    information,
    faults,
    faultRate,
    untilMs,
    clock: () => performance.now(),
    afterRun: (simulation) => {
      serverCoreMs = simulation.server.coreMs;
    },
  });
  const realMs = performance.now() - startedMs;
  const heap = process.memoryUsage();
  const bytes = heap.heapUsed + heap.arrayBuffers - heapBefore.heapUsed - heapBefore.arrayBuffers;
  const tasks = Math.max(1, workload.taskCount);
  const cost: SimulationCost = {
    realMs,
    tasksPerS: (tasks / realMs) * 1000,
    serverCoreUsPerTask: (serverCoreMs * 1000) / tasks,
    heapBytesPerTask: Math.max(0, bytes) / tasks,
    peakResidentBytes: process.resourceUsage().maxRSS * 1024,
  };
  const recorded = replay && {
    makespanMs: replay.recordedMs,
    workers: replay.workers.length,
    cpus: replay.workers.reduce((sum, { cpus }) => sum + cpus, 0),
  };
  const text =
    flags.json === true
      ? JSON.stringify({ ...report, recorded, simulator: cost }, null, 2)
      : describeSimulation(report, cost, recorded);
  process.stdout.write(`${text}\n`);
  // What was not to be simulated any more is not missed.
  const stopped = untilMs !== undefined && report.makespanMs >= untilMs;
  return report.completed || stopped ? 0 : 1;
}

async function readWorkload(
  flags: SimulateFlags,
): Promise<{ workload: Workload; replay?: Replay }> {
  const { graph, generate: spec, trace, run } = flags;
  const given = [
    ["--graph", graph],
    ["--generate", spec],
    ["--trace", trace],
  ].filter(([, value]) => value !== undefined);
  if (given.length > 1) {
    throw usageError(`${given[0][0]} and ${given[1][0]} are both given; use one of them`);
  }
  if (run !== undefined && trace === undefined) throw usageError("--run needs --trace DIR");
  if (trace !== undefined) {
    const read = await readTrace(trace, { run });
    const replay = replayOf(read, trace);
    const warnings = [...read.warnings, ...replay.warnings];
    return { workload: replay.workload, replay: { ...replay, warnings } };
  }
  if (spec !== undefined) {
    return { workload: generate(spec, flags.seed, `--generate ${spec}:`) };
  }
  if (graph === undefined) {
    throw usageError(
      "nothing to simulate; give --graph FILE, --trace DIR, or --generate SPEC, such as fanout:10000",
    );
  }
  return { workload: graphWorkload(readGraphFile(parseFile(graph), graph)) };
}

function parseFile(file: string): unknown {
  const bytes = readFileSync(readableFile("graph", file, "the path of a graph file (JSON)"));
  try {
    const zipped = bytes[0] === 0x1f && bytes[1] === 0x8b;
    return JSON.parse((zipped ? gunzipSync(bytes) : bytes).toString("utf8"));
  } catch (error) {
    throw usageError(`graph ${file} is not JSON: ${messageOf(error)}`);
  }
}

/** A fault of a worker that is not there would happen to nobody. */
function checkFaults(faults: readonly Fault[], workers: readonly WorkerSpec[]): void {
  const joining = faults.filter(({ kind }) => kind === "join").length;
  const count = workers.length + joining;
  if (count > MAX_WORKERS) {
    throw usageError(`${count} workers are too many; at most ${MAX_WORKERS} can be simulated`);
  }
  for (const fault of faults) {
    if (fault.kind !== "join" && fault.worker >= count) {
      throw usageError(
        `--fault ${fault.kind}: there is no worker ${fault.worker}; workers are numbered from 0 to ${count - 1}`,
      );
    }
  }
}
