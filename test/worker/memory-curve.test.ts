/** Curves of memory: few points, whatever comes, and no peak is lost. */
import fc from "fast-check";
import { expect, it } from "vitest";
import { MAX_POINTS, MemoryCurve } from "../../src/worker/memory-curve.js";

it("keeps every measurement while there are few", () => {
  const curve = new MemoryCurve();
  [5, 1, 3].forEach((kib, i) => {
    curve.add(i * 500, kib * 1024);
  });
  expect(curve.points()).toEqual({ ms: [0, 500, 1000], kib: [5, 1, 3] });
  expect(curve.peakKib).toBe(5);
});

it("has at most 64 points in order, all of them measured, and both the peak and the latest half", () => {
  fc.assert(
    fc.property(
      fc.array(fc.nat(1000), { minLength: 1, maxLength: 2000, size: "max" }),
      (measured) => {
        const curve = new MemoryCurve();
        measured.forEach((kib, i) => {
          curve.add(i * 10, kib * 1024);
        });
        const { ms, kib } = curve.points();
        expect(ms.length).toBe(kib.length);
        expect(ms.length).toBeLessThanOrEqual(MAX_POINTS);
        expect(ms.length).toBeGreaterThanOrEqual(Math.min(measured.length, MAX_POINTS / 2 - 1));
        expect(ms).toEqual([...new Set(ms)].sort((a, b) => a - b));
        expect(kib).toEqual(ms.map((at) => measured[at / 10]));
        expect(Math.max(...kib)).toBe(Math.max(...measured));
        expect(curve.peakKib).toBe(Math.max(...measured));
        expect(ms[ms.length - 1]).toBeGreaterThanOrEqual(((measured.length - 1) * 10) / 2);
      },
    ),
  );
});
