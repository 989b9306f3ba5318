/**
 * The memory of one task over its time, in at most {@link MAX_POINTS} points: when there are more,
 * of each two the higher stays, and from then on each point is the highest of twice as many
 * measurements. So peaks stay. Filled by memory-watch.ts.
 */
export const MAX_POINTS = 64;

export class MemoryCurve {
  peakKib = 0;
  private ms: number[] = [];
  private kib: number[] = [];
  /** Measurements that become one point. */
  private stride = 1;
  private gathered = 0;
  private highestMs = 0;
  private highestKib = -1;

  /** @param ms since the task has started */
  add(ms: number, bytes: number): void {
    const kib = Math.round(bytes / 1024);
    this.peakKib = Math.max(this.peakKib, kib);
    if (kib > this.highestKib) {
      this.highestKib = kib;
      this.highestMs = Math.round(ms);
    }
    if (++this.gathered < this.stride) return;
    if (this.ms.length === MAX_POINTS - 1) this.thin();
    this.ms.push(this.highestMs);
    this.kib.push(this.highestKib);
    this.gathered = 0;
    this.highestKib = -1;
  }

  /** Points in the order of time: milliseconds since the start, and KiB. */
  points(): { ms: number[]; kib: number[] } {
    if (this.gathered === 0) return { ms: [...this.ms], kib: [...this.kib] };
    return { ms: [...this.ms, this.highestMs], kib: [...this.kib, this.highestKib] };
  }

  private thin(): void {
    const { ms, kib } = this;
    this.ms = [];
    this.kib = [];
    for (let i = 0; i < ms.length; i += 2) {
      const better = i + 1 < ms.length && kib[i + 1] > kib[i] ? i + 1 : i;
      this.ms.push(ms[better]);
      this.kib.push(kib[better]);
    }
    this.stride *= 2;
  }
}
