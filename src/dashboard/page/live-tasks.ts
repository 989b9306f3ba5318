/**
 * The tasks that the page knows one by one, as columns: those that ran since it was opened. Owns their growth and
 * that the oldest are forgotten. Filled by live-data.ts.
 */
import {
  commonTaskColumns,
  GrowingColumns,
  TracedState,
  type TracedTasks,
  UNKNOWN_CORE,
} from "../../trace/index.js";

/** With so many the older half is forgotten. */
export const MAX_TASKS = 200_000;
const NO_INPUTS = new Uint32Array(0);

export interface NewTask {
  readonly row: number;
  readonly attempt: number;
  readonly client: number;
  readonly id: number;
  /** Indices into the page's lists. */
  readonly worker: number;
  readonly label: number;
  readonly type: number;
  /** The whole label; "": none. */
  readonly text: string;
  /** Since the page's start. */
  readonly startMs: number;
}

function newColumns() {
  const common = commonTaskColumns();
  const { length } = common.id;
  return { ...common, label: new Uint16Array(length), client: new Uint32Array(length) };
}

export class LiveTasks {
  /** Tasks that were forgotten. */
  forgotten = 0;
  private readonly growing = new GrowingColumns(newColumns());
  private readonly texts: string[] = [];
  /** Those that run, by "row:attempt". */
  private running = new Map<string, number>();
  /** The last one of each "client:id". */
  private byName = new Map<string, number>();

  /** As the views want them. What a task needs is not known here. */
  view(): TracedTasks {
    const { count } = this.growing;
    return {
      count,
      ...this.growing.finish(),
      inputStart: new Uint32Array(count + 1),
      inputs: NO_INPUTS,
      labelOf: (task) => this.texts[task] ?? "",
      metadataOf: () => undefined,
    };
  }

  /** One of TracedState. */
  stateOf(task: number): number {
    return this.growing.columns.state[task];
  }

  /** "CLIENT:ID", as the API names it. */
  nameOf(task: number): string {
    const { client, id } = this.growing.columns;
    return `${client[task]}:${id[task]}`;
  }

  /** -1: it is not known. */
  find(name: string): number {
    return this.byName.get(name) ?? -1;
  }

  started(task: NewTask): number {
    const key = `${task.row}:${task.attempt}`;
    const known = this.running.get(key);
    if (known !== undefined) return known;
    const index = this.add(task);
    this.running.set(key, index);
    return index;
  }

  finished(task: NewTask, endMs: number, sizeBytes: number): void {
    const key = `${task.row}:${task.attempt}`;
    // The start as it was heard of, where it was: so the next one on its core does not begin before it ends.
    const index = this.running.get(key) ?? this.add(task);
    this.running.delete(key);
    this.ended(index, TracedState.finished, endMs);
    this.growing.columns.sizeBytes[index] = sizeBytes;
  }

  failed(index: number, atMs: number): void {
    this.ended(index, TracedState.failed, atMs);
  }

  /**
   * Those not among the names "row:attempt" do not run any more, though no end was told.
   * @param isGapless every end that was a success was told: these failed, or were taken back
   */
  keepRunning(keys: ReadonlySet<string>, atMs: number, isGapless: boolean): void {
    for (const [key, index] of this.running) {
      if (keys.has(key)) continue;
      this.running.delete(key);
      if (this.stateOf(index) !== TracedState.assigned) continue;
      const { columns } = this.growing;
      columns.state[index] = isGapless ? TracedState.cancelled : TracedState.finished;
      columns.finishedMs[index] = atMs;
    }
  }

  private ended(index: number, state: number, atMs: number): void {
    const { columns } = this.growing;
    columns.state[index] = state;
    columns.finishedMs[index] = atMs;
    columns.knownMs[index] = atMs;
  }

  private add(task: NewTask): number {
    if (this.growing.count >= MAX_TASKS) this.forget(this.growing.count >> 1);
    const index = this.growing.add();
    const { columns } = this.growing;
    columns.client[index] = task.client;
    columns.id[index] = task.id;
    columns.taskType[index] = task.type;
    columns.label[index] = task.label;
    columns.state[index] = TracedState.assigned;
    for (const unknown of [columns.submittedMs, columns.readyMs, columns.assignedMs]) {
      unknown[index] = Number.NaN;
    }
    for (const unknown of [columns.finishedMs, columns.knownMs, columns.sizeBytes]) {
      unknown[index] = Number.NaN;
    }
    columns.startedMs[index] = Math.max(0, task.startMs);
    columns.worker[index] = task.worker;
    columns.core[index] = UNKNOWN_CORE;
    columns.cores[index] = 1;
    columns.attempts[index] = 1;
    this.texts[index] = task.text;
    this.byName.set(this.nameOf(index), index);
    return index;
  }

  /** The first ones go. */
  private forget(count: number): void {
    this.growing.dropFirst(count);
    this.texts.splice(0, count);
    this.forgotten += count;
    this.running = moved(this.running, count);
    this.byName = moved(this.byName, count);
  }
}

function moved(indices: ReadonlyMap<string, number>, by: number): Map<string, number> {
  const left = new Map<string, number>();
  for (const [key, index] of indices) if (index >= by) left.set(key, index - by);
  return left;
}
