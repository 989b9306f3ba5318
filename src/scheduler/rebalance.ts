/**
 * Moves work from workers that have more than they can do to workers that idle.
 */
import type { IntDeque } from "../base/index.js";
import { missingBytes } from "./placement.js";
import type { Scheduler } from "./scheduler.js";
import { TaskFlag, TaskState } from "./task-state.js";
import type { WorkerLoad } from "./worker-load.js";

/** Fewer light tasks than this in a worker's own queue are not worth moving. */
const LIGHT_WORTH_MOVING = 64;
const BYTES_PER_MS = 1e6;
/** Taking back a task costs a round trip: shorter ones stay. */
const HEAVY_WORTH_MOVING_MS = 2;

/** An idle worker takes ready light tasks from the longest queue that is not sent yet. */
export function stealLight(scheduler: Scheduler): void {
  const { alive, tasks, actions } = scheduler;
  let from: WorkerLoad | undefined;
  for (const load of alive) {
    if (load.localLight.length > (from?.localLight.length ?? LIGHT_WORTH_MOVING)) from = load;
  }
  if (from === undefined) return;
  for (const thief of alive) {
    if (thief === from || thief.lightAssigned * 4 > thief.window) continue;
    const queue: IntDeque = from.localLight;
    const backlogMs = queue.length / from.ratePerMs;
    let count = Math.min(thief.lightRoom, queue.length >> 1);
    let kept = 0;
    const keep: number[] = [];
    while (count > 0 && kept < LIGHT_WORTH_MOVING && queue.length > 0) {
      const row = queue.popBack();
      const taskClass = scheduler.classes.list[tasks.taskClass[row]];
      if (tasks.state[row] !== TaskState.ready) {
        // Not ready: its inputs are being made at `from`. Not waiting: stale.
        if (tasks.state[row] === TaskState.waiting) keep.push(row);
        else tasks.flags[row] &= ~TaskFlag.queued;
        kept++;
        continue;
      }
      const transferMs = missingBytes(tasks, row, thief.index) / BYTES_PER_MS;
      if (!thief.offers(taskClass.taskType) || transferMs > backlogMs) {
        keep.push(row);
        kept++;
        continue;
      }
      tasks.flags[row] &= ~TaskFlag.queued;
      actions.assign(row, thief.index);
      count--;
    }
    while (keep.length > 0) queue.pushBack(keep.pop()!);
  }
}

/** Workers with free cores get tasks that queue at others: not sent ones, then sent ones. */
export function stealHeavy(scheduler: Scheduler): void {
  const { alive } = scheduler;
  for (const thief of alive) {
    if (thief.freeCpus <= 0) continue;
    let from: WorkerLoad | undefined;
    for (const load of alive) {
      if (load === thief) continue;
      const excess = excessCpus(load);
      if (excess > 0 && (from === undefined || excess > excessCpus(from))) from = load;
      else if (excess <= 0 && from === undefined && load.localHeavy.length > 0) from = load;
    }
    if (from === undefined) continue;
    if (!takeQueued(scheduler, from, thief)) takeSent(scheduler, from, thief);
  }
}

/** Cores' worth of tasks that were sent to the worker and can't be running. */
function excessCpus(load: WorkerLoad): number {
  return load.cpusAssigned - load.cpusRetracting - load.cpus;
}

function takeQueued(scheduler: Scheduler, from: WorkerLoad, thief: WorkerLoad): boolean {
  const { tasks, actions } = scheduler;
  const queue = from.localHeavy;
  for (let looked = queue.length; looked > 0 && thief.freeCpus > 0; looked--) {
    const row = queue.popFront();
    const taskClass = scheduler.classes.list[tasks.taskClass[row]];
    if (
      tasks.state[row] === TaskState.ready &&
      taskClass.cpus <= thief.freeCpus &&
      thief.offers(taskClass.taskType) &&
      missingBytes(tasks, row, thief.index) / BYTES_PER_MS <= scheduler.waitMs(from, taskClass)
    ) {
      tasks.flags[row] &= ~TaskFlag.queued;
      actions.assign(row, thief.index);
      return true;
    }
    queue.pushBack(row);
  }
  return false;
}

function takeSent(scheduler: Scheduler, from: WorkerLoad, thief: WorkerLoad): void {
  const { tasks, actions } = scheduler;
  let wanted = Math.min(thief.freeCpus, Math.ceil(excessCpus(from) / 2));
  for (let i = from.heavySent.length - 1; i >= 0 && wanted > 0; i--) {
    const row = from.heavySent[i];
    if (tasks.state[row] !== TaskState.assigned || tasks.worker[row] !== from.index) continue;
    if (tasks.flags[row] & (TaskFlag.started | TaskFlag.retracting)) continue;
    if (tasks.unfinished[row] > 0) continue;
    const taskClass = scheduler.classes.list[tasks.taskClass[row]];
    if (scheduler.turnMs(from, taskClass) < HEAVY_WORTH_MOVING_MS) continue;
    if (taskClass.cpus > thief.freeCpus) continue;
    if (!thief.offers(taskClass.taskType)) continue;
    const transferMs = missingBytes(tasks, row, thief.index) / BYTES_PER_MS;
    if (transferMs > scheduler.waitMs(from, taskClass)) continue;
    from.cpusRetracting += taskClass.cpus;
    wanted -= taskClass.cpus;
    actions.retract(row, from.index);
  }
}
