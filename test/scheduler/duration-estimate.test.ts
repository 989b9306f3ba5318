/** What is expected of tasks when some have finished and some run. */
import { describe, expect, test } from "vitest";
import { DurationEstimate } from "../../src/scheduler/duration-estimate.js";

describe("DurationEstimate", () => {
  test("nothing is known until one has finished or runs", () => {
    const estimate = new DurationEstimate();
    expect(estimate.meanMs).toBeUndefined();
    expect(estimate.expectedMs(1000)).toBeUndefined();
    estimate.started(1000);
    expect(estimate.expectedMs(1400)).toBe(400);
    expect(estimate.meanMs).toBeUndefined();
  });

  test("equal ones: the mean, whether others run or not", () => {
    const estimate = new DurationEstimate();
    for (let i = 0; i < 4; i++) estimate.started(0);
    estimate.ended(100, 100);
    estimate.add(100);
    expect(estimate.expectedMs(100)).toBe(100);
    expect(estimate.meanMs).toBe(100);
  });

  test("those that go on while short ones have finished raise what is expected", () => {
    const estimate = new DurationEstimate();
    for (let i = 0; i < 10; i++) estimate.started(0);
    for (const ms of [1, 2, 3]) {
      estimate.ended(ms, ms);
      estimate.add(ms);
    }
    expect(estimate.meanMs).toBe(2);
    expect(estimate.expectedMs(1000)).toBeCloseTo((6 + 7 * 1000) / 10);
  });

  test("one that did not finish leaves nothing behind", () => {
    const estimate = new DurationEstimate();
    estimate.started(100);
    estimate.started(300);
    estimate.ended(400, 0);
    estimate.ended(400, 0);
    estimate.ended(400, 0);
    estimate.add(50);
    expect(estimate.expectedMs(1e9)).toBe(50);
  });

  test("only the last ones count", () => {
    const estimate = new DurationEstimate();
    for (let i = 0; i < 50; i++) estimate.add(10);
    for (let i = 0; i < 200; i++) estimate.add(1000);
    expect(estimate.meanMs).toBeGreaterThan(990);
  });
});
