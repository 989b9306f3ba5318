/**
 * Where the cores' time went. Every core of every worker is, at every moment, executing or idle;
 * an idle one is waiting for a transfer (its worker has one under way for each such core), else
 * idle though ready tasks wait somewhere, else there is not enough to do. Owns the sums. Told by
 * the simulation and the modelled workers what changes.
 */

export class CoreTime {
  /** Cores of the workers that are there. */
  cores = 0;
  /** Those that execute nothing. */
  freeCores = 0;
  /** Free cores for which a transfer is under way. */
  transferCores = 0;
  /** Cores wanted by tasks of which all inputs exist and which have not started. */
  readyCores = 0;

  /** Sums, in core-milliseconds. */
  totalMs = 0;
  usefulMs = 0;
  /** Executions of tasks that had been executed before. */
  repeatedMs = 0;
  /** Executions that were cut off, by a dead worker or a cancellation. */
  abortedMs = 0;
  overheadMs = 0;
  /** Executions that had not ended when the simulation did. */
  unfinishedMs = 0;
  idleTransfersMs = 0;
  idleReadyMs = 0;
  idleNoWorkMs = 0;

  private nowMs = 0;

  /** Time goes on. */
  advance(nowMs: number): void {
    const spanMs = nowMs - this.nowMs;
    if (spanMs <= 0) return;
    this.nowMs = nowMs;
    const { freeCores, transferCores } = this;
    this.totalMs += this.cores * spanMs;
    if (freeCores === 0) return;
    const ready = Math.min(freeCores - transferCores, this.readyCores);
    this.idleTransfersMs += transferCores * spanMs;
    this.idleReadyMs += ready * spanMs;
    this.idleNoWorkMs += (freeCores - transferCores - ready) * spanMs;
  }
}
