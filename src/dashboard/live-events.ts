/**
 * What happens to tasks while somebody looks, gathered until the next tick of the event stream. With more
 * tasks in a tick than are told one by one, the others are summed up by worker and label. Called by
 * worker sessions for each task (as a tap), and by event-streams.ts each tick; owns no timer and no socket.
 */
import { performance } from "node:perf_hooks";
import type { ObservedServer, TaskTap } from "./observed-server.js";
import { labelOfClass } from "./task-names.js";

/**
 * Tasks that are told one by one in a tick, at most: those that started, those of them that finished, and the
 * light ones (without a request, of which no start is heard) that finished.
 */
export const MAX_TOLD_TASKS = 2000;
const NO_LABEL = "";
/** Lines that functions log, likewise, and of each so many characters. */
const MAX_TOLD_LINES = 200;
const MAX_LINE_LENGTH = 2000;

/** Columns: entry i of each is about one task. Numbers of labels and types are indices into the lists. */
export interface TaskColumns {
  readonly row: number[];
  readonly attempt: number[];
  readonly client: number[];
  readonly id: number[];
  readonly worker: number[];
  readonly group: number[];
  readonly type: number[];
  /** The whole label; "": none. */
  readonly label: string[];
  /** Since 1970. NaN is null in JSON. */
  readonly startMs: number[];
}

export interface FinishedColumns extends TaskColumns {
  readonly endMs: number[];
  readonly sizeBytes: number[];
}

/** The `tasks` event. */
export interface TasksEvent {
  /** Labels up to their first ":" (or types' names) that the columns refer to. */
  readonly groups: readonly string[];
  readonly types: readonly string[];
  readonly started: TaskColumns;
  readonly finished: FinishedColumns;
  /** Tasks that finished and are not in `finished`: there were too many. */
  readonly shed: readonly {
    readonly worker: number;
    readonly group: string;
    readonly tasks: number;
    readonly durationMs: number;
  }[];
  readonly log: readonly LogView[];
  /** Lines that are not in `log`. */
  readonly shedLines: number;
}

/** A line that a function has logged. */
export interface LogView {
  /** "CLIENT:ID" */
  readonly task: string;
  readonly label: string;
  readonly worker: number;
  readonly level: number;
  readonly text: string;
  /** Since 1970. */
  readonly atMs: number;
}

interface Sum {
  readonly worker: number;
  readonly group: string;
  tasks: number;
  durationMs: number;
}

export class LiveEvents implements TaskTap {
  private groups = new Names();
  private types = new Names();
  private started = newColumns();
  private finished = newFinished();
  private readonly sums = new Map<number, Sum>();
  /** Of `finished`. */
  private heavy = 0;
  private light = 0;
  private log: LogView[] = [];
  private shedLines = 0;

  constructor(private readonly server: ObservedServer) {}

  taskStarted(worker: number, row: number): void {
    const { started } = this;
    if (started.row.length >= MAX_TOLD_TASKS) return;
    this.push(started, worker, row, performance.timeOrigin + performance.now());
  }

  taskFinished(worker: number, row: number, durationUs: number, sizeBytes: number): void {
    const { finished } = this;
    const count = this.server.core.runningSince.has(row) ? this.heavy++ : this.light++;
    if (count >= MAX_TOLD_TASKS) {
      this.sumUp(worker, row, durationUs);
      return;
    }
    const endMs = performance.timeOrigin + performance.now();
    this.push(finished, worker, row, endMs - durationUs / 1000);
    finished.endMs.push(rounded(endMs));
    finished.sizeBytes.push(sizeBytes);
  }

  taskLogged(worker: number, row: number, level: number, text: string): void {
    if (this.log.length >= MAX_TOLD_LINES) {
      this.shedLines++;
      return;
    }
    const { core } = this.server;
    this.log.push({
      task: `${core.clientOf(row)}:${core.taskIdOf(row)}`,
      label: core.labelOf(row) ?? NO_LABEL,
      worker,
      level,
      text: text.slice(0, MAX_LINE_LENGTH),
      atMs: rounded(performance.timeOrigin + performance.now()),
    });
  }

  private push(columns: TaskColumns, worker: number, row: number, startMs: number): void {
    const { core, symbols } = this.server;
    columns.row.push(row);
    columns.attempt.push(core.table.attempt[row]);
    columns.client.push(core.clientOf(row));
    columns.id.push(core.taskIdOf(row));
    columns.worker.push(worker);
    columns.group.push(this.groups.numberOf(labelOfClass(this.server, row)));
    columns.type.push(this.types.numberOf(symbols.nameOf(core.table.taskType[row])));
    columns.label.push(core.labelOf(row) ?? NO_LABEL);
    columns.startMs.push(rounded(startMs));
  }

  private sumUp(worker: number, row: number, durationUs: number): void {
    const key = worker * 65_536 + this.server.core.table.taskClass[row];
    let sum = this.sums.get(key);
    if (sum === undefined) {
      sum = { worker, group: labelOfClass(this.server, row), tasks: 0, durationMs: 0 };
      this.sums.set(key, sum);
    }
    sum.tasks++;
    sum.durationMs += durationUs / 1000;
  }

  /** What has happened since the last time; undefined: nothing. */
  take(): TasksEvent | undefined {
    const { started, finished, groups, types, sums, log, shedLines } = this;
    // With more than is told one by one there are some that are told.
    if (started.row.length + finished.row.length + log.length === 0) return undefined;
    this.groups = new Names();
    this.types = new Names();
    this.started = newColumns();
    this.finished = newFinished();
    this.heavy = 0;
    this.light = 0;
    const shed = [...sums.values()];
    sums.clear();
    this.log = [];
    this.shedLines = 0;
    return { groups: groups.list, types: types.list, started, finished, shed, log, shedLines };
  }
}

/** Texts by number, in the order in which they came. */
class Names {
  readonly list: string[] = [];
  private readonly numbers = new Map<string, number>();

  numberOf(name: string): number {
    let number = this.numbers.get(name);
    if (number === undefined) {
      number = this.list.push(name) - 1;
      this.numbers.set(name, number);
    }
    return number;
  }
}

function newColumns(): TaskColumns {
  return {
    row: [],
    attempt: [],
    client: [],
    id: [],
    worker: [],
    group: [],
    type: [],
    label: [],
    startMs: [],
  };
}

function newFinished(): FinishedColumns {
  return { ...newColumns(), endMs: [], sizeBytes: [] };
}

function rounded(ms: number): number {
  return Math.round(ms * 1000) / 1000;
}
