/** What `loom simulate` prints for people. Called by simulate-command.ts. */
import { inByteUnits } from "../base/index.js";
import type { SimulationReport, WorkerReport } from "../simulation/index.js";

/** What the simulation itself took; not the same in each run. */
export interface SimulationCost {
  readonly realMs: number;
  readonly tasksPerS: number;
  /** Real time in the server core's calls. */
  readonly serverCoreUsPerTask: number;
  /** Of the JavaScript heap and typed arrays, at the end. */
  readonly heapBytesPerTask: number;
  readonly peakResidentBytes: number;
}

/** What really happened, if a trace is replayed. */
export interface Recorded {
  readonly makespanMs: number;
  readonly workers: number;
  readonly cpus: number;
}

/** More workers than this are not listed one by one. */
const MAX_LISTED = 32;

export function describeSimulation(
  report: SimulationReport,
  cost: SimulationCost,
  recorded?: Recorded,
): string {
  const { workload, lowerBound, transfers, memory, tasks, server, workers } = report;
  const cpus = workers.reduce((sum, worker) => sum + worker.cpus, 0);
  return [
    `${workload.name}: ${count(workload.tasks)} tasks with ${count(workload.inputs)} inputs on ${count(workers.length)} workers with ${count(cpus)} cores`,
    "",
    report.completed
      ? `Makespan      ${time(report.makespanMs)}, ${ratio(report.makespanMs, lowerBound.ms)} the lower bound of ${time(lowerBound.ms)} (${bounds(report)})`
      : `NOT COMPLETED after ${time(report.makespanMs)}: ${report.reason ?? "unknown"}`,
    ...(recorded === undefined ? [] : [recordedLine(report, recorded)]),
    `Utilisation   ${percent(report.utilisation)} of the cores' time`,
    `Tasks         ${count(tasks.executed)} executed, ${count(tasks.repeated)} of them again, ${count(tasks.failed)} failed`,
    `Transfers     ${count(transfers.count)} of ${bytes(transfers.bytes)}, ${count(transfers.aborted)} given up, ${count(transfers.failed)} failed`,
    `Memory        ${bytes(memory.highWaterBytes)} at most at one worker${memory.workersOverLimit === 0 ? "" : `, ${memory.workersOverLimit} workers had more than they have`}`,
    `Server        busy ${percent(report.makespanMs === 0 ? 0 : server.busyMs / report.makespanMs)}, ${count(server.turns)} turns, ${count(server.assignments)} assignments, ${count(server.retractions)} taken back, ${count(server.prefetches)} prefetches`,
    "",
    "Where the cores' time went",
    ...coreTime(report),
    "",
    ...workerTable(workers),
    `Simulated in ${time(cost.realMs)}: ${count(Math.round(cost.tasksPerS))} tasks/s, ${count(report.events)} events; server core ${cost.serverCoreUsPerTask.toFixed(2)} µs a task; ${count(Math.round(cost.heapBytesPerTask))} bytes a task, ${bytes(cost.peakResidentBytes)} at most`,
  ].join("\n");
}

function recordedLine({ completed, makespanMs }: SimulationReport, recorded: Recorded): string {
  const { workers, cpus } = recorded;
  const ratio = (makespanMs / recorded.makespanMs).toFixed(3);
  const share =
    completed && recorded.makespanMs > 0 ? `; the simulated makespan is ${ratio} of it` : "";
  return `Recorded      ${time(recorded.makespanMs)} on ${count(workers)} workers with ${count(cpus)} cores${share}`;
}

/** How many times as long. Where tasks take next to no time that says nothing. */
function ratio(ms: number, ofMs: number): string {
  if (ofMs === 0) return "1.000 x";
  return ms < 1e6 * ofMs ? `${(ms / ofMs).toFixed(3)} x` : "over a million times";
}

function bounds({ lowerBound }: SimulationReport): string {
  const { criticalPathMs, perResourceMs, lightMs } = lowerBound;
  return [
    `critical path ${time(criticalPathMs)}`,
    ...Object.entries(perResourceMs).map(([name, ms]) => `${name} ${time(ms)}`),
    ...(lightMs > 0 ? [`light tasks ${time(lightMs)}`] : []),
  ].join(", ");
}

function coreTime({ coreTimeMs: its }: SimulationReport): string[] {
  const rows: [string, number][] = [
    ["executing tasks", its.useful],
    ["executing tasks again", its.repeated],
    ["cut off by faults and cancellations", its.aborted],
    ["not ended", its.unfinished],
    ["starting tasks and reporting them", its.overhead],
    ["idle, waiting for transfers", its.idleTransfers],
    ["idle though tasks are ready", its.idleReady],
    ["idle, not enough tasks are ready", its.idleNoWork],
  ];
  return rows
    .filter(([, ms]) => ms > 0)
    .map(
      ([what, ms]) =>
        `  ${what.padEnd(36)} ${percent(its.total === 0 ? 0 : ms / its.total).padStart(8)}  ${time(ms)}`,
    );
}

function workerTable(workers: readonly WorkerReport[]): string[] {
  if (workers.length > MAX_LISTED) return [];
  const rows = [
    ["WORKER", "CPUS", "USED", "TASKS", "LIGHT", "THREAD", "MEMORY", ""],
    ...workers.map((worker) => [
      String(worker.worker),
      String(worker.cpus),
      percent(worker.utilisation),
      count(worker.tasks),
      count(worker.lightTasks),
      percent(worker.lightUtilisation),
      bytes(worker.highWaterBytes),
      [
        worker.joinedAtMs > 0 ? `joined at ${time(worker.joinedAtMs)}` : "",
        worker.diedAtMs === undefined ? "" : `died at ${time(worker.diedAtMs)}`,
      ]
        .filter((text) => text !== "")
        .join(", "),
    ]),
  ];
  const widths = rows[0].map((_, column) => Math.max(...rows.map((row) => row[column].length)));
  const lines = rows.map((row) =>
    row
      .map((cell, i) => (i === row.length - 1 ? cell : cell.padStart(widths[i])))
      .join("  ")
      .trimEnd(),
  );
  return [...lines, ""];
}

function count(value: number): string {
  return value.toLocaleString("en");
}

function percent(share: number): string {
  return `${(100 * share).toFixed(1)} %`;
}

function time(ms: number): string {
  if (ms < 1000) return `${Number(ms.toPrecision(4))} ms`;
  if (ms < 600_000) return `${(ms / 1000).toPrecision(5)} s`;
  return `${(ms / 1000).toFixed(0)} s`;
}

function bytes(value: number): string {
  const { amount, unit } = inByteUnits(value);
  return `${Number(amount.toPrecision(4))} ${unit}`;
}
