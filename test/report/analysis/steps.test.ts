/** Sorting, and quantities that change in steps, compared with plain models. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import * as analysis from "../../../src/report/analysis/index.js";
import { numbers } from "./small-traces.js";

describe("sortedOrder", () => {
  const keys = fc.array(
    fc.oneof(fc.double(), fc.integer({ min: -3, max: 3 }), fc.constant(Number.NaN)),
    { maxLength: 60 },
  );

  function model(values: number[]): number[] {
    const indices = numbers(values.length).filter((i) => !Number.isNaN(values[i]));
    return indices.sort((a, b) => values[a] - values[b] || a - b);
  }

  it("sorts few", () => {
    fc.assert(
      fc.property(keys, (values) => {
        expect([...analysis.sortedOrder(Float64Array.from(values))]).toEqual(model(values));
      }),
    );
  });

  it("sorts many, with equal and negative ones, stably", () => {
    fc.assert(
      fc.property(keys, fc.nat(), (some, seed) => {
        const values = [...numbers(5000).map((i) => ((i * 7919 + seed) % 1013) - 300), ...some];
        expect([...analysis.sortedOrder(Float64Array.from(values))]).toEqual(model(values));
      }),
      { numRuns: 20 },
    );
  });

  it("looks at as many as it is told, and at those of the mask", () => {
    const order = analysis.sortedOrder(Float64Array.of(3, 1, 2, 0), 3, Uint8Array.of(1, 0, 1, 1));
    expect([...order]).toEqual([2, 0]);
  });
});

describe("StepFunction", () => {
  const changes = fc.array(
    fc.tuple(fc.integer({ min: 0, max: 30 }), fc.integer({ min: -5, max: 5 })),
  );

  it("is the sum of its changes, at each time and over spans", () => {
    fc.assert(
      fc.property(changes, fc.nat(35), fc.nat(35), (list, a, b) => {
        const builder = new analysis.StepBuilder();
        for (const [ms, delta] of list) builder.add(ms, delta);
        const steps = builder.build();
        const at = (ms: number): number =>
          list.filter(([when]) => when <= ms).reduce((sum, [, delta]) => sum + delta, 0);
        for (const ms of [-1, a, b]) expect(steps.valueAt(ms)).toBe(at(ms));
        const [from, to] = [Math.min(a, b), Math.max(a, b)];
        const sum = numbers(to - from).reduce((total, i) => total + at(from + i), 0);
        expect(steps.integral(from, to)).toBeCloseTo(sum, 6);
      }),
    );
  });

  it("combines two", () => {
    fc.assert(
      fc.property(changes, changes, fc.nat(35), (one, other, ms) => {
        const [a, b] = [one, other].map((list) => {
          const builder = new analysis.StepBuilder();
          for (const [when, delta] of list) builder.add(when, delta);
          return builder.build();
        });
        const both = analysis.combined(a, b, (x, y) => x * 10 - y);
        if (a.times.length + b.times.length === 0) return;
        const begun = ms >= Math.min(a.times[0] ?? 99, b.times[0] ?? 99);
        expect(both.valueAt(ms)).toBe(begun ? a.valueAt(ms) * 10 - b.valueAt(ms) : 0);
      }),
    );
  });

  it("of spans without an end goes on", () => {
    const builder = new analysis.StepBuilder();
    builder.span(2, Number.NaN, 3);
    builder.span(Number.NaN, 5);
    builder.span(4, 4);
    expect(builder.build().valueAt(1e9)).toBe(3);
  });

  it("does not rise for a moment where one span follows another", () => {
    const builder = new analysis.StepBuilder();
    builder.span(5, 8);
    builder.span(0, 5);
    expect(builder.build().max).toBe(1);
  });
});
