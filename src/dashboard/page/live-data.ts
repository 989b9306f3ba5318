/**
 * What the page knows: the last state, and the tasks it was told of, as the views want them. Owns the rules by
 * which events change it; no DOM, no connection.
 */
import {
  type LabelTotal,
  type ViewData,
  type ViewFailure,
  withoutOutput,
} from "../../report/page/index.js";
import type { TracedTransfers } from "../../trace/index.js";
import type { FailureView } from "../cluster-views.js";
import type { StateEvent } from "../event-streams.js";
import type { LogView, TaskColumns, TasksEvent } from "../live-events.js";
import { History } from "./history.js";
import { LiveTasks, MAX_TASKS, type NewTask } from "./live-tasks.js";
import { LiveWorkers } from "./live-workers.js";

const MAX_FAILURES = 200;
const MAX_LINES = 500;
/** How far back tasks that ran already are shown. */
const MAX_BACK_MS = 60_000;

const NO_TRANSFERS: TracedTransfers = {
  count: 0,
  task: new Uint32Array(0),
  from: new Int16Array(0),
  to: new Int16Array(0),
  startMs: new Float64Array(0),
  endMs: new Float64Array(0),
  sizeBytes: new Float64Array(0),
  came: new Uint8Array(0),
};
const NO_EXECUTIONS: ViewData["executions"] = {
  count: 0,
  task: new Uint32Array(0),
  worker: new Int16Array(0),
  assignedMs: new Float64Array(0),
  startedMs: new Float64Array(0),
  endedMs: new Float64Array(0),
  end: new Uint8Array(0),
};
const NO_PASSES: ViewData["passes"] = {
  count: 0,
  atMs: new Float64Array(0),
  durationMs: new Float32Array(0),
  assigned: new Uint32Array(0),
};

export class LiveData {
  readonly tasks = new LiveTasks();
  readonly workers = new LiveWorkers();
  readonly history = new History();
  /** The newest first. */
  failures: FailureView[] = [];
  /** The oldest first. */
  log: LogView[] = [];
  private readonly labels: string[] = [];
  private readonly labelNumbers = new Map<string, number>();
  private readonly types: string[] = [];
  private readonly typeNumbers = new Map<string, number>();
  private readonly labelMs = new Map<number, number>();
  private shedTasks = 0;
  private shedLines = 0;
  private missedTicks = 0;
  /** Since the last state not every task was told one by one. */
  private hasGap = false;
  private readonly startMs: number;

  /** @param state the first one of a server */
  constructor(public state: StateEvent) {
    let firstMs = state.timeMs;
    for (const { sinceMs } of state.running.tasks) firstMs = Math.min(firstMs, sinceMs);
    this.startMs = Math.max(firstMs, state.timeMs - MAX_BACK_MS);
    this.stateCame(state);
  }

  /** False: it is another server process, whose tasks have nothing to do with these. */
  isSameServer(state: StateEvent): boolean {
    return state.startedMs === this.state.startedMs;
  }

  stateCame(state: StateEvent): void {
    this.state = state;
    const { tasks, workers, startMs } = this;
    workers.update(state.workers, startMs, state.timeMs);
    this.history.add(state, state.timeMs - startMs, (name) => this.labelNumber(name));
    const keys = new Set<string>();
    for (const one of state.running.tasks) {
      keys.add(`${one.row}:${one.attempt}`);
      const [client, id] = one.task.split(":").map(Number);
      tasks.started({
        row: one.row,
        attempt: one.attempt,
        client,
        id,
        worker: workers.placeOf(one.workerIndex),
        label: this.labelNumber(one.group),
        type: this.typeNumber(one.type),
        text: one.label ?? "",
        startMs: one.sinceMs - startMs,
      });
    }
    if (state.failures.length > 0) this.failuresCame(state.failures);
    if (state.running.more === 0) {
      tasks.keepRunning(keys, state.timeMs - startMs, !this.hasGap);
      this.hasGap = false;
    }
  }

  tasksCame(event: TasksEvent): void {
    const { started, finished } = event;
    const groups = event.groups.map((name) => this.labelNumber(name));
    const types = event.types.map((name) => this.typeNumber(name));
    for (let i = 0; i < started.row.length; i++) {
      this.tasks.started(this.newTask(started, i, groups, types));
    }
    for (let i = 0; i < finished.row.length; i++) {
      const task = this.newTask(finished, i, groups, types);
      this.tasks.finished(task, finished.endMs[i] - this.startMs, finished.sizeBytes[i]);
      this.addDuration(task.label, finished.endMs[i] - finished.startMs[i]);
    }
    for (const { group, tasks, durationMs } of event.shed) {
      this.shedTasks += tasks;
      this.hasGap = true;
      this.addDuration(this.labelNumber(group), durationMs);
    }
    this.shedLines += event.shedLines;
    if (event.log.length > 0) this.log = [...this.log, ...event.log].slice(-MAX_LINES);
  }

  /** What happened until now was not told: the connection was lost. */
  reconnected(): void {
    this.hasGap = true;
  }

  /** This page was too slow. */
  ticksMissed(ticks: number): void {
    this.missedTicks += ticks;
    this.hasGap = true;
  }

  failuresCame(failures: readonly FailureView[]): void {
    const known = new Set(this.failures.map(keyOf));
    const fresh = failures.filter((failure) => !known.has(keyOf(failure)));
    this.failures = [...fresh, ...this.failures].slice(0, MAX_FAILURES);
    for (const { task, atMs } of fresh) {
      const index = this.tasks.find(task);
      if (index >= 0 && atMs !== undefined) this.tasks.failed(index, atMs - this.startMs);
    }
  }

  view(): ViewData {
    const { state, tasks, startMs } = this;
    return {
      title: "HyperLoom, live",
      live: true,
      warnings: this.warnings(),
      software: state.version,
      startMs,
      durationMs: state.timeMs - startMs,
      complete: false,
      taskTypes: this.types,
      labels: this.labels,
      classes: [],
      workers: this.workers.list(),
      clients: state.clients.map(({ client, address }) => ({
        index: client,
        address,
        joinedMs: 0,
        goneMs: Number.NaN,
      })),
      plans: [],
      tasks: tasks.view(),
      firstTask: tasks.forgotten,
      executions: NO_EXECUTIONS,
      transfers: NO_TRANSFERS,
      passes: NO_PASSES,
      failures: this.viewFailures(),
      totals: this.totals(),
    };
  }

  /** What is missing on this page, for people. */
  warnings(): string[] {
    const { shedTasks, missedTicks, shedLines, tasks } = this;
    const count = (number: number): string => number.toLocaleString("en-US");
    return [
      ...(shedTasks > 0
        ? [
            `${count(shedTasks)} tasks came too fast to be shown one by one: they are in the sums only`,
          ]
        : []),
      ...(shedLines > 0 ? [`${count(shedLines)} logged lines came too fast to be shown`] : []),
      ...(missedTicks > 0
        ? [
            `this page was too slow for ${count(missedTicks)} updates: tasks of that time are in the sums only`,
          ]
        : []),
      ...(tasks.forgotten > 0
        ? [
            `the first ${count(tasks.forgotten)} tasks are forgotten: this page keeps the last ${count(MAX_TASKS)}`,
          ]
        : []),
    ];
  }

  private totals(): LabelTotal[] {
    const totals: LabelTotal[] = this.labels.map((_, label) => ({
      tasks: 0,
      running: 0,
      finished: 0,
      failed: 0,
      cancelled: 0,
      durationMs: this.labelMs.get(label) ?? 0,
    }));
    for (const { label, total, running, finished, failed } of this.state.labels) {
      const number = this.labelNumber(label);
      totals[number] = { ...totals[number], tasks: total, running, finished, failed };
    }
    return totals;
  }

  private viewFailures(): ViewFailure[] {
    const views: ViewFailure[] = [];
    for (const failure of this.failures) {
      const task = this.tasks.find(failure.task);
      if (task < 0) continue;
      views.push({
        task,
        worker: this.workers.placeOfAddress(failure.worker),
        atMs: (failure.atMs ?? this.state.timeMs) - this.startMs,
        message: withoutOutput(failure.message, failure.stderr),
        stderr: failure.stderr,
        facts: factsOf(failure),
      });
    }
    return views;
  }

  private newTask(
    columns: TaskColumns,
    i: number,
    groups: readonly number[],
    types: readonly number[],
  ): NewTask {
    return {
      row: columns.row[i],
      attempt: columns.attempt[i],
      client: columns.client[i],
      id: columns.id[i],
      worker: this.workers.placeOf(columns.worker[i]),
      label: groups[columns.group[i]],
      type: types[columns.type[i]],
      text: columns.label[i],
      startMs: columns.startMs[i] - this.startMs,
    };
  }

  private addDuration(label: number, durationMs: number): void {
    this.labelMs.set(label, (this.labelMs.get(label) ?? 0) + durationMs);
  }

  private labelNumber(name: string): number {
    return numberOf(name, this.labels, this.labelNumbers);
  }

  private typeNumber(name: string): number {
    return numberOf(name, this.types, this.typeNumbers);
  }
}

/** What is known of the death, for people. */
export function factsOf(failure: FailureView): [name: string, value: string][] {
  const { exitStatus, signal, worker, execution } = failure;
  const facts: [string, string][] = [];
  if (signal !== undefined) facts.push(["signal", signal]);
  if (exitStatus !== undefined) facts.push(["exit status", String(exitStatus)]);
  if (worker !== undefined) facts.push(["worker", worker]);
  const { host, durationMs, timeLimitMs, peakKib, oomLikely } = execution ?? {};
  if (typeof host === "string" && host !== "") facts.push(["host", host]);
  if (typeof durationMs === "number")
    facts.push(["ran for", `${(durationMs / 1000).toFixed(1)} s`]);
  if (typeof timeLimitMs === "number" && timeLimitMs > 0) {
    facts.push(["time limit", `${(timeLimitMs / 1000).toFixed(1)} s`]);
  }
  if (typeof peakKib === "number" && peakKib > 0) {
    facts.push(["peak of memory", `${(peakKib / 1024).toFixed(0)} MiB`]);
  }
  if (oomLikely === true) facts.push(["memory", "probably ran out"]);
  return facts;
}

function keyOf({ task, atMs, message }: FailureView): string {
  return `${task} ${atMs} ${message}`;
}

function numberOf(name: string, list: string[], numbers: Map<string, number>): number {
  let number = numbers.get(name);
  if (number === undefined) {
    number = list.push(name) - 1;
    numbers.set(name, number);
  }
  return number;
}
