/** `loom trace`: a trace → a summary, or a file for other tools. */
import { createWriteStream } from "node:fs";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { counted, shownName, systemReason } from "../base/index.js";
import {
  arrowOf,
  chromeOf,
  csvOf,
  readTrace,
  STATE_NAMES,
  type Trace,
  type TracedWorker,
} from "../trace/index.js";
import { CliError, usageError } from "./cli-error.js";
import type { TraceFlags } from "./trace-options.js";
import { writeWholeFile } from "./whole-file.js";

const ACTIONS = ["info", "export"];
const FORMATS = ["chrome", "csv", "arrow"] as const;
type Format = (typeof FORMATS)[number];
const NAME_WIDTH = 32;
/** More workers than this are not listed one by one. */
const MAX_LISTED = 32;

export async function traceCommand(args: string[], flags: TraceFlags): Promise<number> {
  const [action, directory] = args;
  if (!ACTIONS.includes(action)) {
    throw usageError(`${action} is nothing to do with a trace; use one of ${ACTIONS.join(", ")}`);
  }
  const format = action === "export" ? formatOf(flags) : undefined;
  if (format === undefined && (flags.format !== undefined || flags.output !== undefined)) {
    throw usageError("--format and --output are for export, not for info");
  }
  const trace = await readTrace(directory, { run: flags.run });
  if (format !== undefined) {
    for (const warning of trace.warnings) process.stderr.write(`warning: ${warning}\n`);
    await write(await contentOf(trace, format), flags.output ?? "-");
    return 0;
  }
  const summary = summaryOf(trace);
  const text = flags.json === true ? JSON.stringify(summary, null, 2) : describe(summary);
  process.stdout.write(`${text}\n`);
  return 0;
}

function formatOf({ format, output = "-", json }: TraceFlags): Format {
  const known = FORMATS.find((each) => each === format);
  if (known === undefined) {
    const given = format === undefined ? "no format given" : `--format ${format} is not known`;
    throw usageError(`${given}; use --format with one of ${FORMATS.join(", ")}`);
  }
  if (json === true) throw usageError("--json is for info, not for export");
  if (known === "arrow" && output === "-") {
    throw usageError("an Arrow file is binary; give --output FILE");
  }
  return known;
}

async function contentOf(trace: Trace, format: Format): Promise<Iterable<string | Uint8Array>> {
  if (format === "chrome") return chromeOf(trace);
  return format === "csv" ? csvOf(trace) : [await arrowOf(trace)];
}

async function write(content: Iterable<string | Uint8Array>, output: string): Promise<void> {
  const source = Readable.from(content);
  if (output !== "-") {
    await writeWholeFile(output, (path) => pipeline(source, createWriteStream(path)));
    return;
  }
  try {
    await pipeline(source, process.stdout, { end: false });
  } catch (error) {
    const { code, syscall } = error as NodeJS.ErrnoException;
    // Who reads it has seen enough, as `head` does.
    if (code === "EPIPE") return;
    if (syscall === undefined) throw error;
    throw new CliError(`the output cannot be written: ${systemReason(error)}`);
  }
}

// --- info ----------------------------------------------------------------------------------------

type Summary = ReturnType<typeof summaryOf>;

function summaryOf(trace: Trace) {
  const { tasks, plans, clients, transfers, executions, passes, files, warnings } = trace;
  const start = new Date(trace.startMs);
  return {
    software: trace.software,
    start: Number.isNaN(start.getTime()) ? null : start.toISOString(),
    durationMs: trace.durationMs,
    complete: trace.complete,
    tasks: tasks.count,
    states: statesOf(trace),
    groups: groupsOf(trace),
    plans: plans.length,
    clients: clients.length,
    executionsLost: executions.count,
    transfers: transfers.count,
    passes: passes.count,
    workers: trace.workers.map(workerSummary),
    files,
    warnings,
  };
}

function statesOf({ tasks }: Trace): Record<string, number> {
  const counts = new Array<number>(STATE_NAMES.length).fill(0);
  for (let task = 0; task < tasks.count; task++) counts[tasks.state[task]]++;
  const there = STATE_NAMES.map((name, state) => [name, counts[state]] as const);
  return Object.fromEntries(there.filter(([, count]) => count > 0));
}

/** By label up to the first ":", the one with most time first. */
function groupsOf({ tasks, labels }: Trace) {
  const groups = labels.map((label) => ({ label, tasks: 0, executedMs: 0 }));
  for (let task = 0; task < tasks.count; task++) {
    const group = groups[tasks.label[task]];
    group.tasks++;
    group.executedMs += tasks.finishedMs[task] - tasks.startedMs[task] || 0;
  }
  return groups.sort((a, b) => b.executedMs - a.executedMs);
}

function workerSummary(worker: TracedWorker) {
  const { address, hostname, cpus, goneMs, goneReason, samples } = worker;
  return {
    address,
    hostname,
    cpus,
    joinedMs: worker.joinedMs,
    goneMs: Number.isNaN(goneMs) ? null : goneMs,
    goneReason,
    clockOffsetMs: worker.clockOffsetMs,
    clockUncertaintyMs: Number.isNaN(worker.clockUncertaintyMs) ? null : worker.clockUncertaintyMs,
    highestMemoryBytes: samples.memoryBytes.reduce((a, b) => Math.max(a, b), 0),
  };
}

function describe(its: Summary): string {
  const states = Object.entries(its.states).map(([name, count]) => `${shown(count)} ${name}`);
  const groups = its.groups.slice(0, MAX_LISTED).map((group) => {
    return `  ${shownName(group.label, NAME_WIDTH).padEnd(NAME_WIDTH)} ${shown(group.tasks).padStart(12)} ${group.tasks === 1 ? "task " : "tasks"}  ${seconds(group.executedMs)}`;
  });
  const workers = its.workers.slice(0, MAX_LISTED).map(describeWorker);
  const more = (list: readonly unknown[]): string[] =>
    list.length > MAX_LISTED ? [`  and ${list.length - MAX_LISTED} more`] : [];
  return [
    `Trace      of ${its.start ?? "an unknown time"}, HyperLoom ${its.software}, ${counted(its.files.length, "file")}`,
    `Duration   ${seconds(its.durationMs)}${its.complete ? "" : ", without an end"}`,
    `Tasks      ${shown(its.tasks)} in ${counted(its.plans, "plan", shown)} of ${counted(its.clients, "client", shown)}: ${states.join(", ") || "none"}`,
    `Transfers  ${shown(its.transfers)}`,
    `Passes     ${shown(its.passes)} of the scheduler`,
    "",
    "Labels, with the time that their tasks ran",
    ...groups,
    ...more(its.groups),
    "",
    `Workers    ${shown(its.workers.length)}`,
    ...workers,
    ...more(its.workers),
    ...its.warnings.flatMap((warning, i) =>
      i === 0 ? ["", `warning: ${warning}`] : `warning: ${warning}`,
    ),
  ].join("\n");
}

function describeWorker(worker: Summary["workers"][number]): string {
  const { clockOffsetMs: offset, clockUncertaintyMs: uncertainty } = worker;
  const clock =
    uncertainty === null
      ? "clock not compared"
      : `clock ${offset.toFixed(2)} ms ± ${uncertainty.toFixed(2)} ms`;
  const gone =
    worker.goneMs === null ? "" : `, gone after ${seconds(worker.goneMs)}: ${worker.goneReason}`;
  return `  ${worker.address} (${worker.hostname}), ${counted(worker.cpus, "core")}, ${clock}${gone}`;
}

function shown(count: number): string {
  return count.toLocaleString("en");
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(3)} s`;
}
