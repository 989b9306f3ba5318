/**
 * Traces as clusters would write them, made without one: a seeded list schedule of a random layered graph. Used
 * by the tests of the report and by bench/report.ts, up to a million tasks.
 */
import { create } from "@bufbuild/protobuf";
import { FailureInfoSchema } from "../../src/protocol/generated/worker_pb.js";
import {
  ExecutionEnd,
  type Trace,
  type TracedFailure,
  TracedState,
  type TracedTasks,
} from "../../src/trace/index.js";

export interface SyntheticOptions {
  tasks?: number;
  workers?: number;
  cpus?: number;
  seed?: number;
  /** Labels up to their ":"; every other one has numbers behind it. */
  labels?: readonly string[];
  /** Times are multiples of this, ms. */
  gridMs?: number;
  /** Mean of the durations, ms. */
  durationMs?: number;
  /** Share of tasks that fail, and of tasks that a lost worker had to run again. */
  failing?: number;
  lost?: number;
  /** Inputs of a task, at most. */
  inputs?: number;
  /** Share of tasks with several cores. */
  wide?: number;
  /** What the last tasks, those that failed first, have on standard error. */
  stderr?: string;
  /** Cores of tasks are known. */
  cores?: boolean;
}

const LABELS = ["load", "prepare", "train", "score", "merge", "report"];
const encoder = new TextEncoder();

export function randomOf(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

export function syntheticTrace(options: SyntheticOptions = {}): Trace {
  const { tasks: count = 200, workers = 3, cpus = 4, seed = 1, labels = LABELS } = options;
  const { gridMs = 0.001, durationMs = 80, failing = 0.02, lost = 0.02, wide = 0.05 } = options;
  const { inputs: maxInputs = 3, stderr = "it went wrong\n", cores: hasCores = true } = options;
  const random = randomOf(seed);
  const onGrid = (ms: number): number => Math.round(Math.round(ms / gridMs) * gridMs * 1000) / 1000;
  const after = (ms: number, mean: number): number => onGrid(ms - Math.log(1 - random()) * mean);

  const { tasks, inputs } = emptyTasks(count, maxInputs, labels);
  const transfers = { task: [], from: [], to: [], startMs: [], endMs: [], sizeBytes: [] } as Record<
    "task" | "from" | "to" | "startMs" | "endMs" | "sizeBytes",
    number[]
  >;
  const executions = {
    task: [],
    worker: [],
    assignedMs: [],
    startedMs: [],
    endedMs: [],
    end: [],
  } as Record<"task" | "worker" | "assignedMs" | "startedMs" | "endedMs" | "end", number[]>;
  const passes = { atMs: [], durationMs: [], assigned: [] } as Record<
    "atMs" | "durationMs" | "assigned",
    number[]
  >;
  const failures: TracedFailure[] = [];
  const freeMs = Float64Array.from({ length: workers * cpus }, () => onGrid(5));
  const arrived = new Map<number, number>();
  const layer = Math.max(1, Math.ceil(count / labels.length));

  for (let task = 0; task < count; task++) {
    const label = Math.min(labels.length - 1, Math.floor(task / layer));
    tasks.label[task] = label;
    tasks.taskType[task] = label % 2;
    tasks.id[task] = task;
    tasks.submittedMs[task] = onGrid(2 + (task >= count / 2 ? durationMs / 2 : 0));
    let edge = tasks.inputStart[task];
    let readyMs = tasks.submittedMs[task];
    let isDead = false;
    const wanted = label === 0 ? 0 : Math.floor(random() * (maxInputs + 1));
    const chosen = new Set<number>();
    for (let i = 0; i < wanted; i++) {
      // From the layer before, mostly near the own place in it.
      const from = Math.floor(task - layer + (random() - 0.5) * Math.min(layer, 40));
      chosen.add(Math.max(0, Math.min(task - 1, from)));
    }
    for (const input of chosen) {
      inputs[edge++] = input;
      readyMs = Math.max(readyMs, tasks.knownMs[input]);
      if (tasks.state[input] !== TracedState.finished) isDead = true;
    }
    tasks.inputStart[task + 1] = edge;
    if (isDead) {
      tasks.state[task] = TracedState.cancelled;
      continue;
    }
    tasks.readyMs[task] = readyMs;
    const width = random() < wide ? Math.min(cpus, 2) : 1;
    const core = earliest(freeMs, width, cpus, random);
    const worker = Math.floor(core / cpus);
    let coreMs = 0;
    for (let c = core; c < core + width; c++) coreMs = Math.max(coreMs, freeMs[c]);
    const assignedMs = after(Math.max(readyMs, coreMs - durationMs / 4), 0.6);
    if (passes.atMs.length === 0 || assignedMs > (passes.atMs.at(-1) ?? 0) + 1) {
      passes.atMs.push(assignedMs);
      passes.durationMs.push(0.05 + random() * 0.5);
      passes.assigned.push(1);
    } else {
      passes.assigned[passes.assigned.length - 1]++;
    }
    let dataMs = Math.max(readyMs, assignedMs);
    for (const input of chosen) {
      if (tasks.worker[input] === worker) continue;
      const key = input * workers + worker;
      let endMs = arrived.get(key);
      if (endMs === undefined) {
        const startMs = after(Math.max(assignedMs, readyMs), 0.2);
        endMs = after(startMs, 1 + tasks.sizeBytes[input] / 1e6);
        transfers.task.push(input);
        transfers.from.push(tasks.worker[input]);
        transfers.to.push(worker);
        transfers.startMs.push(startMs);
        transfers.endMs.push(endMs);
        transfers.sizeBytes.push(tasks.sizeBytes[input]);
        arrived.set(key, endMs);
      }
      dataMs = Math.max(dataMs, endMs);
    }
    let startedMs = after(Math.max(dataMs, coreMs, assignedMs), 0.3);
    tasks.attempts[task] = 1;
    if (random() < lost) {
      const endedMs = after(startedMs, durationMs / 3);
      executions.task.push(task);
      executions.worker.push(worker);
      executions.assignedMs.push(assignedMs);
      executions.startedMs.push(startedMs);
      executions.endedMs.push(endedMs);
      executions.end.push(ExecutionEnd.workerLost);
      startedMs = Math.max(endedMs + gridMs, after(endedMs, 2));
      tasks.attempts[task] = 2;
    }
    const meanMs = durationMs * (0.4 + (label % 3) * 0.6);
    const finishedMs = Math.max(startedMs + gridMs, after(startedMs, meanMs));
    for (let c = core; c < core + width; c++) freeMs[c] = finishedMs;
    const fails = random() < failing;
    tasks.state[task] = fails ? TracedState.failed : TracedState.finished;
    tasks.assignedMs[task] = assignedMs;
    tasks.startedMs[task] = startedMs;
    tasks.finishedMs[task] = finishedMs;
    tasks.knownMs[task] = after(finishedMs, 0.4);
    tasks.worker[task] = worker;
    tasks.core[task] = hasCores ? core % cpus : 0xffff;
    tasks.cores[task] = width;
    tasks.sizeBytes[task] = fails ? 0 : Math.round(random() ** 4 * 1e7);
    if (fails) {
      executions.task.push(task);
      executions.worker.push(worker);
      executions.assignedMs.push(assignedMs);
      executions.startedMs.push(startedMs);
      executions.endedMs.push(finishedMs);
      executions.end.push(ExecutionEnd.failed);
      failures.push(failureOf(task, worker, finishedMs, stderr));
    }
  }
  const endMs = tasks.knownMs.reduce((max, ms) => Math.max(max, ms || 0), 0) + gridMs;
  const lengthMs = onGrid(endMs);
  return {
    files: ["server.loomtrace"],
    warnings: [],
    software: "0.1.0",
    startMs: Date.UTC(2025, 0, 1, 12),
    durationMs: lengthMs,
    complete: true,
    taskTypes: ["run", "python"],
    labels,
    classes: [{ class: 0, label: "", priority: 0, variants: [{ cpus: 1, amounts: [] }] }],
    workers: Array.from({ length: workers }, (_, index) => workerOf(index, cpus, lengthMs, random)),
    clients: [{ index: 0, address: "127.0.0.1:50000", joinedMs: 0, goneMs: Number.NaN }],
    plans: [
      { client: 0, idBase: 0, firstTask: 0, taskCount: count, submittedMs: tasks.submittedMs[0] },
    ],
    tasks: {
      ...tasks,
      inputs: inputs.slice(0, tasks.inputStart[count]),
      labelOf: (task) =>
        tasks.label[task] % 2 === 0
          ? `${labels[tasks.label[task]]}:${task}`
          : labels[tasks.label[task]],
      metadataOf: (task) =>
        task % 7 === 0 && task < 10_000
          ? encoder.encode(JSON.stringify({ fold: task, note: "a <b>note</b>" }))
          : undefined,
    },
    executions: {
      count: executions.task.length,
      task: Uint32Array.from(executions.task),
      worker: Int16Array.from(executions.worker),
      assignedMs: Float64Array.from(executions.assignedMs),
      startedMs: Float64Array.from(executions.startedMs),
      endedMs: Float64Array.from(executions.endedMs),
      end: Uint8Array.from(executions.end),
    },
    transfers: {
      count: transfers.task.length,
      task: Uint32Array.from(transfers.task),
      from: Int16Array.from(transfers.from),
      to: Int16Array.from(transfers.to),
      startMs: Float64Array.from(transfers.startMs),
      endMs: Float64Array.from(transfers.endMs),
      sizeBytes: Float64Array.from(transfers.sizeBytes),
      came: new Uint8Array(transfers.task.length).fill(1),
    },
    passes: {
      count: passes.atMs.length,
      atMs: Float64Array.from(passes.atMs),
      durationMs: Float32Array.from(passes.durationMs),
      assigned: Uint32Array.from(passes.assigned),
    },
    failures,
  };
}

type Writable<T> = { -readonly [K in keyof T]: T[K] };

function emptyTasks(
  count: number,
  maxInputs: number,
  labels: readonly string[],
): {
  tasks: Writable<Omit<TracedTasks, "labelOf" | "metadataOf" | "inputs">>;
  inputs: Uint32Array;
} {
  if (labels.length > 0xffff) throw new Error("too many labels");
  const times = (): Float64Array => new Float64Array(count).fill(Number.NaN);
  return {
    tasks: {
      count,
      plan: new Uint32Array(count),
      id: new Int32Array(count),
      isCopy: new Uint8Array(count),
      taskType: new Uint16Array(count),
      label: new Uint16Array(count),
      taskClass: new Uint32Array(count),
      state: new Uint8Array(count),
      submittedMs: times(),
      readyMs: times(),
      assignedMs: times(),
      startedMs: times(),
      finishedMs: times(),
      knownMs: times(),
      worker: new Int16Array(count).fill(-1),
      core: new Uint16Array(count).fill(0xffff),
      cores: new Uint16Array(count),
      attempts: new Uint16Array(count),
      sizeBytes: new Float64Array(count),
      inputStart: new Uint32Array(count + 1),
    },
    inputs: new Uint32Array(count * maxInputs),
  };
}

/** First of `width` neighbouring cores of one worker, of a few tried those that are free first. */
function earliest(freeMs: Float64Array, width: number, cpus: number, random: () => number): number {
  let best = -1;
  let bestMs = Number.POSITIVE_INFINITY;
  const tries = Math.min(freeMs.length, 24);
  const first = Math.floor(random() * freeMs.length);
  for (let i = 0; i < tries; i++) {
    const core = (first + i) % freeMs.length;
    if ((core % cpus) + width > cpus) continue;
    let ms = 0;
    for (let c = core; c < core + width; c++) ms = Math.max(ms, freeMs[c]);
    if (ms < bestMs) {
      best = core;
      bestMs = ms;
    }
  }
  return best === -1 ? 0 : best;
}

function failureOf(task: number, worker: number, atMs: number, stderr: string): TracedFailure {
  return {
    task,
    worker,
    atMs,
    info: create(FailureInfoSchema, {
      message: "the program ended with exit status 3",
      exitStatus: 3,
      stderr: encoder.encode(stderr),
      execution: {
        host: `node${worker}`,
        workerPid: 1000 + worker,
        durationMs: 12_300,
        peakKib: 300_000,
        memoryMs: [0, 500, 1000, 1500, 2000],
        memoryKib: [10_000, 60_000, 150_000, 290_000, 300_000],
      },
    }),
  };
}

function workerOf(
  index: number,
  cpus: number,
  durationMs: number,
  random: () => number,
): Trace["workers"][number] {
  const count = Math.min(3600, Math.max(2, Math.floor(durationMs / 1000)));
  const stepMs = durationMs / count;
  const column = (value: (i: number) => number): Float64Array =>
    Float64Array.from({ length: count }, (_, i) => value(i));
  return {
    index,
    address: `10.0.0.${index + 1}:${40_000 + index}`,
    hostname: `node${index}`,
    pid: 1000 + index,
    cpus,
    resources: [{ name: "mem", amount: 64 * 2 ** 30 }],
    joinedMs: 0,
    goneMs: Number.NaN,
    goneReason: "",
    clockOffsetMs: index * 0.25,
    clockUncertaintyMs: 0.02,
    samples: {
      count,
      atMs: column((i) => Math.round(i * stepMs * 1000) / 1000),
      cpus: Float32Array.from({ length: count }, () => cpus * (0.5 + random() / 2)),
      memoryBytes: column((i) => 2 ** 28 * (1 + i / count + random() / 5)),
      freeMemoryBytes: column((i) => 2 ** 35 - 2 ** 28 * (1 + i / count)),
      objectBytes: column((i) => 2 ** 26 * (1 + Math.sin(i / 9))),
      receivedBytes: column(() => Math.floor(random() * 1e7)),
      sentBytes: column(() => Math.floor(random() * 1e7)),
      runningTasks: Uint32Array.from({ length: count }, () => Math.floor(random() * (cpus + 1))),
    },
    light: {
      count: 0,
      startMs: new Float64Array(0),
      durationMs: new Float32Array(0),
      tasks: new Uint32Array(0),
    },
  };
}
