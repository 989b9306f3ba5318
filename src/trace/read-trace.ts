/**
 * A directory → a {@link Trace}: reads the server's file, joins those of the workers, derives what follows.
 * Called by the report, the exports and the simulator's command.
 */

import type { ClockOffset } from "./clock-alignment.js";
import { labelColumn } from "./label-column.js";
import { type LightRuns, layOutLight, lightTasksOfWorkers, NO_LIGHT_RUNS } from "./light-layout.js";
import type { Trace, TracedTasks, TracedWorker } from "./model.js";
import type { ReadWorker } from "./server-names.js";
import { ServerReading } from "./server-reading.js";
import {
  addOpenExecutions,
  estimateCores,
  estimateRuns,
  type InputLists,
  inputLists,
  settleStates,
} from "./task-states.js";
import { type FoundFile, findTrace, readRecords } from "./trace-files.js";
import { addFetches, joinWorker, newTransfers } from "./worker-join.js";
import { WorkerReading } from "./worker-reading.js";

/** A clock that drifts more is worth a warning. */
const MAX_DRIFT_MS = 1;

export interface ReadTraceOptions {
  /** Beginning of the trace's id, if the directory has several. */
  readonly run?: string;
}

/**
 * Reads the trace in a directory. What can't be read is left out, with a line in `warnings`: files that are
 * cut off or damaged are read up to there.
 *
 * @throws LoomError `usage` if there is no trace, several and no `run`, or one of a later version
 * @example
 * const trace = await readTrace("traces/monday");
 * for (let task = 0; task < trace.tasks.count; task++) {
 *   console.log(trace.tasks.labelOf(task), trace.tasks.finishedMs[task] - trace.tasks.startedMs[task]);
 * }
 */
export async function readTrace(directory: string, options: ReadTraceOptions = {}): Promise<Trace> {
  const warnings: string[] = [];
  const files = await findTrace(directory, options.run, warnings);
  const { startMs, software } = files.server.header;
  const server = new ServerReading(files.server.header);
  await readRecords(files.server, server, warnings);
  const workerFiles = await readWorkers(files.workers, server, startMs, warnings);

  const lightTasks = lightTasksOfWorkers(server);
  const transfers = newTransfers();
  const workers = server.workers.map((worker, place) => {
    const reading = workerFiles.get(place);
    let offset: ClockOffset | undefined;
    if (reading !== undefined) {
      offset = joinWorker(server, place, reading, lightTasks[place], transfers);
      if (offset.driftMs > MAX_DRIFT_MS) {
        warnings.push(
          `the clock of worker ${worker.record.address} drifted by ${offset.driftMs.toFixed(1)} ms; its times are up to ${offset.uncertaintyMs.toFixed(1)} ms off`,
        );
      }
    }
    const light = reading === undefined ? NO_LIGHT_RUNS : lightRuns(reading);
    layOutLight(server, lightTasks[place], light);
    return tracedWorker(worker, place, startMs, offset, light);
  });
  addFetches(server, (place) => workerFiles.has(place), transfers);
  const lists = inputLists(server);
  settleStates(server, lists);
  estimateRuns(server);
  estimateCores(server);
  addOpenExecutions(server);
  addWarnings(server, workerFiles, warnings);

  const { labels, label } = labelColumn(server);
  const ends = [server.nowMs, last(server.tasks.finish().finishedMs)];
  return {
    files: [files.server, ...files.workers].map(({ name }) => name),
    warnings,
    software,
    startMs,
    durationMs: Math.max(...ends),
    complete: server.isComplete,
    taskTypes: server.taskTypes,
    labels,
    classes: server.classes,
    workers,
    clients: server.clients,
    plans: server.plans,
    tasks: tracedTasks(server, lists, label),
    executions: { count: server.executions.count, ...server.executions.finish() },
    transfers: { count: transfers.count, ...transfers.finish() },
    passes: { count: server.passes.count, ...server.passes.finish() },
    failures: server.failures,
  };
}

/** By place of the worker; those that are of no worker are left out. */
async function readWorkers(
  files: readonly FoundFile[],
  server: ServerReading,
  startMs: number,
  warnings: string[],
): Promise<Map<number, WorkerReading>> {
  const readings = new Map<number, WorkerReading>();
  for (const file of files) {
    const place = server.findWorker(file.header.worker!);
    if (place === undefined) {
      warnings.push(`left out: ${file.name} is of a worker that the server's file does not have`);
      continue;
    }
    const reading = readings.get(place) ?? new WorkerReading(startMs);
    readings.set(place, reading);
    await readRecords(file, reading, warnings);
  }
  return readings;
}

function addWarnings(
  server: ServerReading,
  workerFiles: ReadonlyMap<number, WorkerReading>,
  warnings: string[],
): void {
  const without = server.workers.filter((_, place) => !workerFiles.has(place));
  if (without.length > 0) {
    const addresses = without.slice(0, 5).map(({ record }) => record.address);
    const more = without.length > 5 ? ` and ${without.length - 5} more` : "";
    warnings.push(
      `no file of the workers ${addresses.join(", ")}${more}: when their tasks ran is estimated`,
    );
  }
  if (server.unknownRows > 0) {
    warnings.push(
      `left out: records of tasks that were gone when tracing began, ${server.unknownRows}`,
    );
  }
  if (!server.isComplete) {
    warnings.push("the trace has no end: its server was killed, or still writes it");
  }
}

function lightRuns({ light }: WorkerReading): LightRuns {
  return { count: light.count, ...light.finish() };
}

function tracedWorker(
  { record, joinedMs, goneMs, goneReason, samples }: ReadWorker,
  index: number,
  startMs: number,
  offset: ClockOffset | undefined,
  light: LightRuns,
): TracedWorker {
  const columns = samples.finish();
  for (let i = 0; i < columns.count; i++) {
    const since = columns.atMs[i] - startMs;
    columns.atMs[i] = since + (offset?.at(since) ?? 0);
  }
  return {
    index,
    address: record.address ?? "",
    hostname: record.hostname ?? "",
    pid: record.pid ?? 0,
    cpus: record.cpus ?? 0,
    resources: record.resources ?? [],
    joinedMs,
    goneMs,
    goneReason,
    clockOffsetMs: offset?.offsetMs ?? 0,
    clockUncertaintyMs: offset?.uncertaintyMs ?? Number.NaN,
    samples: columns,
    light,
  };
}

function tracedTasks(server: ServerReading, lists: InputLists, label: Uint16Array): TracedTasks {
  const { plans, texts, metadataAt } = server;
  const columns = server.tasks.finish();
  const { labelAt, isCopy, plan, id, taskType } = columns;
  const decoder = new TextDecoder();
  /** The task that this one is a copy of; elements of a source are not what the client described. */
  const describedBy = (task: number): number => {
    if (isCopy[task] === 0) return task;
    const { firstTask, idBase, taskCount } = plans[plan[task]];
    const index = id[task] - idBase;
    if (!(index >= 0 && index < taskCount)) return task;
    return taskType[firstTask + index] === taskType[task] ? firstTask + index : task;
  };
  return {
    count: server.tasks.count,
    plan,
    id,
    isCopy,
    taskType,
    label,
    taskClass: columns.taskClass,
    state: columns.state,
    submittedMs: columns.submittedMs,
    readyMs: columns.readyMs,
    assignedMs: columns.assignedMs,
    startedMs: columns.startedMs,
    finishedMs: columns.finishedMs,
    knownMs: columns.knownMs,
    worker: columns.worker,
    core: columns.core,
    cores: columns.cores,
    attempts: columns.attempts,
    sizeBytes: columns.sizeBytes,
    inputStart: lists.start,
    inputs: lists.inputs,
    labelOf: (task) => {
      const at = labelAt[describedBy(task)];
      return at === 0 || at === undefined ? "" : decoder.decode(texts.get(at));
    },
    metadataOf: (task) => {
      const at = metadataAt.get(describedBy(task));
      return at === undefined ? undefined : texts.get(at);
    },
  };
}

/** The largest that is a number; 0: none. */
function last(timesMs: Float64Array): number {
  let largest = 0;
  for (let i = 0; i < timesMs.length; i++) if (timesMs[i] > largest) largest = timesMs[i];
  return largest;
}
