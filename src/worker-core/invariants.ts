/**
 * Verifies a WorkerCore as a whole: every state field against the collections that must
 * agree with it. Looks at everything, so it is for tests; called by checkInvariants() only.
 */

import type { HeldAmount, ResourcePool } from "./resource-pool.js";
import type { TaskHolding } from "./task-holding.js";
import type { WorkerCore } from "./worker-core.js";
import { type ObjectFetch, type RowEntry, TaskState, type WorkerTask } from "./worker-task.js";

/** Throws an Error that names the first thing that does not fit. */
export function checkWorkerCore(core: WorkerCore): void {
  const wanted = new Map<RowEntry, number>();
  const fetches = new Set<ObjectFetch>();
  const ready: WorkerTask[] = [];
  for (const entry of core.objects.rows.values()) {
    const { row } = entry;
    check(core.objects.rows.get(row) === entry, row, "is filed under another row");
    if (entry.fetch !== undefined) fetches.add(entry.fetch);
    const { task } = entry;
    if (task === undefined) continue;
    check(task.entry === entry && task.row === row, row, "has another row's task");
    checkTask(task, row);
    if (task.state === TaskState.ready) ready.push(task);
    for (const input of task.inputs) wanted.set(input, (wanted.get(input) ?? 0) + 1);
  }
  for (const entry of core.objects.rows.values())
    checkEntry(entry, entry.row, wanted.get(entry) ?? 0);
  for (const entry of wanted.keys()) {
    check(core.objects.rows.get(entry.row) === entry, entry.row, "is wanted but not in the table");
  }
  checkQueues(core, ready);
  checkHeld(core);
  core.light.check();
  core.objects.fetches.checkInvariants(fetches);
}

function checkTask(task: WorkerTask, row: number): void {
  const missing = task.inputs.filter((input) => !input.inStore);
  check(task.state <= TaskState.running, row, "has a task that is cancelled or gone");
  check(task.state !== TaskState.waiting || task.missing > 0, row, "waits for nothing");
  if (task.state !== TaskState.running) {
    check(task.missing === missing.length, row, "miscounts its missing inputs");
    check(task.held === undefined, row, "holds resources before it runs");
  } else {
    check(task.cores.length === task.cpus, row, "runs with the wrong number of cores");
    const asks = task.request?.asks ?? [];
    const amounts = task.held?.amounts ?? [];
    const fits = asks.every(({ units }, i) => amounts[i]?.units === units);
    check(fits && asks.length === amounts.length, row, "runs with the wrong amounts");
  }
  for (const input of missing) {
    const expected = missing.filter((other) => other === input).length;
    const found = waitingTasks(input).filter((other) => other === task).length;
    check(found === expected, row, `is ${found} times in the waiting list of ${input.row}`);
  }
}

function checkEntry(entry: RowEntry, row: number, wanted: number): void {
  check(entry.wanted === wanted, row, `counts ${entry.wanted} wants, there are ${wanted}`);
  const used = entry.task !== undefined || entry.kept || entry.prefetched || wanted > 0;
  check(used, row, "is in the table for nothing");
  check(!entry.kept || entry.inStore, row, "is kept but not in the store");
  check(!entry.inStore || entry.kept || wanted > 0, row, "is in the store for nothing");
  const waiting = waitingTasks(entry).filter((task) => task.state === TaskState.waiting);
  check(waiting.length === 0 || !entry.inStore, row, "is waited for though it is here");
  check(!entry.prefetched || entry.fetch !== undefined, row, "is prefetched but not fetched");
  if (entry.fetch !== undefined) {
    check(!entry.inStore && (wanted > 0 || entry.prefetched), row, "is fetched for nothing");
    check(entry.fetch.entry === entry, row, "has another row's fetch");
  }
}

function checkQueues(core: WorkerCore, ready: WorkerTask[]): void {
  const queued = new Set([...core.light.tasks(), ...core.queue.tasks()]);
  check(queued.size === ready.length, queued.size, `tasks queued, ${ready.length} are ready`);
  for (const task of ready) check(queued.has(task), task.row, "is ready but not queued");
  core.queue.order.check();
}

/** Cancelled tasks that still wind down hold resources too, and are in no table. */
function checkHeld({ slots, objects }: WorkerCore): void {
  const free = slots.cores.filter((holder) => holder === undefined).length;
  check(free === slots.free, slots.free, "free cores miscounted");
  slots.cores.forEach((holder, core) => {
    if (holder !== undefined) check(holder.cores.includes(core), core, "is held by nobody");
  });
  const all = new Set(slots.mixed);
  for (const holder of slots.cores) if (holder !== undefined) all.add(holder);
  const tasks = new Map<TaskHolding, number>();
  for (const { task } of objects.rows.values()) {
    const held = task?.held;
    if (held !== undefined) tasks.set(held, (tasks.get(held) ?? 0) + 1);
  }
  for (const [held, count] of tasks) {
    const isNothing = held.cores.length === 0 && held.amounts.length === 0;
    check(isNothing || all.has(held), count, "tasks hold what is free");
  }
  const amounts = new Map<ResourcePool, HeldAmount[]>();
  for (const held of all) {
    const count = tasks.get(held) ?? 0;
    check(held.tasks >= Math.max(1, count), held.tasks, `tasks hold something, not ${count}`);
    for (const core of held.cores) check(slots.cores[core] === held, core, "is held twice");
    for (const amount of held.amounts) {
      amounts.set(amount.pool, [...(amounts.get(amount.pool) ?? []), amount]);
    }
  }
  for (const pool of slots.pools.values()) pool.check(amounts.get(pool) ?? []);
}

function waitingTasks(entry: RowEntry): WorkerTask[] {
  const more = entry.moreWaiting ?? [];
  return entry.firstWaiting === undefined ? more : [entry.firstWaiting, ...more];
}

function check(condition: boolean, subject: number, problem: string): void {
  if (!condition) throw new Error(`${subject} ${problem}`);
}
