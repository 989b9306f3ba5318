/**
 * Moves tasks from workers that have more than they can do to workers that idle: first those that queue
 * at the server for that worker, then those that were sent and have not started. Owns when that is
 * done, and how much is looked at. Part of Scheduler.
 */
import { bestVariant } from "./heavy-tasks.js";
import { missingBytes, onlyAdds } from "./placement.js";
import type { Scheduler } from "./scheduler.js";
import { TaskFlag, TaskState } from "./task-state.js";
import { ableFor } from "./worker-index.js";
import type { WorkerLoad } from "./worker-load.js";

/** All workers are looked at no more often than this, per thousand of them. */
const INTERVAL_MS = 1;
/** Taking back a task costs a round trip: shorter ones stay. */
const WORTH_MOVING_MS = 2;
/** Tasks of a queue looked at for one thief, and workers whose queues are. */
const LOOKED_AT = 64;
const VICTIMS_TRIED = 4;
/** Tasks looked at each time: where none may move, hundreds of thieves would look at those of hundreds. */
const LOOKED_AT_IN_ALL = 4096;

export class Rebalancing {
  private lastMs = Number.NEGATIVE_INFINITY;
  /** Tasks that may still be looked at this time. */
  private looks = 0;
  /** Where it was broken off the last time: the number of a worker, and of a victim. */
  private firstThief = 0;
  private firstVictim = 0;

  constructor(private readonly scheduler: Scheduler) {}

  /** Once a pass. */
  advance(nowMs: number): void {
    const { alive, light } = this.scheduler;
    const intervalMs = Math.max(1, alive.length / 1000) * INTERVAL_MS;
    if (alive.length < 2 || nowMs - this.lastMs < intervalMs) return;
    this.lastMs = nowMs;
    light.rebalance();
    this.moveHeavy();
  }

  /** Idle workers take what others can't start soon. */
  private moveHeavy(): void {
    const { scheduler } = this;
    const { alive } = scheduler;
    const victims: WorkerLoad[] = [];
    let idle = false;
    for (const load of alive) {
      if (load.isOverbooked || load.localHeavy.length > 0) victims.push(load);
      if (load.freeCpus > 0) idle = true;
    }
    if (!idle || victims.length === 0) return;
    victims.sort((a, b) => excessCpus(b) - excessCpus(a) || a.index - b.index);
    this.looks = LOOKED_AT_IN_ALL;
    const { firstThief } = this;
    let next = this.firstVictim;
    this.firstThief = 0;
    this.firstVictim = 0;
    for (let i = 0; i < alive.length && scheduler.budget > 0; i++) {
      const at = (firstThief + i) % alive.length;
      const thief = alive[at];
      if (thief.freeCpus <= 0) continue;
      if (this.looks <= 0) {
        this.firstThief = at;
        this.firstVictim = next % victims.length;
        return;
      }
      for (let tried = 0; tried < victims.length && tried < VICTIMS_TRIED; tried++) {
        if (thief.freeCpus <= 0) break;
        const from = victims[next++ % victims.length];
        if (from === thief) continue;
        this.takeQueued(from, thief);
        if (thief.freeCpus > 0) this.takeSent(from, thief);
      }
    }
  }

  private takeQueued(from: WorkerLoad, thief: WorkerLoad): void {
    const { scheduler } = this;
    const { tasks } = scheduler;
    const queue = from.localHeavy;
    const keep: { row: number; key: number }[] = [];
    for (let looked = 0; looked < LOOKED_AT && queue.length > 0 && thief.freeCpus > 0; looked++) {
      this.looks--;
      const key = queue.topKey();
      const row = queue.pop();
      if (tasks.state[row] !== TaskState.ready && tasks.state[row] !== TaskState.waiting) {
        tasks.flags[row] &= ~TaskFlag.queued;
        continue;
      }
      if (!mayMove(scheduler, row, from, thief)) {
        keep.push({ row, key });
        continue;
      }
      tasks.flags[row] &= ~TaskFlag.queued;
      scheduler.assign(row, thief);
    }
    for (const { row, key } of keep) queue.push(row, key);
  }

  private takeSent(from: WorkerLoad, thief: WorkerLoad): void {
    const { scheduler } = this;
    const { tasks } = scheduler;
    const { heavySent } = from;
    const end = Math.max(0, heavySent.length - 4 * LOOKED_AT);
    let wanted = Math.min(thief.freeCpus, Math.ceil(excessCpus(from) / 2));
    // What else is wanted there comes one by one.
    let others = 1;
    for (let i = heavySent.length - 1; i >= end && (wanted > 0 || others > 0); i--) {
      this.looks--;
      const row = heavySent[i];
      if (tasks.state[row] !== TaskState.assigned || tasks.worker[row] !== from.index) continue;
      if (tasks.flags[row] & (TaskFlag.started | TaskFlag.retracting)) continue;
      if (tasks.unfinished[row] > 0 || !mayMove(scheduler, row, from, thief)) continue;
      const taskClass = scheduler.classes.list[tasks.taskClass[row]];
      if (scheduler.estimates.turnMs(from, taskClass) < WORTH_MOVING_MS) continue;
      const variant = scheduler.variantOf(row);
      if (wanted > 0) wanted -= Math.max(variant.cpus, 1);
      else if (from.lacks(variant)) others--;
      else continue;
      from.retract(variant, 1);
      scheduler.actions.retract(row, from.index);
    }
  }
}

/** Cores' worth of tasks that were sent to the worker and can't be running. */
function excessCpus(load: WorkerLoad): number {
  return load.cpusAssigned - load.cpusRetracting - load.cpus;
}

function mayMove(scheduler: Scheduler, row: number, from: WorkerLoad, thief: WorkerLoad): boolean {
  const { tasks } = scheduler;
  if (tasks.unfinished[row] > 0) return false;
  const taskClass = scheduler.classes.list[tasks.taskClass[row]];
  const { shape } = taskClass;
  const { variants } = shape.kind;
  // The plan knows better, unless it has failed.
  if (scheduler.guide.isPlanned(row) && !scheduler.guide.isOverdue) return false;
  if (!ableFor(shape, thief)) return false;
  const bytes = scheduler.estimates.memoryBytes(row, taskClass);
  if (onlyAdds(tasks, row, bytes) && !thief.mayAdd(bytes)) return false;
  if (!variants.some((one) => thief.couldServe(one) && thief.fits(one))) return false;
  const transferMs = scheduler.estimates.transferMs(
    thief,
    missingBytes(scheduler, row, thief.index),
  );
  // What it waits for there may be another variant than the one that fits here.
  const isSent = tasks.state[row] === TaskState.assigned;
  const awaited = isSent ? scheduler.variantOf(row) : bestVariant(from, variants);
  return transferMs < scheduler.estimates.startMs(from, awaited);
}
