/**
 * `npm run bench -- --peer dask`: graphs on HyperLoom and on Dask, one after the other in the same run,
 * with the same numbers of processes. Dask gets smaller graphs, as it takes minutes for those of plan
 * cases: rates are compared, and HyperLoom also runs the smaller ones. Called by run.ts.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { availableParallelism } from "node:os";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { planCase } from "../plan-case.js";
import { chain, fanout, layers, type PlanSpec, tree } from "../plans.js";
import { type BenchRecord, mean, median, rounded } from "../record.js";
import { runCase } from "../run-case.js";
import { startDaskCluster } from "./dask-cluster.js";
import { daskPython } from "./dask-environment.js";

const CLIENT = fileURLToPath(new URL("dask_client.py", import.meta.url));
/** Warm runs of a graph on Dask, where one takes many seconds. */
const DASK_REPEAT = 2;
const PROGRAMS = 500;
/** Programs at a time, on one worker, in both systems. */
const PROGRAM_CPUS = 4;

interface Graph {
  /** `--case` names it so. */
  name: string;
  /** Arguments of the function of that name in dask_graphs.py. */
  sizes: number[];
  /** The same graph for HyperLoom, and that of the plan case; undefined: external programs. */
  plans?: { same: PlanSpec; full: PlanSpec };
}

const GRAPHS: readonly Graph[] = [
  { name: "fanout", sizes: [5_000], plans: { same: fanout(5_000), full: fanout(100_000) } },
  { name: "tree", sizes: [2_048], plans: { same: tree(2_048), full: tree(65_536) } },
  { name: "layers", sizes: [5, 200], plans: { same: layers(5, 200), full: layers(20, 1_000) } },
  { name: "chain", sizes: [1_000], plans: { same: chain(1_000), full: chain(5_000) } },
  { name: "run", sizes: [PROGRAMS] },
];

export const DASK_CASES: readonly string[] = GRAPHS.map(({ name }) => name);
export const DASK_WORKERS: readonly number[] = [1, 8, 32];

/** What dask_client.py prints for a graph. */
interface DaskFigures {
  name: string;
  tasks: number;
  seconds: number[];
  schedulerCpuSeconds: number[];
  version: string;
}

export interface PeerOptions {
  cases: readonly string[];
  workers: readonly number[];
  /** Warm repetitions of HyperLoom. */
  repeat: number;
}

/** Yields one record per graph and number of workers. */
export async function* compareWithDask(options: PeerOptions): AsyncGenerator<BenchRecord> {
  const python = daskPython();
  const graphs = GRAPHS.filter(({ name }) => options.cases.includes(name));
  const { repeat } = options;
  const planned = graphs.filter(({ plans }) => plans !== undefined);
  for (const workers of planned.length > 0 ? options.workers : []) {
    const threads = workers === 1 ? availableParallelism() : 1;
    const dask = await runDask(python, planned, workers, threads);
    for (const [i, { name, plans }] of planned.entries()) {
      const full = await planCase(plans!.full, [workers]).run({ workers, repeat });
      const same = await planCase(plans!.same, [workers]).run({ workers, repeat });
      yield record(name, full, same, dask[i]);
    }
  }
  for (const graph of graphs.filter(({ plans }) => plans === undefined)) {
    const [dask] = await runDask(python, [graph], 1, PROGRAM_CPUS);
    const ours = await runCase(graph.name, 0, PROGRAMS).run({ workers: 1, repeat });
    yield record(graph.name, ours, ours, dask);
  }
}

/** @param full,same what HyperLoom does with the large graph, with the one that Dask gets */
function record(
  name: string,
  full: BenchRecord,
  same: BenchRecord,
  dask: DaskFigures,
): BenchRecord {
  const daskTasksPerSecond = ratePerSecond(dask);
  return {
    case: `dask-${name}`,
    what: full.what,
    workers: full.workers,
    tasks: full.tasks,
    coldTasksPerSecond: full.coldTasksPerSecond,
    warmTasksPerSecond: full.warmTasksPerSecond,
    daskTasks: dask.tasks,
    daskTasksPerSecond: rounded(daskTasksPerSecond),
    ratioToDask: rounded(Number(full.warmTasksPerSecond) / daskTasksPerSecond),
    sameSizeTasksPerSecond: same.warmTasksPerSecond,
    sameSizeRatioToDask: rounded(Number(same.warmTasksPerSecond) / daskTasksPerSecond),
    warmServerCpuUsPerTask: full.warmServerCpuUsPerTask ?? null,
    daskSchedulerCpuUsPerTask: rounded((mean(dask.schedulerCpuSeconds) * 1e6) / dask.tasks),
    daskVersion: dask.version,
  };
}

async function runDask(
  python: string,
  graphs: readonly Graph[],
  workers: number,
  threads: number,
): Promise<DaskFigures[]> {
  const cluster = await startDaskCluster(python, workers, threads);
  try {
    const specs = graphs.map(({ name, sizes }) => `${name}:${sizes.join(",")}`);
    const args = [cluster.address, cluster.schedulerPid, workers, DASK_REPEAT].map(String);
    return await readFigures(python, [CLIENT, ...args, ...specs]);
  } finally {
    await cluster.stop();
  }
}

/** Also shows each figure as it comes: all together take minutes. */
async function readFigures(command: string, args: string[]): Promise<DaskFigures[]> {
  const child = spawn(command, args, { stdio: ["ignore", "pipe", "pipe"] });
  const ended = once(child, "close") as Promise<[number | null]>;
  let errors = "";
  child.stderr.on("data", (chunk: Buffer) => {
    errors = (errors + chunk.toString()).slice(-2000);
  });
  const all: DaskFigures[] = [];
  for await (const line of createInterface({ input: child.stdout })) {
    const figures = JSON.parse(line) as DaskFigures;
    console.log(`Dask, ${figures.name}: ${rounded(ratePerSecond(figures))} tasks/s`);
    all.push(figures);
  }
  const [code] = await ended;
  if (code === 0) return all;
  throw new Error(`--peer dask: its client failed:\n${errors.trim()}`);
}

function ratePerSecond({ tasks, seconds }: DaskFigures): number {
  return tasks / median(seconds);
}
