/**
 * A trace as the views want it. Owns: how a failure's message is put into words, and limits on what is of no use
 * in such amounts. Called by build-report.ts.
 */
import type { Trace, TracedFailure, TracedSamples } from "../trace/index.js";
import { withoutOutput } from "./page/failure-message.js";
import type { ViewData, ViewFailure } from "./page/view-data.js";

/** Failures that are shown in full; beyond, only the tasks' states tell. */
const MAX_FAILURES = 10_000;
const MAX_STDERR_BYTES = 16 * 2 ** 20;
/** Of all workers together; beyond, neighbours are merged. */
const MAX_SAMPLES = 400_000;
const MAX_METADATA_BYTES = 32 * 2 ** 20;

const decoder = new TextDecoder();

export function viewDataOf(trace: Trace, title: string): ViewData {
  const { files: _, workers, failures, ...shown } = trace;
  const warnings = [...trace.warnings];
  const samples = workers.reduce((sum, worker) => sum + worker.samples.count, 0);
  const merge = Math.ceil(samples / MAX_SAMPLES);
  if (merge > 1)
    warnings.push(`There are ${samples} samples of workers: ${merge} are shown as one.`);
  return {
    ...shown,
    title,
    live: false,
    warnings,
    workers: workers.map(({ light: _, ...worker }) => ({
      ...worker,
      samples: merge > 1 ? mergedSamples(worker.samples, merge) : worker.samples,
    })),
    tasks: withoutTooMuchMetadata(trace, warnings),
    firstTask: 0,
    failures: failuresOf(failures, trace.startMs, warnings),
  };
}

function withoutTooMuchMetadata({ tasks }: Trace, warnings: string[]): Trace["tasks"] {
  let bytes = 0;
  for (let task = 0; task < tasks.count; task++) bytes += tasks.metadataOf(task)?.length ?? 0;
  if (bytes <= MAX_METADATA_BYTES) return tasks;
  const mib = Math.round(bytes / 2 ** 20);
  warnings.push(`The tasks' metadata are ${mib} MiB: too much for a report, left out.`);
  return {
    ...tasks,
    labelOf: (task) => tasks.labelOf(task),
    metadataOf: () => undefined,
  };
}

function failuresOf(
  failures: readonly TracedFailure[],
  startMs: number,
  warnings: string[],
): ViewFailure[] {
  let room = MAX_STDERR_BYTES;
  if (failures.length > MAX_FAILURES) {
    warnings.push(`${failures.length} tasks failed: the first ${MAX_FAILURES} are explained.`);
  }
  return failures.slice(0, MAX_FAILURES).map(({ task, worker, atMs, info }) => {
    const isShownApart = info.stderr !== undefined && info.stderr.length <= room;
    const stderr = isShownApart ? decoder.decode(info.stderr) : "";
    room -= isShownApart ? (info.stderr?.length ?? 0) : 0;
    const { execution } = info;
    const memory =
      execution !== undefined && execution.memoryMs.length > 1
        ? {
            atMs: [...execution.memoryMs],
            bytes: execution.memoryKib.map((kib) => kib * 1024),
          }
        : undefined;
    return {
      task,
      worker,
      atMs,
      message: withoutOutput(info.message ?? "", stderr),
      stderr,
      facts: factsOf(info, startMs),
      memory,
    };
  });
}

type Info = TracedFailure["info"];

function factsOf(info: Info, startMs: number): [string, string][] {
  const { execution: died } = info;
  const facts: [string, string | undefined][] = [
    ["signal", info.signal],
    // An unset field of a decoded message reads as 0, which is a status, too.
    ["exit status", Object.hasOwn(info, "exitStatus") ? info.exitStatus?.toString() : undefined],
    ["killed by the system", died?.oomLikely === true ? "probably memory ran out" : undefined],
    ["time limit", timeText(died?.timeLimitMs)],
    ["ran for", timeText(died?.durationMs)],
    ["peak of memory", memoryText(died?.peakKib)],
    ["memory limit", memoryText(died?.memoryLimitKib)],
    ["host", died?.host],
    ["process of the worker", died?.workerPid ? String(died.workerPid) : undefined],
    ["started", startText(died?.startedMs, startMs)],
  ];
  return facts.filter((fact): fact is [string, string] => fact[1] !== undefined && fact[1] !== "");
}

/** 0 is what is not known. */
function timeText(ms: number | undefined): string | undefined {
  return ms === undefined || ms === 0 ? undefined : `${(ms / 1000).toFixed(ms < 10_000 ? 3 : 1)} s`;
}

function memoryText(kib: number | undefined): string | undefined {
  return kib === undefined || kib === 0 ? undefined : `${(kib / 1024).toFixed(1)} MiB`;
}

/** By the clock of its machine. */
function startText(ms: bigint | number | undefined, startMs: number): string | undefined {
  if (ms === undefined || Number(ms) === 0) return undefined;
  const time = new Date(Number(ms)).toISOString();
  return `${time} (${((Number(ms) - startMs) / 1000).toFixed(3)} s)`;
}

/** Groups of neighbours: the most of what is used, the least of what is free, the sum of what was sent. */
function mergedSamples(samples: TracedSamples, size: number): TracedSamples {
  const count = Math.ceil(samples.count / size);
  const merged = {
    count,
    atMs: new Float64Array(count),
    cpus: new Float32Array(count),
    memoryBytes: new Float64Array(count),
    freeMemoryBytes: new Float64Array(count).fill(Number.POSITIVE_INFINITY),
    objectBytes: new Float64Array(count),
    receivedBytes: new Float64Array(count),
    sentBytes: new Float64Array(count),
    runningTasks: new Uint32Array(count),
  };
  for (let i = 0; i < samples.count; i++) {
    const to = Math.floor(i / size);
    merged.atMs[to] = samples.atMs[i];
    merged.cpus[to] += samples.cpus[i] / Math.min(size, samples.count - to * size);
    merged.memoryBytes[to] = Math.max(merged.memoryBytes[to], samples.memoryBytes[i]);
    merged.freeMemoryBytes[to] = Math.min(merged.freeMemoryBytes[to], samples.freeMemoryBytes[i]);
    merged.objectBytes[to] = Math.max(merged.objectBytes[to], samples.objectBytes[i]);
    merged.receivedBytes[to] += samples.receivedBytes[i];
    merged.sentBytes[to] += samples.sentBytes[i];
    merged.runningTasks[to] = Math.max(merged.runningTasks[to], samples.runningTasks[i]);
  }
  return merged;
}
