/**
 * Tasks that were sent to a worker and wait there for data, while another one that has it, or most of it, idles: they
 * are taken back. Owns which ones, and how much is looked at. Part of Rebalancing, which moves what waits for cores.
 *
 * None goes back and forth: as many are taken back as the idle worker can start at once; one that has nothing to
 * fetch starts them; and for another one only what is known of the network counts, not that a transfer is late, and
 * it must need half the time, so that what is left halves each time.
 */
import { couldTake } from "./could-take.js";
import { lackedBytes } from "./placement.js";
import type { Scheduler } from "./scheduler.js";
import { TaskFlag, TaskState } from "./task-state.js";
import { LARGE_BYTES } from "./transfers.js";
import type { WorkerLoad } from "./worker-load.js";

/** Taking back a task costs a round trip, and the next turn of server and worker: less is not worth it. */
const WORTH_MOVING_MS = 10;
/** Workers tried for one that idles, tasks looked at of each (with those that have ended), and each time in all. */
const VICTIMS_TRIED = 4;
const LOOKED_AT = 256;
const LOOKED_AT_IN_ALL = 1024;

export class DataWaits {
  /** Tasks looked at the last time. */
  looked = 0;
  /** Where the next look begins: the number of an idle worker, and of one that waits. */
  private firstThief = 0;
  private nextVictim = 0;
  private readonly victims: WorkerLoad[] = [];

  constructor(private readonly scheduler: Scheduler) {}

  /** Looks at all workers. */
  moveWaiting(): void {
    const { scheduler, victims } = this;
    const { alive, estimates, transfers } = scheduler;
    this.looked = 0;
    victims.length = 0;
    transfers.advance(estimates.nowMs);
    let cpusComing = 0;
    let idle = false;
    for (const load of alive) {
      cpusComing += load.cpusRetracting;
      if (load.freeCpus > 0) idle = true;
      if (load.incomingBytes === 0) continue;
      transfers.lookAt(load, estimates.nowMs);
      if (load.heavyAssigned === 0) continue;
      if (estimates.arrivalMs(load) > WORTH_MOVING_MS) victims.push(load);
    }
    if (!idle || victims.length === 0) return;
    const { firstThief } = this;
    for (let i = 0; i < alive.length && this.looked < LOOKED_AT_IN_ALL; i++) {
      const at = (firstThief + i) % alive.length;
      const thief = alive[at];
      // What is being taken back is for this one, as far as is known.
      let wanted = thief.freeCpus - cpusComing;
      this.firstThief = at + 1;
      for (let tried = 0; tried < VICTIMS_TRIED && tried < victims.length && wanted > 0; tried++) {
        const from = victims[this.nextVictim++ % victims.length];
        if (from === thief) continue;
        const taken = this.take(from, thief, wanted);
        wanted -= taken;
        cpusComing += taken;
      }
    }
  }

  /** Takes back tasks that the other worker could start clearly earlier; returns their cores. */
  private take(from: WorkerLoad, thief: WorkerLoad, wanted: number): number {
    const { scheduler } = this;
    const { tasks, classes } = scheduler;
    const { heavySent } = from;
    const end = Math.max(0, heavySent.length - LOOKED_AT);
    let taken = 0;
    for (let i = heavySent.length - 1; i >= end && taken < wanted; i--) {
      this.looked++;
      const row = heavySent[i];
      if (tasks.state[row] !== TaskState.assigned || tasks.worker[row] !== from.index) continue;
      if (tasks.flags[row] & (TaskFlag.started | TaskFlag.retracting)) continue;
      // Others wait for tasks, not for transfers.
      if (tasks.unfinished[row] > 0 || !this.startsEarlier(row, from, thief)) continue;
      if (!couldTake(scheduler, row, classes.list[tasks.taskClass[row]], thief)) continue;
      const variant = scheduler.variantOf(row);
      taken += Math.max(variant.cpus, 1);
      from.retract(variant, 1);
      scheduler.actions.retract(row, from.index);
    }
    return taken;
  }

  private startsEarlier(row: number, from: WorkerLoad, thief: WorkerLoad): boolean {
    const { scheduler } = this;
    const { estimates } = scheduler;
    const lacked = lackedBytes(scheduler, row, from.index);
    if (lacked < LARGE_BYTES) return false;
    const lackedAtThief = lackedBytes(scheduler, row, thief.index);
    // Small objects come at once.
    if (lackedAtThief < LARGE_BYTES) return estimates.arrivalMs(from) > WORTH_MOVING_MS;
    if (2 * lackedAtThief >= lacked) return false;
    const { bytesPerMs } = scheduler.transfers.network;
    const leftMs = lacked / bytesPerMs - from.incomingQuietMs(estimates.nowMs);
    return 2 * estimates.transferMs(thief, lackedAtThief) + WORTH_MOVING_MS < leftMs;
  }
}
