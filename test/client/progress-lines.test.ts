/** What is shown of progress. The Python client is tested with the same numbers (test_progress.py). */
import { readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { formatDuration, formatRate, shownName, showsUnicode } from "../../src/base/index.js";
import { isProgressShown } from "../../src/client/progress-display.js";
import {
  type LineOptions,
  type ProgressView,
  progressLines,
  progressSummary,
} from "../../src/client/progress-lines.js";
import { ProgressTracker } from "../../src/client/progress-tracker.js";

interface Vectors {
  views: { name: string; view: ProgressView; options: LineOptions; lines: string[] }[];
  summaries: { args: [number, number, number, number]; line: string }[];
  rates: [number, string][];
  durations: [number, string][];
  names: [string, string][];
  histories: { name: string; news: number[][]; at: number; view: ProgressView; busyMs: number }[];
}

const file = new URL("./progress-vectors.json", import.meta.url);
const vectors = JSON.parse(readFileSync(file, "utf8")) as Vectors;

describe("progress as text", () => {
  it.each(vectors.views)("$name", ({ view, options, lines }) => {
    expect(progressLines(view, options)).toEqual(lines);
  });

  it("summaries, rates, times and names", () => {
    for (const { args, line } of vectors.summaries) expect(progressSummary(...args)).toBe(line);
    for (const [rate, text] of vectors.rates) expect(formatRate(rate)).toBe(text);
    for (const [ms, text] of vectors.durations) expect(formatDuration(ms)).toBe(text);
    for (const [name, text] of vectors.names) expect(shownName(name, 24)).toBe(text);
  });

  it.each(vectors.histories)("over time: $name", ({ news, at, view, busyMs }) => {
    const tracker = new ProgressTracker();
    for (const [time, finished, failed, total] of news) {
      const label = { name: "x", total, running: 1, finished, failed };
      tracker.add(time, { finished, failed, total, labels: [label] });
    }
    expect(tracker.view(at)).toEqual(view);
    expect(tracker.sum(at).busyMs).toBe(busyMs);
  });

  it("fits into any terminal, whatever the labels are, and steers it never", () => {
    const count = fc.nat(1000);
    const label = fc.record({
      name: fc.string({ unit: "binary", maxLength: 60 }),
      ...{ total: count, running: count, finished: count, failed: count },
    });
    const view = fc.record({
      ...{ elapsedMs: count, finished: count, failed: count, total: count, ratePerS: count },
      labels: fc.array(label, { maxLength: 20 }),
    });
    const options = fc.record({
      columns: fc.integer({ min: 1, max: 200 }),
      rows: fc.integer({ min: 2, max: 50 }),
      unicode: fc.boolean(),
    });
    fc.assert(
      fc.property(view, options, (shown, terminal) => {
        const lines = progressLines(shown, terminal);
        expect(lines.length).toBeLessThan(terminal.rows);
        expect(lines.length).toBeLessThanOrEqual(10);
        for (const line of lines) {
          expect([...line].length).toBeLessThan(terminal.columns);
          expect(line).not.toMatch(/\p{C}/u);
        }
      }),
    );
  });

  it("many news of a long time keep the rate right, and little memory", () => {
    const tracker = new ProgressTracker();
    for (let i = 0; i < 100_000; i++) {
      tracker.add(i * 200, { finished: i, failed: 0, total: 200_000, labels: [] });
    }
    expect(tracker.view(100_000 * 200).ratePerS).toBeCloseTo(5, 1);
    expect((tracker as unknown as { samples: unknown[] }).samples.length).toBeLessThan(300);
  });
});

describe("whether progress is shown", () => {
  const terminal = { isTTY: true };
  it.each([
    ["on a terminal", undefined, terminal, {}, true],
    ["not without one", undefined, {}, {}, false],
    ["not even if it is wanted", true, {}, { LOOM_PROGRESS: "1" }, false],
    ["not on one that can't", true, terminal, { TERM: "dumb" }, false],
    ["not if the program says so", false, terminal, { LOOM_PROGRESS: "1" }, false],
    ["not if the environment says so", undefined, terminal, { LOOM_PROGRESS: "0" }, false],
    ["in other words", undefined, terminal, { LOOM_PROGRESS: " Off" }, false],
    ["but if the program insists", true, terminal, { LOOM_PROGRESS: "0", CI: "1" }, true],
    ["not in CI", undefined, terminal, { CI: "true" }, false],
    [
      "but if the environment insists",
      undefined,
      terminal,
      { CI: "true", LOOM_PROGRESS: "1" },
      true,
    ],
    ["CI=false is none", undefined, terminal, { CI: "false", LOOM_PROGRESS: "" }, true],
  ])("%s", (_name, wanted, stream, environment, expected) => {
    expect(isProgressShown(wanted, stream, environment)).toBe(expected);
  });

  it("more than ASCII only where the locale says UTF-8", () => {
    expect(showsUnicode({ LANG: "C.UTF-8" })).toBe(true);
    expect(showsUnicode({ LANG: "de_DE.utf8", LC_ALL: "C" })).toBe(false);
    expect(showsUnicode({})).toBe(false);
  });
});
