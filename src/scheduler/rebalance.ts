/**
 * Moves tasks from workers that have more than they can do to workers that idle: first those that queue
 * at the server for that worker, then those that were sent and have not started, then those that wait for data
 * (data-waits.ts). Owns when that is done, and how much is looked at. Part of Scheduler.
 */
import { couldTake } from "./could-take.js";
import { DataWaits } from "./data-waits.js";
import { bestVariant } from "./heavy-tasks.js";
import { dataMs, missingBytes } from "./placement.js";
import type { Scheduler } from "./scheduler.js";
import { TaskFlag, TaskState } from "./task-state.js";
import type { WorkerLoad } from "./worker-load.js";

/** Workers, and tasks, that are looked at per millisecond: then there is a pause, for tasks of one at most. */
const WORKERS_PER_MS = 1000;
const LOOKS_PER_MS = 4096;
/** Light tasks are so short that moving them more often costs more, in transfers too, than it gains. */
const LIGHT_INTERVAL_MS = 1;
/** Taking back a task costs a round trip: shorter ones stay. */
const WORTH_MOVING_MS = 2;
/** Tasks of a queue looked at for one thief, and workers whose queues are. */
const LOOKED_AT = 64;
const VICTIMS_TRIED = 4;
/** Tasks looked at each time: where none may move, hundreds of thieves would look at those of hundreds. */
const LOOKED_AT_IN_ALL = 4096;

/** One that was taken back and sent there again stays for so long: it may be that nobody else can do better. */
const STAYS_MS = 100;
/** So many are remembered. */
const MAX_REMEMBERED = 4096;

export class Rebalancing {
  /** Rows that were taken back, and until when they stay then. */
  private readonly stays = new Map<number, number>();
  private nowMs = 0;
  private nextMs = Number.NEGATIVE_INFINITY;
  private nextLightMs = Number.NEGATIVE_INFINITY;
  /** Tasks that may still be looked at this time. */
  private looks = 0;
  /** Where it was broken off the last time: the number of a worker, and of a victim. */
  private firstThief = 0;
  private firstVictim = 0;
  private readonly dataWaits: DataWaits;

  constructor(private readonly scheduler: Scheduler) {
    this.dataWaits = new DataWaits(scheduler);
  }

  /** Once a pass. */
  advance(nowMs: number): void {
    const { alive, light } = this.scheduler;
    if (alive.length < 2 || nowMs < this.nextMs) return;
    this.nowMs = nowMs;
    this.looks = LOOKED_AT_IN_ALL;
    if (nowMs >= this.nextLightMs) {
      this.nextLightMs = nowMs + Math.max(LIGHT_INTERVAL_MS, alive.length / WORKERS_PER_MS);
      light.rebalance();
    }
    this.moveHeavy();
    this.dataWaits.moveWaiting();
    const looks = LOOKED_AT_IN_ALL - this.looks + this.dataWaits.looked;
    const pauseMs = Math.min(1, looks / LOOKS_PER_MS);
    this.nextMs = nowMs + Math.max(alive.length / WORKERS_PER_MS, pauseMs);
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
      if (tasks.unfinished[row] > 0 || this.nowMs < (this.stays.get(row) ?? 0)) continue;
      if (!mayMove(scheduler, row, from, thief)) continue;
      const taskClass = scheduler.classes.list[tasks.taskClass[row]];
      if (scheduler.estimates.turnMs(from, taskClass) < WORTH_MOVING_MS) continue;
      const variant = scheduler.variantOf(row);
      if (wanted > 0) wanted -= Math.max(variant.cpus, 1);
      else if (from.lacks(variant)) others--;
      else continue;
      if (this.stays.size >= MAX_REMEMBERED) this.stays.clear();
      this.stays.set(row, this.nowMs + STAYS_MS);
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
  if (!couldTake(scheduler, row, taskClass, thief)) return false;
  const transferMs = dataMs(scheduler, row, thief, missingBytes(scheduler, row, thief.index));
  const { estimates } = scheduler;
  if (tasks.state[row] === TaskState.assigned) {
    const { cpus, resourceIds } = scheduler.variantOf(row);
    // It does not wait for itself: else it would be sent back to where it was.
    const others = resourceIds.length > 0 ? 1 : 1 - cpus / Math.max(cpus, from.cpusAssigned);
    return transferMs < others * estimates.startMs(from, scheduler.variantOf(row));
  }
  // What it waits for there may be another variant than the one that fits here.
  return transferMs < estimates.startMs(from, bestVariant(from, taskClass.shape.kind.variants));
}
