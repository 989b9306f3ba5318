/**
 * A trace as Chrome's trace events in JSON, for https://ui.perfetto.dev and chrome://tracing, piece by piece.
 * A worker is a process, each of its cores a thread; tasks are complete events, transfers asynchronous ones,
 * what workers measured are counters, scheduling passes are events of the server. Called by the command line.
 */
import { UNKNOWN_CORE } from "./format.js";
import { Lanes } from "./lanes.js";
import { ExecutionEnd, type Trace, type TracedWorker } from "./model.js";
import { STATE_NAMES } from "./task-fields.js";

const PIECE_LENGTH = 64 * 1024;
const SERVER = 0;
const END_NAMES = Object.entries(ExecutionEnd)
  .sort(([, a], [, b]) => a - b)
  .map(([name]) => name);

/** One JSON object. */
export function* chromeOf(trace: Trace): Generator<string> {
  const head = {
    displayTimeUnit: "ms",
    otherData: {
      software: `HyperLoom ${trace.software}`,
      start: startOf(trace),
      warnings: trace.warnings,
    },
  };
  let piece = `${JSON.stringify(head).slice(0, -1)},"traceEvents":[`;
  let separator = "\n";
  for (const event of eventsOf(trace)) {
    piece += separator + JSON.stringify(event);
    separator = ",\n";
    if (piece.length < PIECE_LENGTH) continue;
    yield piece;
    piece = "";
  }
  yield `${piece}\n]}\n`;
}

function startOf({ startMs }: Trace): string {
  const start = new Date(startMs);
  return Number.isNaN(start.getTime()) ? "" : start.toISOString();
}

function* eventsOf(trace: Trace): Generator<object> {
  yield named("process_name", SERVER, 0, "server");
  yield named("thread_name", SERVER, 0, "scheduling");
  for (const worker of trace.workers) {
    yield named("process_name", processOf(worker.index), 0, nameOf(worker));
    yield* countersOf(worker);
  }
  const lanes = new Lanes(trace.workers);
  yield* bars(trace, lanes);
  for (const { worker, thread, name } of lanes.list()) {
    yield named("thread_name", processOf(worker), thread, name);
    yield {
      name: "thread_sort_index",
      ph: "M",
      pid: processOf(worker),
      tid: thread,
      args: { sort_index: thread },
    };
  }
  yield* transfers(trace);
  const { passes } = trace;
  for (let i = 0; i < passes.count; i++) {
    yield {
      name: "pass",
      cat: "scheduling",
      ph: "X",
      ts: us(passes.atMs[i]),
      dur: us(passes.durationMs[i]),
      pid: SERVER,
      tid: 0,
      args: { assigned: passes.assigned[i] },
    };
  }
}

function named(name: string, pid: number, tid: number, value: string): object {
  return { name, ph: "M", pid, tid, args: { name: value } };
}

function nameOf({ address, hostname }: TracedWorker): string {
  return hostname === "" ? `worker ${address}` : `worker ${address} (${hostname})`;
}

function processOf(worker: number): number {
  return worker + 1;
}

function* countersOf(worker: TracedWorker): Generator<object> {
  const { samples } = worker;
  const pid = processOf(worker.index);
  for (let i = 0; i < samples.count; i++) {
    const ts = us(samples.atMs[i]);
    const counter = (name: string, args: object) => ({ name, ph: "C", ts, pid, tid: 0, args });
    yield counter("CPU", { cores: rounded(samples.cpus[i]) });
    yield counter("memory", { bytes: samples.memoryBytes[i] });
    yield counter("objects", { bytes: samples.objectBytes[i] });
    yield counter("network", {
      received: samples.receivedBytes[i],
      sent: samples.sentBytes[i],
    });
  }
}

/** Tasks, and executions that did not finish theirs, in the order of their starts. */
function* bars(trace: Trace, lanes: Lanes): Generator<object> {
  const { tasks, executions } = trace;
  const total = tasks.count + executions.count;
  const startOfBar = (bar: number): number =>
    bar < tasks.count ? tasks.startedMs[bar] : executions.startedMs[bar - tasks.count];
  const order = new Uint32Array(total);
  let count = 0;
  for (let bar = 0; bar < total; bar++) {
    if (Number.isNaN(startOfBar(bar))) continue;
    // Those are in the columns of their tasks as well.
    const end = bar < tasks.count ? undefined : executions.end[bar - tasks.count];
    if (end === ExecutionEnd.failed || end === ExecutionEnd.open) continue;
    order[count++] = bar;
  }
  const sorted = order.subarray(0, count).sort((a, b) => startOfBar(a) - startOfBar(b));
  for (const bar of sorted) {
    const execution = bar - tasks.count;
    const isTask = execution < 0;
    const task = isTask ? bar : executions.task[execution];
    const worker = isTask ? tasks.worker[bar] : executions.worker[execution];
    if (worker === -1) continue;
    const startMs = startOfBar(bar);
    const givenMs = isTask ? tasks.finishedMs[bar] : executions.endedMs[execution];
    const endMs = Math.max(startMs, Number.isNaN(givenMs) ? trace.durationMs : givenMs);
    const core = isTask ? tasks.core[bar] : UNKNOWN_CORE;
    const isLight = trace.classes.at(tasks.taskClass[task])?.variants.length === 0;
    const group = trace.labels[tasks.label[task]];
    yield {
      name: tasks.labelOf(task) || group,
      cat: group,
      ph: "X",
      ts: us(startMs),
      dur: us(endMs - startMs),
      pid: processOf(worker),
      tid: lanes.find(worker, isLight ? "light" : core, us(startMs), us(endMs)),
      args: isTask ? taskArgs(trace, task) : { task, ended: END_NAMES[executions.end[execution]] },
    };
  }
}

function taskArgs({ tasks, taskTypes }: Trace, task: number): object {
  return {
    task,
    id: tasks.id[task],
    type: taskTypes.at(tasks.taskType[task]),
    state: STATE_NAMES[tasks.state[task]],
    ready_ms: rounded(tasks.readyMs[task]),
    assigned_ms: rounded(tasks.assignedMs[task]),
    cores: tasks.cores[task],
    attempts: tasks.attempts[task],
    size_bytes: rounded(tasks.sizeBytes[task]),
  };
}

function* transfers(trace: Trace): Generator<object> {
  const { transfers: its, tasks, workers, labels } = trace;
  for (let i = 0; i < its.count; i++) {
    const task = its.task[i];
    const common = {
      name: tasks.labelOf(task) || labels[tasks.label[task]],
      cat: "transfer",
      id: i,
      pid: processOf(its.to[i]),
      tid: 0,
    };
    const from = its.from[i] === -1 ? undefined : workers[its.from[i]].address;
    const args = { task, from, size_bytes: rounded(its.sizeBytes[i]), came: its.came[i] === 1 };
    yield { ...common, ph: "b", ts: us(its.startMs[i]), args };
    yield { ...common, ph: "e", ts: us(its.endMs[i]) };
  }
}

/** Chrome counts in microseconds. */
function us(ms: number): number {
  return Math.round(ms * 1e6) / 1000;
}

/** Without digits that no clock has; null in JSON if it is not known. */
function rounded(value: number): number {
  return Math.round(value * 1000) / 1000;
}
