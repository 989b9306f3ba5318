/**
 * What the scheduler knows of one worker: what it can run, how much it has been sent, how
 * fast it finishes, and which tasks are meant for it but not sent yet.
 */
import { IntDeque } from "../base/index.js";

/** Light tasks sent to a worker and not finished: at least and at most. */
const MIN_WINDOW = 256;
const MAX_WINDOW = 8192;
/** At most while nothing finishes. */
const MAX_BLOCKED_WINDOW = 65_536;
/** Work to keep queued at a worker: enough to bridge a round trip, little enough to rebalance. */
const QUEUED_MS = 10;
/** No light task has finished for so long though more could be sent: they wait for something. */
const STUCK_MS = 50;
/** Shortest interval from which a rate is taken. */
const RATE_INTERVAL_MS = 10;

export class WorkerLoad {
  /** Light tasks (no cpus) sent and not finished. */
  lightAssigned = 0;
  /** How many light tasks it may have: adapts to its speed. */
  window = MIN_WINDOW;
  /** Cores wanted by the tasks that were sent and are not finished: may exceed `cpus`. */
  cpusAssigned = 0;
  /** Number of those tasks. */
  heavyAssigned = 0;
  /** One of them has finished since the last pass. */
  heavyFinished = false;
  /** When one of them was last seen to finish, or none was there. */
  private quietSinceMs = 0;
  /** Cores of those that are being retracted. */
  cpusRetracting = 0;
  /** Tasks with cpus that were sent, in that order; finished ones are removed lazily. */
  heavySent: number[] = [];
  /** Tasks meant for this worker: their inputs are here, or will be. */
  readonly localLight = new IntDeque();
  readonly localHeavy = new IntDeque();
  /** Light tasks a millisecond, measured. */
  ratePerMs = MIN_WINDOW / QUEUED_MS;
  private readonly offered: boolean[] = [];
  private finishedSince = 0;
  private intervalStart = 0;
  private ranDry = false;
  private limited = false;
  /** Since when the full window keeps tasks from being sent and no light task finishes; 0: not. */
  private blockedSinceMs = 0;

  constructor(
    readonly index: number,
    readonly cpus: number,
    /** Symbol numbers of the task types it offers. */
    taskTypes: Iterable<number>,
  ) {
    for (const type of taskTypes) this.offered[type] = true;
  }

  /** Whether it can execute tasks of this type. */
  offers(taskType: number): boolean {
    return this.offered[taskType] === true;
  }

  /**
   * How many light tasks to send now: none until half of the window is done, as few large
   * batches cost both sides less than many small ones, and half a window keeps the worker busy.
   */
  get lightRoom(): number {
    return this.lightAssigned * 2 > this.window ? 0 : this.window - this.lightAssigned;
  }

  get freeCpus(): number {
    return this.cpus - this.cpusAssigned;
  }

  /** Counts a finished light task. */
  lightFinished(): void {
    this.lightAssigned--;
    this.finishedSince++;
    this.blockedSinceMs = 0;
  }

  /** The window kept tasks from being sent. */
  windowFull(): void {
    this.limited = true;
  }

  /**
   * There was no room at all. What was sent may be functions that wait for hours: others must
   * not wait for them, so the window grows as long as nothing finishes.
   */
  windowBlocked(nowMs: number): void {
    if (this.blockedSinceMs === 0) {
      this.blockedSinceMs = nowMs;
    } else if (nowMs - this.blockedSinceMs >= STUCK_MS) {
      this.window = Math.min(MAX_BLOCKED_WINDOW, 2 * this.window);
      this.blockedSinceMs = nowMs;
    }
  }

  /** To be called once a pass. */
  notePass(nowMs: number): void {
    if (this.heavyFinished || this.heavyAssigned === 0) this.quietSinceMs = nowMs;
    this.heavyFinished = false;
    this.adaptWindow(nowMs);
  }

  /** How long the worker has had tasks with cpus without finishing one. */
  quietMs(nowMs: number): number {
    return nowMs - this.quietSinceMs;
  }

  /**
   * Adapts the window to the rate at which light tasks are finished. Where the worker ran out of
   * work although more was there, the window was too small to tell: then it is doubled.
   */
  private adaptWindow(nowMs: number): void {
    if (this.lightAssigned === 0) this.ranDry = true;
    const elapsed = nowMs - this.intervalStart;
    if (elapsed < RATE_INTERVAL_MS) return;
    if (this.limited && this.finishedSince > 0) {
      this.ratePerMs = 0.5 * this.ratePerMs + (0.5 * this.finishedSince) / elapsed;
      const target = this.ranDry ? 2 * this.window : Math.round(this.ratePerMs * QUEUED_MS);
      this.window = Math.min(MAX_WINDOW, Math.max(MIN_WINDOW, target));
    }
    this.intervalStart = nowMs;
    this.finishedSince = 0;
    this.ranDry = false;
    this.limited = false;
  }
}
