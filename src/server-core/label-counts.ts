/**
 * How many tasks of each label there are, run, have finished and have failed: per client, and per plan.
 * Owns the counters and which label a class of tasks has; the events that change them are in submit.ts,
 * progress.ts, giving-up.ts and recovery.ts. Read through ServerCore.labelCounts().
 *
 * A label is the text before the first ":"; a task without one counts for its task type. Each client
 * tells MAX_TOLD_APART of them apart, by a number, its slot. A plan counts in a window of the slots of
 * its client, from the first to the last one that its tasks have: most plans have few labels.
 */
import { type TaskClasses, TaskFlag } from "../scheduler/index.js";
import type { CoreState } from "./core-state.js";
import type { ClientRecord, PlanRecord } from "./records.js";
import type { SymbolTable } from "./task-kinds.js";

/** Tasks with further labels of a client are counted together. */
export const MAX_TOLD_APART = 200;
/** The label that all those count for. */
export const OTHER_LABELS = "(others)";
const UNKNOWN_SLOT = 255;

/** What is counted, as offsets from a slot's first counter. */
export const Count = { total: 0, running: 1, finished: 2, failed: 3, again: 4 } as const;
/** Counters of a slot. */
export const WIDTH = 5;
type What = (typeof Count)[keyof typeof Count];

/** Numbers of tasks with one label. */
export interface LabelCount {
  readonly label: string;
  /** Finished, failed, and still to be done. Cancelled ones do not count. */
  readonly total: number;
  /** Those that run, as far as workers tell: only tasks with a resource request. */
  readonly running: number;
  /** Executions that have finished: a task that was executed again counts again, in `total` too. */
  readonly finished: number;
  readonly failed: number;
  /** How often one had to be executed again, as it, or its result, was lost with a worker. */
  readonly again: number;
}

/** The labels of one client's tasks, and its counters. */
export class ClientLabels {
  /** By class of tasks. */
  private slots = new Uint8Array(16).fill(UNKNOWN_SLOT);
  /** Of each slot the label, or the number of the task type where there is none. */
  private readonly keys: (string | number)[] = [];
  private readonly slotOfKey = new Map<string | number, number>();
  /** WIDTH counters for each slot. */
  counts = new Float64Array(0);

  constructor(private readonly classes: TaskClasses) {}

  slotOf(taskClass: number): number {
    const slot = taskClass < this.slots.length ? this.slots[taskClass] : UNKNOWN_SLOT;
    return slot === UNKNOWN_SLOT ? this.addClass(taskClass) : slot;
  }

  /** The class was forgotten; no plan has tasks of it. */
  classGone(taskClass: number): void {
    if (taskClass < this.slots.length) this.slots[taskClass] = UNKNOWN_SLOT;
  }

  /** What the slot's tasks are called. */
  nameOf(slot: number, symbols: SymbolTable): string {
    const key = this.keys[slot];
    return typeof key === "number" ? symbols.nameOf(key) : key;
  }

  private addClass(taskClass: number): number {
    const { label, shape } = this.classes.list[taskClass];
    const slot = this.slotOfLabel(
      label === 0 ? shape.taskType : (this.classes.labelText(label) ?? OTHER_LABELS),
    );
    if (taskClass >= this.slots.length) {
      const slots = new Uint8Array(2 * taskClass).fill(UNKNOWN_SLOT);
      slots.set(this.slots);
      this.slots = slots;
    }
    this.slots[taskClass] = slot;
    return slot;
  }

  private slotOfLabel(wanted: string | number): number {
    const isOther = !this.slotOfKey.has(wanted) && this.keys.length >= MAX_TOLD_APART;
    const key = isOther ? OTHER_LABELS : wanted;
    let slot = this.slotOfKey.get(key);
    if (slot === undefined) {
      slot = this.keys.push(key) - 1;
      this.slotOfKey.set(key, slot);
      this.counts = widened(this.counts, 0, slot + 1);
    }
    return slot;
  }
}

/** The counters of one plan, and of the copies of its tasks. */
export class PlanLabels {
  /** The slot of the first WIDTH counters. */
  firstSlot = 0;
  counts = new Float64Array(0);

  /** Tasks still to be done. */
  get openTasks(): number {
    const { counts } = this;
    let sum = 0;
    for (let at = 0; at < counts.length; at += WIDTH) {
      sum += counts[at + Count.total] - counts[at + Count.finished] - counts[at + Count.failed];
    }
    return sum;
  }

  /** Makes room for the slot. */
  include(slot: number): void {
    const end = this.firstSlot + this.counts.length / WIDTH;
    if (this.counts.length > 0 && slot >= this.firstSlot && slot < end) return;
    const first = this.counts.length === 0 ? slot : Math.min(slot, this.firstSlot);
    const before = this.counts.length === 0 ? 0 : this.firstSlot - first;
    this.counts = widened(this.counts, before, Math.max(end, slot + 1) - first);
    this.firstSlot = first;
  }
}

function widened(
  counts: Float64Array,
  slotsBefore: number,
  slotCount: number,
): Float64Array<ArrayBuffer> {
  const wider = new Float64Array(slotCount * WIDTH);
  wider.set(counts, slotsBefore * WIDTH);
  return wider;
}

// --- events ----------------------------------------------------------------------------------

/** The rows are new tasks of the plan (or copies of them). */
export function countAdded(core: CoreState, plan: PlanRecord, first: number, count: number): void {
  const { taskClass } = core.table;
  const { labels } = plan.client;
  const end = first + count;
  for (let row = first; row < end; ) {
    const ofRun = taskClass[row];
    let next = row + 1;
    while (next < end && taskClass[next] === ofRun) next++;
    plan.labels.include(labels.slotOf(ofRun));
    add(plan, ofRun, Count.total, next - row);
    row = next;
  }
}

/** For each task that finishes: nothing but additions. */
export function countFinished(core: CoreState, plan: PlanRecord, row: number): void {
  if (core.table.flags[row] & TaskFlag.started) runsNoMore(core, plan, row);
  add(plan, core.table.taskClass[row], Count.finished, 1);
}

/** An open task has failed. */
export function countFailed(core: CoreState, row: number): void {
  add(core.planOf(row), core.table.taskClass[row], Count.failed, 1);
}

/** An open task will not be executed, as nobody needs it. */
export function countCancelled(core: CoreState, row: number): void {
  add(core.planOf(row), core.table.taskClass[row], Count.total, -1);
}

/** The result of the task was lost: it will be executed once more. */
export function countAgain(core: CoreState, row: number): void {
  const plan = core.planOf(row);
  add(plan, core.table.taskClass[row], Count.total, 1);
  add(plan, core.table.taskClass[row], Count.again, 1);
}

/** The task was running when its worker was lost, and is open again. */
export function countRestarted(core: CoreState, row: number): void {
  add(core.planOf(row), core.table.taskClass[row], Count.again, 1);
}

/** The failed task is about to be opened again. */
export function countRetried(core: CoreState, row: number): void {
  add(core.planOf(row), core.table.taskClass[row], Count.failed, -1);
  add(core.planOf(row), core.table.taskClass[row], Count.total, -1);
}

/** A task that was done with is open again, as somebody wants it anew. */
export function countReopened(core: CoreState, row: number): void {
  add(core.planOf(row), core.table.taskClass[row], Count.total, 1);
}

/** The assigned task has just been flagged as started. */
export function countStarted(core: CoreState, row: number): void {
  core.runningSince.set(row, core.nowMs);
  add(core.planOf(row), core.table.taskClass[row], Count.running, 1);
}

/** The task is about to be taken from its worker; does nothing if that had not started it. */
export function countStopped(core: CoreState, row: number): void {
  if (core.table.flags[row] & TaskFlag.started) runsNoMore(core, core.planOf(row), row);
}

function runsNoMore(core: CoreState, plan: PlanRecord, row: number): void {
  core.runningSince.delete(row);
  add(plan, core.table.taskClass[row], Count.running, -1);
}

function add(plan: PlanRecord, taskClass: number, what: What, count: number): void {
  const { client, labels } = plan;
  const slot = client.labels.slotOf(taskClass);
  client.labels.counts[slot * WIDTH + what] += count;
  labels.counts[(slot - labels.firstSlot) * WIDTH + what] += count;
}

// --- questions -------------------------------------------------------------------------------

/** Of the given clients together, in the order in which the labels came. */
export function countsOfClients(
  clients: Iterable<ClientRecord>,
  symbols: SymbolTable,
): LabelCount[] {
  const sums = new Sums();
  for (const { labels } of clients) sums.add(labels, 0, labels.counts, symbols);
  return sums.list();
}

/** Of one plan. */
export function countsOfPlan({ client, labels }: PlanRecord, symbols: SymbolTable): LabelCount[] {
  const sums = new Sums();
  sums.add(client.labels, labels.firstSlot, labels.counts, symbols);
  return sums.list();
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

/** A label may be in several slots: those of several clients, and a label that is called like a task type. */
class Sums {
  private readonly byLabel = new Map<string, Mutable<LabelCount>>();

  add(labels: ClientLabels, firstSlot: number, counts: Float64Array, symbols: SymbolTable): void {
    for (let at = 0; at < counts.length; at += WIDTH) {
      if (counts[at + Count.total] === 0) continue;
      const sum = this.sumOf(labels.nameOf(firstSlot + at / WIDTH, symbols));
      sum.total += counts[at + Count.total];
      sum.running += counts[at + Count.running];
      sum.finished += counts[at + Count.finished];
      sum.failed += counts[at + Count.failed];
      sum.again += counts[at + Count.again];
    }
  }

  list(): LabelCount[] {
    return [...this.byLabel.values()];
  }

  private sumOf(name: string): Mutable<LabelCount> {
    const { byLabel } = this;
    const isOther = !byLabel.has(name) && byLabel.size >= MAX_TOLD_APART;
    const label = isOther ? OTHER_LABELS : name;
    let sum = byLabel.get(label);
    if (sum === undefined) {
      sum = { label, total: 0, running: 0, finished: 0, failed: 0, again: 0 };
      byLabel.set(label, sum);
    }
    return sum;
  }
}
