/**
 * Verifies a WorkerCore as a whole: every state field against the collections that must
 * agree with it. Looks at everything, so it is for tests; called by checkInvariants() only.
 */
import type { CoreSet } from "./core-slots.js";
import type { WorkerCore } from "./worker-core.js";
import { type ObjectFetch, type RowEntry, TaskState, type WorkerTask } from "./worker-task.js";

/** Throws an Error that names the first thing that does not fit. */
export function checkWorkerCore(core: WorkerCore, readyCpuTasks: number): void {
  const wanted = new Map<RowEntry, number>();
  const fetches = new Set<ObjectFetch>();
  const ready: WorkerTask[] = [];
  for (const entry of core.rows.values()) {
    const { row } = entry;
    check(core.rows.get(row) === entry, row, "is filed under another row");
    if (entry.fetch !== undefined) fetches.add(entry.fetch);
    const { task } = entry;
    if (task === undefined) continue;
    check(task.entry === entry && task.row === row, row, "has another row's task");
    checkTask(task, row);
    if (task.state === TaskState.ready) ready.push(task);
    for (const input of task.inputs) wanted.set(input, (wanted.get(input) ?? 0) + 1);
  }
  for (const entry of core.rows.values()) checkEntry(entry, entry.row, wanted.get(entry) ?? 0);
  for (const entry of wanted.keys()) {
    check(core.rows.get(entry.row) === entry, entry.row, "is wanted but not in the table");
  }
  checkQueues(core, ready, readyCpuTasks);
  checkCores(core);
  checkSharing(core);
  core.fetches.checkInvariants(fetches);
}

function checkTask(task: WorkerTask, row: number): void {
  const missing = task.inputs.filter((input) => !input.inStore);
  check(task.state <= TaskState.running, row, "has a task that is cancelled or gone");
  check(task.state !== TaskState.waiting || task.missing > 0, row, "waits for nothing");
  if (task.state !== TaskState.running) {
    check(task.missing === missing.length, row, "miscounts its missing inputs");
    check(task.cores.length === 0, row, "holds cores before it runs");
  } else {
    check(task.cores.length === task.cpus, row, "runs with the wrong number of cores");
  }
  for (const input of missing) {
    const expected = missing.filter((other) => other === input).length;
    const found = waitingTasks(input).filter((other) => other === task).length;
    check(found === expected, row, `is ${found} times in the waiting list of ${input.row}`);
  }
}

function checkEntry(entry: RowEntry, row: number, wanted: number): void {
  check(entry.wanted === wanted, row, `counts ${entry.wanted} wants, there are ${wanted}`);
  const used = entry.task !== undefined || entry.kept || wanted > 0;
  check(used, row, "is in the table for nothing");
  check(!entry.kept || entry.inStore, row, "is kept but not in the store");
  check(!entry.inStore || entry.kept || wanted > 0, row, "is in the store for nothing");
  const waiting = waitingTasks(entry).filter((task) => task.state === TaskState.waiting);
  check(waiting.length === 0 || !entry.inStore, row, "is waited for though it is here");
  if (entry.fetch !== undefined) {
    check(!entry.inStore && wanted > 0, row, "is fetched for nothing");
    check(entry.fetch.entry === entry, row, "has another row's fetch");
  }
}

function checkQueues(core: WorkerCore, ready: WorkerTask[], readyCpuTasks: number): void {
  const queued = new Set([...core.light.tasks(), ...core.cpuQueue.tasks()]);
  check(queued.size === ready.length, queued.size, `tasks queued, ${ready.length} are ready`);
  for (const task of ready) check(queued.has(task), task.row, "is ready but not queued");
  const large = ready.filter((task) => task.cpus > 0).length;
  check(large === readyCpuTasks, readyCpuTasks, `ready tasks with cores counted, not ${large}`);
}

function checkCores({ slots, light }: WorkerCore): void {
  const free = slots.holders.filter((holder) => holder === undefined).length;
  check(free === slots.free, slots.free, "free cores miscounted");
  slots.holders.forEach((holder, core) => {
    if (holder === undefined) return;
    check(holder.numbers.includes(core), core, "is held by nobody");
    check(holder.tasks > 0, core, "is held by no task");
  });
  light.check();
}

/** Cancelled tasks that still wind down hold cores too, and are in no table. */
function checkSharing(core: WorkerCore): void {
  const tasks = new Map<CoreSet, number>();
  for (const { task } of core.rows.values()) {
    const set = task?.coreSet;
    if (set !== undefined) tasks.set(set, (tasks.get(set) ?? 0) + 1);
  }
  for (const [set, count] of tasks) {
    check(core.slots.holders.includes(set), set.numbers[0], "is shared but free");
    check(set.tasks >= count, set.numbers[0], `is shared by ${count}, counted ${set.tasks}`);
  }
}

function waitingTasks(entry: RowEntry): WorkerTask[] {
  const more = entry.moreWaiting ?? [];
  return entry.firstWaiting === undefined ? more : [entry.firstWaiting, ...more];
}

function check(condition: boolean, subject: number, problem: string): void {
  if (!condition) throw new Error(`${subject} ${problem}`);
}
