/**
 * ViewData ↔ bytes: what a report's file carries. Owns the layout: a JSON head, then columns, each with its
 * bytes apart by significance (so that the high ones, mostly equal, compress to nothing) and times as
 * differences in whole units. Written in Node by build-report.ts, read by the page of the same version.
 */
import { ColumnReader, type ColumnType, ColumnWriter } from "./columns.js";
import type { ViewData, ViewWorker } from "./page/view-data.js";

const encoder = new TextEncoder();
const decoder = new TextDecoder();

type Head = Omit<ViewData, "tasks" | "executions" | "transfers" | "passes" | "workers"> & {
  readonly workers: readonly (Omit<ViewWorker, "samples"> & { readonly sampleCount: number })[];
  readonly tasks: number;
  readonly edges: number;
  readonly executions: number;
  readonly transfers: number;
  readonly passes: number;
  /** Length of a unit of time in the columns, ms. */
  readonly unitMs: number;
};

/** JSON has no NaN. */
const NAN = "\0NaN";

export function encodePayload(data: ViewData): Uint8Array {
  const { tasks, executions, transfers, passes, workers, ...rest } = data;
  const { inputStart } = tasks;
  const unitMs = unitFor(data.durationMs);
  const edges = inputStart[tasks.count] ?? 0;
  const columns = new ColumnWriter(unitMs);
  columns.add("u32", tasks.plan, tasks.count, "steps");
  columns.add("i32", tasks.id, tasks.count, "steps");
  for (const column of [tasks.isCopy, tasks.state]) columns.add("u8", column, tasks.count);
  for (const column of [tasks.taskType, tasks.label, tasks.core, tasks.cores]) {
    columns.add("u16", column, tasks.count);
  }
  columns.add("u16", tasks.attempts, tasks.count);
  columns.add("u32", tasks.taskClass, tasks.count);
  columns.add("i16", tasks.worker, tasks.count);
  columns.addTimes(
    [
      tasks.submittedMs,
      tasks.readyMs,
      tasks.assignedMs,
      tasks.startedMs,
      tasks.finishedMs,
      tasks.knownMs,
    ],
    tasks.count,
  );
  columns.add("f64", tasks.sizeBytes, tasks.count);
  columns.add("u32", inputStart, tasks.count + 1, "steps");
  columns.add("u32", distances(data, edges), edges);
  columns.addBlobs(tasks.count, (task) => encoder.encode(tasks.labelOf(task)));
  columns.addBlobs(tasks.count, (task) => tasks.metadataOf(task));

  columns.add("u32", executions.task, executions.count);
  columns.add("i16", executions.worker, executions.count);
  columns.addTimes(
    [executions.assignedMs, executions.startedMs, executions.endedMs],
    executions.count,
  );
  columns.add("u8", executions.end, executions.count);

  columns.add("u32", transfers.task, transfers.count);
  columns.add("i16", transfers.from, transfers.count);
  columns.add("i16", transfers.to, transfers.count);
  columns.addTimes([transfers.startMs, transfers.endMs], transfers.count);
  columns.add("f64", transfers.sizeBytes, transfers.count);
  columns.add("u8", transfers.came, transfers.count);

  columns.addTimes([passes.atMs], passes.count);
  columns.add("f32", passes.durationMs, passes.count);
  columns.add("u32", passes.assigned, passes.count);

  for (const { samples } of workers) {
    columns.addTimes([samples.atMs], samples.count);
    columns.add("f32", samples.cpus, samples.count);
    columns.add("f64", samples.memoryBytes, samples.count);
    columns.add("f64", samples.freeMemoryBytes, samples.count);
    columns.add("f64", samples.objectBytes, samples.count);
    columns.add("f64", samples.receivedBytes, samples.count);
    columns.add("f64", samples.sentBytes, samples.count);
    columns.add("u32", samples.runningTasks, samples.count);
  }

  const head: Head = {
    ...rest,
    workers: workers.map(({ samples, ...worker }) => ({ ...worker, sampleCount: samples.count })),
    tasks: tasks.count,
    edges,
    executions: executions.count,
    transfers: transfers.count,
    passes: passes.count,
    unitMs,
  };
  const json = encoder.encode(
    JSON.stringify(head, (_, value) => (Number.isNaN(value) ? NAN : value)),
  );
  const body = columns.bytes();
  const bytes = new Uint8Array(4 + json.length + body.length);
  new DataView(bytes.buffer).setUint32(0, json.length, true);
  bytes.set(json, 4);
  bytes.set(body, 4 + json.length);
  return bytes;
}

export function decodePayload(bytes: Uint8Array): ViewData {
  const length = new DataView(bytes.buffer, bytes.byteOffset).getUint32(0, true);
  const text = decoder.decode(bytes.subarray(4, 4 + length));
  const head = JSON.parse(text, (_, value) => (value === NAN ? Number.NaN : value)) as Head;
  const { tasks: count, edges, executions, transfers, passes, unitMs, workers, ...rest } = head;
  const columns = new ColumnReader(bytes.subarray(4 + length), unitMs);
  const read = <T extends ColumnType>(type: T, n = count) => columns.read(type, n);

  const plan = columns.read("u32", count, "steps");
  const id = columns.read("i32", count, "steps");
  const [isCopy, state] = [read("u8"), read("u8")];
  const [taskType, label] = [read("u16"), read("u16")];
  const [core, cores, attempts] = [read("u16"), read("u16"), read("u16")];
  const taskClass = read("u32");
  const worker = read("i16");
  const [submittedMs, readyMs, assignedMs, startedMs, finishedMs, knownMs] = columns.readTimes(
    6,
    count,
  );
  const sizeBytes = read("f64");
  const inputStart = columns.read("u32", count + 1, "steps");
  const inputs = columns.read("u32", edges);
  for (let task = 0; task < count; task++) {
    for (let e = inputStart[task]; e < inputStart[task + 1]; e++) inputs[e] = task - inputs[e];
  }
  const labelOf = columns.readBlobs(count);
  const metadataOf = columns.readBlobs(count);
  return {
    ...rest,
    tasks: {
      ...{ count, plan, id, isCopy, taskType, label, taskClass, state, worker, core, cores },
      ...{ submittedMs, readyMs, assignedMs, startedMs, finishedMs, knownMs, attempts, sizeBytes },
      ...{ inputStart, inputs },
      labelOf: (task) => decoder.decode(labelOf(task)),
      metadataOf: (task) => (metadataOf(task).length === 0 ? undefined : metadataOf(task)),
    },
    executions: readExecutions(columns, executions),
    transfers: readTransfers(columns, transfers),
    passes: {
      count: passes,
      atMs: columns.readTimes(1, passes)[0],
      durationMs: read("f32", passes),
      assigned: read("u32", passes),
    },
    workers: workers.map(({ sampleCount: n, ...known }) => ({
      ...known,
      samples: {
        count: n,
        atMs: columns.readTimes(1, n)[0],
        cpus: read("f32", n),
        memoryBytes: read("f64", n),
        freeMemoryBytes: read("f64", n),
        objectBytes: read("f64", n),
        receivedBytes: read("f64", n),
        sentBytes: read("f64", n),
        runningTasks: read("u32", n),
      },
    })),
  };
}

function readExecutions(columns: ColumnReader, count: number): ViewData["executions"] {
  const task = columns.read("u32", count);
  const worker = columns.read("i16", count);
  const [assignedMs, startedMs, endedMs] = columns.readTimes(3, count);
  const end = columns.read("u8", count);
  return { count, task, worker, assignedMs, startedMs, endedMs, end };
}

function readTransfers(columns: ColumnReader, count: number): ViewData["transfers"] {
  const task = columns.read("u32", count);
  const from = columns.read("i16", count);
  const to = columns.read("i16", count);
  const [startMs, endMs] = columns.readTimes(2, count);
  const sizeBytes = columns.read("f64", count);
  const came = columns.read("u8", count);
  return { count, task, from, to, startMs, endMs, sizeBytes, came };
}

/** How far before a task its inputs are: smaller numbers than theirs, and often the same. */
function distances({ tasks }: ViewData, edges: number): Uint32Array {
  const result = new Uint32Array(edges);
  for (let task = 0; task < tasks.count; task++) {
    for (let e = tasks.inputStart[task]; e < tasks.inputStart[task + 1]; e++) {
      result[e] = task - tasks.inputs[e];
    }
  }
  return result;
}

/** 1 µs, or so many that the times fit into 32 bits: above 71 minutes. */
function unitFor(durationMs: number): number {
  return Math.max(1, Math.ceil((durationMs * 1000) / 0xffff_0000)) / 1000;
}
