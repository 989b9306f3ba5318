/**
 * How much of what functions write gets into the worker's log, which is written synchronously: a
 * function that prints without end must not keep the worker from its work. Used for the output of
 * each function process, and by the runner for lines that functions log.
 */

const WINDOW_MS = 1000;
/** Characters per window: what a pipe takes at once if its reader is busy (a full one blocks for 100 ms). */
const WINDOW_LENGTH = 128 * 1024;
/** What the log adds to a line. */
const LINE_OVERHEAD = 100;

export class LineBudget {
  private rest = WINDOW_LENGTH;
  private windowEndMs = 0;
  private leftOut = 0;
  private timer: NodeJS.Timeout | undefined;

  /** @param report told how many lines were left out, soon after that */
  constructor(private readonly report: (lines: number) => void) {}

  /** Whether a line of that length may be logged now. */
  allows(length: number): boolean {
    const nowMs = performance.now();
    if (nowMs >= this.windowEndMs) {
      this.end();
      this.windowEndMs = nowMs + WINDOW_MS;
      this.rest = WINDOW_LENGTH;
    }
    this.rest -= length + LINE_OVERHEAD;
    if (this.rest >= 0) return true;
    this.leftOut++;
    this.timer ??= setTimeout(() => this.end(), this.windowEndMs - nowMs).unref();
    return false;
  }

  /** Reports what was left out until now. */
  end(): void {
    clearTimeout(this.timer);
    this.timer = undefined;
    if (this.leftOut === 0) return;
    const lines = this.leftOut;
    this.leftOut = 0;
    this.report(lines);
  }
}
