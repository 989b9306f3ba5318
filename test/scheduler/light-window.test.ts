/** How many light tasks a worker may have: at least 256, at most 8,192, 10 ms of work between. */
import { beforeEach, describe, expect, test } from "vitest";
import { LightWindow } from "../../src/scheduler/light-window.js";

describe("LightWindow", () => {
  let window: LightWindow;
  beforeEach(() => {
    window = new LightWindow();
  });

  /** Full all the time; a pass each millisecond, in which so many finish. */
  function run(perMs: number, ms: number, from = 0): void {
    for (let now = from + 1; now <= from + ms; now++) {
      const count = Math.min(perMs, window.assigned);
      for (let i = 0; i < count; i++) window.finished();
      window.adapt(now);
      window.assigned += window.room;
      window.full();
    }
  }

  test("is refilled when half of it is done", () => {
    expect(window.room).toBe(256);
    window.assigned = 256;
    expect(window.room).toBe(0);
    for (let i = 0; i < 127; i++) window.finished();
    expect(window.room).toBe(0);
    window.finished();
    expect(window.room).toBe(128);
  });

  test("holds about 10 ms of work of a worker that is fast, up to a limit", () => {
    run(200, 300);
    expect(window.size).toBeGreaterThan(1400);
    expect(window.size).toBeLessThan(4200);
    expect(window.ratePerMs).toBeCloseTo(200, -2);
    run(100_000, 500, 300);
    expect(window.size).toBe(8192);
  });

  test("shrinks again when the worker becomes slow, not below its least size", () => {
    run(500, 300);
    run(1, 3000, 300);
    expect(window.size).toBe(256);
  });

  test("does not grow where it kept nothing from being sent", () => {
    for (let now = 1; now <= 1000; now++) {
      window.assigned += 10;
      for (let i = 0; i < 10; i++) window.finished();
      window.adapt(now);
    }
    expect(window.size).toBe(256);
  });

  test("doubles each 50 ms in which nothing finishes, up to a limit", () => {
    window.assigned = 256;
    window.blocked(100);
    window.blocked(149);
    expect(window.size).toBe(256);
    window.blocked(150);
    expect(window.size).toBe(512);
    window.blocked(199);
    expect(window.size).toBe(512);
    window.blocked(200);
    expect(window.size).toBe(1024);
    window.finished();
    // Something has finished: it is counted anew.
    window.blocked(260);
    expect(window.size).toBe(1024);
    for (let now = 300; now < 3000; now += 50) window.blocked(now);
    expect(window.size).toBe(65_536);
  });
});
