/**
 * Finds the tasks that somebody asks about: by id, by CLIENT:ID, by label. Labels are not kept in the
 * table: candidates come from the tasks' classes, then the bytes of their plans are read. All of it
 * ends after a bounded number of steps.
 */
import { LabelMatcher } from "../../protocol/index.js";
import type { CoreState } from "../core-state.js";
import { readIndices, rowsOf } from "../expansion/index.js";
import type { PlanRecord } from "../records.js";
import { findRow } from "../submit.js";
import { classifiedPart } from "../task-kinds.js";

/** Tasks that are told of one query, at most. */
const MAX_FOUND = 20;
/** Steps of a search by label, about: bytes read, and rows looked at. About 100 ms. */
const MAX_STEPS = 100_000_000;
/** A candidate costs so many, besides its bytes. */
const STEPS_PER_CANDIDATE = 32;

export interface FoundTasks {
  /** Open ones first. */
  readonly rows: readonly number[];
  /** Further ones. */
  readonly more: number;
  /** False: not everything was searched. */
  readonly complete: boolean;
}

/** What looks like an id may be a label too, where there is no such id. */
export function findTasks(core: CoreState, query: string): FoundTasks {
  const byId = findById(core, query);
  if (byId.length > 0) {
    const rows = byId.slice(0, MAX_FOUND);
    return { rows, more: byId.length - rows.length, complete: true };
  }
  return new LabelSearch(core, query).run();
}

function findById(core: CoreState, query: string): number[] {
  const [, client, id] = /^(?:(\d{1,10}):)?(\d{1,10})$/.exec(query) ?? [];
  if (id === undefined) return [];
  const rows: number[] = [];
  for (const record of core.clients.values()) {
    if (client !== undefined && record.handle !== Number(client)) continue;
    const row = findRow(record, Number(id));
    if (row !== undefined) rows.push(row);
  }
  return openFirst(core, rows);
}

function openFirst(core: CoreState, rows: readonly number[]): number[] {
  return [...rows.filter((row) => core.isOpen(row)), ...rows.filter((row) => !core.isOpen(row))];
}

class LabelSearch {
  private readonly open: number[] = [];
  private readonly others: number[] = [];
  private found = 0;
  private steps = MAX_STEPS;

  constructor(
    private readonly core: CoreState,
    private readonly label: string,
  ) {}

  run(): FoundTasks {
    const { core, label, open, others } = this;
    this.search(label, (plan, i) => this.add(plan.firstRow + i));
    // Copies have their indices behind the label.
    const [, template, indices] = /^(.+) \[(\d+(?:, \d+)*)\]$/s.exec(label) ?? [];
    if (template !== undefined) {
      this.search(template, (plan, i) => this.addCopies(plan, i, indices));
    }
    const rows = [...open, ...others].slice(0, MAX_FOUND);
    return {
      rows: openFirst(core, rows),
      more: this.found - rows.length,
      complete: this.steps > 0,
    };
  }

  /** Visits the tasks with this label in plans of clients. */
  private search(label: string, visit: (plan: PlanRecord, i: number) => void): void {
    const { core } = this;
    const { table, scheduler } = core;
    const number = scheduler.classes.findLabel(classifiedPart(label));
    if (number === undefined) return;
    const wanted = Uint8Array.from(scheduler.classes.list, (one) => (one.label === number ? 1 : 0));
    const bytes = new TextEncoder().encode(label);
    for (const { plans } of core.clients.values()) {
      for (const plan of plans) {
        if (plan.messages === undefined) continue;
        const matcher = new LabelMatcher(plan.messages, bytes);
        const { messageLength } = plan.messages;
        for (let i = 0; i < plan.taskCount; i++) {
          const row = plan.firstRow + i;
          this.steps--;
          // A task that is taken from its checkpoint has another class.
          if (wanted[table.taskClass[row]] === 0 && !plan.replacedConfig.has(row)) continue;
          const configBytes = plan.replacedConfig.has(row) ? 0 : table.configLength[row];
          this.steps -= STEPS_PER_CANDIDATE + messageLength[i] - configBytes;
          if (this.steps <= 0) return;
          if (matcher.matches(i)) visit(plan, i);
        }
      }
    }
  }

  /** The copies of a template with these indices: there is one, or none yet. */
  private addCopies(plan: PlanRecord, task: number, indices: string): void {
    const copies = plan.dynamic?.templates.get(task);
    if (copies === undefined) return;
    for (const { first, end } of rowsOf(copies)) {
      for (let row = first; row < end; row++) {
        this.steps -= STEPS_PER_CANDIDATE;
        if (this.steps <= 0) return;
        const runs = this.core.planOf(row).copies;
        if (runs !== undefined && readIndices(runs, row).join(", ") === indices) this.add(row);
      }
    }
  }

  private add(row: number): void {
    this.found++;
    const list = this.core.isOpen(row) ? this.open : this.others;
    if (list.length < MAX_FOUND) list.push(row);
  }
}
