/**
 * Why tasks that may have had a part in it were lost with their workers: told when they were lost
 * too often. Owns the last few reasons of each such task. Called by recovery.ts.
 */

/** Of tasks that are finished since, too: their rows say nothing when that happens. */
const MAX_TASKS = 1000;
const MAX_REASONS = 10;

export class LossHistory {
  /** By row, the row that was lost last at the end. */
  private readonly reasons = new Map<number, string[]>();

  /** @param losses how often the task has been lost, this time included */
  add(row: number, losses: number, reason: string): void {
    // The first loss of a row that is used again is no other's second.
    const known = losses === 1 ? [] : (this.reasons.get(row) ?? []);
    this.reasons.delete(row);
    this.reasons.set(row, [...known, reason].slice(-MAX_REASONS));
    if (this.reasons.size <= MAX_TASKS) return;
    const [oldest] = this.reasons.keys();
    this.reasons.delete(oldest);
  }

  /** The reasons that are known, the last one first; forgets them. */
  take(row: number): string[] {
    const known = this.reasons.get(row) ?? [];
    this.reasons.delete(row);
    return known.reverse();
  }
}
