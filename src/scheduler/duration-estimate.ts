/**
 * How long tasks of a class take: the mean of those that have finished, and what can be said when
 * those that run are taken into account. Of tasks that begin together the short ones finish first:
 * while a class is young the mean of the finished ones is too low, and those that were thought to be
 * short would be left for the end. Part of TaskClass.
 */

/** So many of the last ones count; earlier ones less and less. */
const MEMORY = 20;

export class DurationEstimate {
  private sumMs = 0;
  private count = 0;
  private running = 0;
  /** Sum of the times at which those that run have started. */
  private startsMs = 0;

  /** Mean of the last ones; undefined: none has finished. */
  get meanMs(): number | undefined {
    return this.count === 0 ? undefined : this.sumMs / this.count;
  }

  /** One has finished. */
  add(ms: number): void {
    if (this.count >= MEMORY) {
      this.sumMs *= (MEMORY - 1) / MEMORY;
      this.count = MEMORY - 1;
    }
    this.sumMs += ms;
    this.count++;
  }

  started(nowMs: number): void {
    this.running++;
    this.startsMs += nowMs;
  }

  /** One that had started does not run any more. `durationMs` 0: it did not finish. */
  ended(nowMs: number, durationMs: number): void {
    if (this.running === 0) return;
    this.startsMs -= durationMs > 0 ? nowMs - durationMs : this.startsMs / this.running;
    if (--this.running === 0) this.startsMs = 0;
  }

  /**
   * Mean of the last ones and of those that run, each of which takes at least as long as it has run, and
   * as long as others do on average. Undefined: none has finished, and none runs.
   */
  expectedMs(nowMs: number): number | undefined {
    const { running, count, meanMs } = this;
    if (running === 0) return meanMs;
    const elapsedMs = Math.max(0, nowMs - this.startsMs / running);
    return (this.sumMs + running * Math.max(elapsedMs, meanMs ?? 0)) / (count + running);
  }
}
