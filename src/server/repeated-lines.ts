/**
 * Lines of the log that may come by the thousand: of those with the same key one a second is written, the next
 * one says how many were left out. Knows no clock.
 */

const INTERVAL_MS = 1000;
/** More keys are forgotten. */
const MAX_KEYS = 1000;

export class RepeatedLines {
  private readonly last = new Map<string, { atMs: number; leftOut: number }>();

  /** @param write gets what to add to the line, "" if none was left out */
  log(key: string, nowMs: number, write: (more: string) => void): void {
    const last = this.last.get(key);
    if (last !== undefined && nowMs - last.atMs < INTERVAL_MS) {
      last.leftOut++;
      return;
    }
    if (this.last.size >= MAX_KEYS) this.last.clear();
    this.last.set(key, { atMs: nowMs, leftOut: 0 });
    write(last === undefined || last.leftOut === 0 ? "" : ` (and ${last.leftOut} times before)`);
  }
}
