/**
 * How many light tasks (without a request) a worker may have been sent: as many as it finishes in about
 * 10 ms, adapted to its measured speed. Part of WorkerLoad.
 */

/** Light tasks sent to a worker and not finished: at least and at most. */
const MIN_WINDOW = 256;
const MAX_WINDOW = 8192;
/** At most while nothing finishes. */
const MAX_BLOCKED_WINDOW = 65_536;
/** Work to keep queued at a worker: enough to bridge a round trip, little enough to rebalance. */
const QUEUED_MS = 10;
/** No light task has finished for so long though more could be sent: they wait for something. */
export const STUCK_MS = 50;
/** Shortest interval from which a rate is taken. */
const RATE_INTERVAL_MS = 10;

export class LightWindow {
  /** Light tasks sent and not finished. */
  assigned = 0;
  /** How many it may have. */
  size = MIN_WINDOW;
  /** Light tasks a millisecond, measured. */
  ratePerMs = MIN_WINDOW / QUEUED_MS;
  private finishedSince = 0;
  private intervalStart = 0;
  private ranDry = false;
  private limited = false;
  /** Since when the full window keeps tasks from being sent and no light task finishes; 0: not. */
  private blockedSinceMs = 0;

  /**
   * How many to send now: none until half of the window is done, as few large batches cost both
   * sides less than many small ones, and half a window keeps the worker busy.
   */
  get room(): number {
    return this.assigned * 2 > this.size ? 0 : this.size - this.assigned;
  }

  finished(): void {
    this.assigned--;
    this.finishedSince++;
    this.blockedSinceMs = 0;
  }

  /** It kept tasks from being sent. */
  full(): void {
    this.limited = true;
  }

  /**
   * There was no room at all. What was sent may be functions that wait for hours: others must
   * not wait for them, so the window grows as long as nothing finishes.
   */
  blocked(nowMs: number): void {
    if (this.blockedSinceMs === 0) {
      this.blockedSinceMs = nowMs;
    } else if (nowMs - this.blockedSinceMs >= STUCK_MS) {
      this.size = Math.min(MAX_BLOCKED_WINDOW, 2 * this.size);
      this.blockedSinceMs = nowMs;
    }
  }

  /**
   * Adapts the window to the rate at which light tasks are finished. Where the worker ran out of
   * work although more was there, the window was too small to tell: then it is doubled.
   */
  adapt(nowMs: number): void {
    if (this.assigned === 0) this.ranDry = true;
    const elapsed = nowMs - this.intervalStart;
    if (elapsed < RATE_INTERVAL_MS) return;
    if (this.limited && this.finishedSince > 0) {
      this.ratePerMs = 0.5 * this.ratePerMs + (0.5 * this.finishedSince) / elapsed;
      const target = this.ranDry ? 2 * this.size : Math.round(this.ratePerMs * QUEUED_MS);
      this.size = Math.min(MAX_WINDOW, Math.max(MIN_WINDOW, target));
    }
    this.intervalStart = nowMs;
    this.finishedSince = 0;
    this.ranDry = false;
    this.limited = false;
  }
}
