/** Workers' clocks: what is found is as near to the truth as it says. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ClockBounds } from "../../src/trace/clock-alignment.js";

const delay = fc.double({ min: 0.01, max: 50, noNaN: true });

describe("the offset of a clock", () => {
  it("is within its uncertainty, whatever delays there are", () => {
    fc.assert(
      fc.property(
        fc.double({ min: -1e7, max: 1e7, noNaN: true }),
        fc.array(fc.tuple(delay, delay, delay), { minLength: 1, maxLength: 50 }),
        (offset, executions) => {
          const bounds = new ClockBounds();
          let now = 0;
          for (const [before, duration, after] of executions) {
            const start = now + before;
            bounds.notBefore(start - offset, now);
            bounds.notAfter(start + duration - offset, start + duration + after);
            now = start + duration + after;
          }
          const fit = bounds.fit(false);
          expect(Math.abs(fit.offsetMs - offset)).toBeLessThanOrEqual(fit.uncertaintyMs + 1e-6);
          expect(fit.driftMs).toBe(0);
        },
      ),
    );
  });

  it("follows a clock that runs faster", () => {
    const bounds = new ClockBounds();
    // A millisecond a second, for ten minutes.
    const workerOf = (serverMs: number) => serverMs * 1.001;
    for (let at = 0; at < 600_000; at += 1000) {
      bounds.notBefore(workerOf(at + 0.1), at);
      bounds.notAfter(workerOf(at + 10), at + 10.1);
    }
    const fit = bounds.fit(false);
    expect(fit.driftMs).toBeGreaterThan(400);
    for (let at = 30_000; at < 570_000; at += 777) {
      const there = workerOf(at);
      expect(Math.abs(there + fit.at(there) - at)).toBeLessThan(1);
    }
  });

  it("is none on the server's machine, unless that can't be", () => {
    const bounds = new ClockBounds();
    bounds.notBefore(100, 20);
    bounds.notAfter(100, 101);
    expect(bounds.fit(true)).toMatchObject({ offsetMs: 0, uncertaintyMs: 0 });
    expect(bounds.fit(false)).toMatchObject({ offsetMs: -39.5, uncertaintyMs: 40.5 });
    bounds.notBefore(100, 100.8);
    expect(bounds.fit(true).offsetMs).toBeCloseTo(0.9);
  });

  it("is not known with a bound on one side only", () => {
    const bounds = new ClockBounds();
    expect(bounds.fit(false)).toMatchObject({ offsetMs: 0, uncertaintyMs: Number.NaN });
    bounds.notBefore(0, 5);
    bounds.notAfter(0, Number.NaN);
    expect(bounds.fit(false)).toMatchObject({ offsetMs: 5, uncertaintyMs: Number.NaN });
  });
});
