/**
 * How far a worker's clock is from the server's. What the two say of the same executions bounds it: none
 * starts before it was sent, none ends after the server knew. Owns the bounds and the fit; called by
 * worker-join.ts.
 */

/** Clocks may run at different speeds: bounds of each such span are kept apart. */
const WINDOW_MS = 60_000;
/** Times are rounded: bounds that contradict each other by less do not. */
const ROUNDING_MS = 0.02;

/** Processes of a machine read its clock when they start: with a correction in between, they differ by it. */
const SAME_CLOCK_MS = 0.1;

interface Bounds {
  lowestMs: number;
  highestMs: number;
}

/** Adds to a worker's time to get the server's. */
export interface ClockOffset {
  readonly offsetMs: number;
  /** NaN: nothing bounds it on one side. */
  readonly uncertaintyMs: number;
  /** By how much it changed during the trace. */
  readonly driftMs: number;
  /** By the time of the worker. */
  at(workerMs: number): number;
}

export class ClockBounds {
  private readonly windows = new Map<number, Bounds>();

  /** What is `workerMs` there is not before `serverMs`; NaN: that is not known. */
  notBefore(workerMs: number, serverMs: number): void {
    if (Number.isNaN(serverMs)) return;
    const bounds = this.boundsAt(workerMs);
    bounds.lowestMs = Math.max(bounds.lowestMs, serverMs - workerMs);
  }

  /** What is `workerMs` there is not after `serverMs`; NaN: that is not known. */
  notAfter(workerMs: number, serverMs: number): void {
    if (Number.isNaN(serverMs)) return;
    const bounds = this.boundsAt(workerMs);
    bounds.highestMs = Math.min(bounds.highestMs, serverMs - workerMs);
  }

  /** @param isSame the worker is on the server's machine: that has one clock, unless that can't be */
  fit(isSame: boolean): ClockOffset {
    let lowest = Number.NEGATIVE_INFINITY;
    let highest = Number.POSITIVE_INFINITY;
    for (const { lowestMs, highestMs } of this.windows.values()) {
      lowest = Math.max(lowest, lowestMs);
      highest = Math.min(highest, highestMs);
    }
    if (isSame && lowest <= SAME_CLOCK_MS && highest >= -SAME_CLOCK_MS) return constant(0, 0);
    if (!Number.isFinite(lowest) || !Number.isFinite(highest)) {
      return constant(Math.min(Math.max(0, lowest), highest), Number.NaN);
    }
    if (lowest <= highest + ROUNDING_MS) return middle(lowest, highest);
    return this.fitDrift() ?? middle(lowest, highest);
  }

  /** From the middle of one window to that of the next. */
  private fitDrift(): ClockOffset | undefined {
    const points: { atMs: number; offsetMs: number; uncertaintyMs: number }[] = [];
    for (const [window, { lowestMs, highestMs }] of this.windows) {
      const offsetMs = (lowestMs + highestMs) / 2;
      if (!Number.isFinite(offsetMs)) continue;
      const uncertaintyMs = Math.abs(highestMs - lowestMs) / 2;
      points.push({ atMs: (window + 0.5) * WINDOW_MS, offsetMs, uncertaintyMs });
    }
    if (points.length < 2) return undefined;
    points.sort((a, b) => a.atMs - b.atMs);
    const offsets = points.map(({ offsetMs }) => offsetMs);
    return {
      offsetMs: offsets.reduce((sum, offset) => sum + offset, 0) / offsets.length,
      uncertaintyMs: Math.max(...points.map(({ uncertaintyMs }) => uncertaintyMs)),
      driftMs: Math.max(...offsets) - Math.min(...offsets),
      at: (workerMs) => {
        let low = 0;
        let high = points.length;
        while (low < high) {
          const between = (low + high) >>> 1;
          if (points[between].atMs <= workerMs) low = between + 1;
          else high = between;
        }
        if (low === 0) return points[0].offsetMs;
        const before = points[low - 1];
        if (low === points.length) return before.offsetMs;
        const after = points[low];
        const share = (workerMs - before.atMs) / (after.atMs - before.atMs);
        return before.offsetMs + share * (after.offsetMs - before.offsetMs);
      },
    };
  }

  private boundsAt(workerMs: number): Bounds {
    const window = Math.floor(workerMs / WINDOW_MS);
    let bounds = this.windows.get(window);
    if (bounds === undefined) {
      bounds = { lowestMs: Number.NEGATIVE_INFINITY, highestMs: Number.POSITIVE_INFINITY };
      this.windows.set(window, bounds);
    }
    return bounds;
  }
}

function middle(lowest: number, highest: number): ClockOffset {
  return constant((lowest + highest) / 2, Math.abs(highest - lowest) / 2);
}

function constant(offsetMs: number, uncertaintyMs: number): ClockOffset {
  return { offsetMs, uncertaintyMs, driftMs: 0, at: () => offsetMs };
}
