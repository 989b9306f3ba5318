/**
 * The workers, as seen by a task that waits for one: who could never execute it and why, who is busy
 * with what. Looks at a bounded number of workers; alike ones are compared once.
 */
import type { RequestedAmounts } from "../../graph/index.js";
import type { WorkerGroup, WorkersForTask } from "../../protocol/index.js";
import {
  onlyAdds,
  type RequestVariant,
  type TaskClass,
  type WorkerLoad,
} from "../../scheduler/index.js";
import { countAble, describeAmount, describeInability, reasonNot } from "../ability.js";
import type { CoreState } from "../core-state.js";
import type { SymbolTable } from "../task-kinds.js";

const MAX_LOOKED_AT = 500;
const MAX_GROUPS = 10;
const MAX_ADDRESSES = 3;
/** Sums of fractions are a little off. */
const ROUNDING = 1e-5;

const MEMORY_FULL = "what is there and what is expected fills it";

type Verdict = WorkerGroup["verdict"];
const ORDER: readonly Verdict[] = ["free", "busy", "memoryFull", "cannot"];

export function explainWorkers(core: CoreState, symbols: SymbolTable, row: number): WorkersForTask {
  const { scheduler, table } = core;
  const taskClass = scheduler.classes.list[table.taskClass[row]];
  const able = countAble(scheduler, taskClass.shape);
  const groups = new Groups(core);
  const candidates: WorkerLoad[] = [];
  let compared = 0;
  for (const { example, members } of scheduler.index.alike) {
    if (compared + candidates.length >= MAX_LOOKED_AT) break;
    const reason = reasonNot(symbols, taskClass.shape, example);
    if (reason !== undefined) {
      compared++;
      groups.add("cannot", reason, members, members.size);
      continue;
    }
    for (const load of members) {
      if (compared + candidates.length >= MAX_LOOKED_AT) break;
      candidates.push(load);
    }
  }
  candidates.sort((a, b) => shareTaken(taskClass, a) - shareTaken(taskClass, b));
  for (const load of candidates) {
    const verdict = verdictOf(core, row, taskClass, load);
    const doing = verdict === "memoryFull" ? MEMORY_FULL : describeLoad(taskClass, load);
    groups.add(verdict, doing, [load], 1);
  }
  const connected = scheduler.alive.length;
  const listed = groups.list();
  const told = listed.reduce((sum, { workers }) => sum + workers, 0);
  const problem = able === 0 ? describeInability(core, symbols, taskClass.shape) : undefined;
  return {
    connected,
    able,
    ...(problem === undefined ? {} : { problem }),
    groups: listed,
    others: connected - told,
  };
}

class Groups {
  private readonly found = new Map<
    string,
    WorkerGroup & { addresses: string[]; workers: number }
  >();

  constructor(private readonly core: CoreState) {}

  add(verdict: Verdict, reason: string, loads: Iterable<WorkerLoad>, count: number): void {
    const key = verdict === "cannot" ? `cannot ${reason}` : verdict;
    let group = this.found.get(key);
    if (group === undefined) {
      group = { verdict, workers: 0, addresses: [], reason };
      this.found.set(key, group);
    }
    group.workers += count;
    for (const { index } of loads) {
      if (group.addresses.length >= MAX_ADDRESSES) break;
      group.addresses.push(this.core.workers.get(index)!.address);
    }
  }

  list(): WorkerGroup[] {
    return [...this.found.values()]
      .sort((a, b) => ORDER.indexOf(a.verdict) - ORDER.indexOf(b.verdict) || b.workers - a.workers)
      .slice(0, MAX_GROUPS);
  }
}

/** How busy a worker is that could execute tasks of the class. */
function shareTaken({ shape }: TaskClass, load: WorkerLoad): number {
  const variant = shape.kind.variants.find((one) => load.couldServe(one));
  return variant === undefined ? load.light.assigned : load.loadFor(variant);
}

/** Of a worker that could execute the task. */
function verdictOf(core: CoreState, row: number, taskClass: TaskClass, load: WorkerLoad): Verdict {
  const { estimates } = core.scheduler;
  const bytes = estimates.memoryBytes(row, taskClass);
  if (taskClass.light) {
    if (!load.mayAdd(0) || (onlyAdds(core.table, row, bytes) && !load.mayAdd(bytes))) {
      return "memoryFull";
    }
    return load.light.room > 0 ? "free" : "busy";
  }
  if (onlyAdds(core.table, row, bytes) && !load.mayAdd(bytes)) return "memoryFull";
  const { variants } = taskClass.shape.kind;
  return variants.some((one) => load.couldServe(one) && load.fits(one)) ? "free" : "busy";
}

/** "4 of 4 cpus and 1.5 of 2 gpus are taken by 5 tasks there" */
export function describeLoad(taskClass: TaskClass, load: WorkerLoad): string {
  const { variants } = taskClass.shape.kind;
  const variant = variants.find((one) => load.couldServe(one));
  if (variant === undefined) return `${load.light.assigned} light tasks are there`;
  const tasks = load.heavyAssigned;
  const parts = takenOf(load, variant).map(({ name, taken, total }) => {
    const queued = taken - total;
    const more = queued > ROUNDING ? ` (${describeAmount(name, rounded(queued))} more queued)` : "";
    return `${rounded(Math.min(taken, total))} of ${describeAmount(name, total)}${more}`;
  });
  return `${parts.join(" and ")} taken, by ${tasks === 1 ? "1 task" : `${tasks} tasks`}`;
}

function takenOf(
  load: WorkerLoad,
  variant: RequestVariant & RequestedAmounts,
): { name: string; taken: number; total: number }[] {
  const taken = load.takenOf(variant);
  const parts = variant.amounts.map(({ name }, i) => {
    const total = load.resources.resources.find((resource) => resource.name === name)!.amount;
    return { name, taken: taken[i], total };
  });
  if (variant.cpus > 0) parts.unshift({ name: "cpus", taken: load.cpusAssigned, total: load.cpus });
  return parts;
}

function rounded(amount: number): number {
  return Math.round(amount * 10_000) / 10_000;
}
