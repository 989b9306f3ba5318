/** Parts of the page that need no browser: colours, filter, texts, bars as pixels. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { lanesOf } from "../../src/report/analysis/index.js";
import { LabelColours } from "../../src/report/page/colours.js";
import { maskOf, NO_FILTER } from "../../src/report/page/filter.js";
import { formatAt, formatBytes, formatMs, formatShare } from "../../src/report/page/format.js";
import { blend, type Painting, paintLane, pixelOf } from "../../src/report/page/lane-painter.js";
import { aboutTasks } from "../../src/report/page/node-text.js";
import { ViewContext } from "../../src/report/page/view-context.js";
import { viewDataOf } from "../../src/report/view-data-of.js";
import { TracedState } from "../../src/trace/index.js";
import { syntheticTrace } from "./synthetic-trace.js";

const data = viewDataOf(syntheticTrace({ tasks: 120, seed: 3 }), "");
const all = Array.from({ length: 120 }, (_, task) => task);

describe("colours of labels", () => {
  const labels = fc.uniqueArray(fc.string(), { minLength: 1, maxLength: 48 });

  it("are different for up to 48 labels, and stay when labels are added", () => {
    fc.assert(
      fc.property(labels, fc.nat(48), (names, first) => {
        const colours = new LabelColours();
        colours.update(names.slice(0, first));
        const before = names.slice(0, first).map((_, i) => colours.get(i));
        colours.update(names);
        const after = names.map((_, i) => colours.get(i));
        expect(after.slice(0, first)).toEqual(before);
        const looks = after.map(({ hex, striped }) => `${hex} ${striped}`);
        expect(new Set(looks).size).toBe(names.length);
      }),
    );
  });

  it("depend on the text only, as long as there is no collision", () => {
    const of = (names: string[]): Map<string, string> => {
      const colours = new LabelColours();
      colours.update(names);
      return new Map(names.map((name, i) => [name, colours.get(i).hex]));
    };
    expect(of(["train"]).get("train")).toBe(of(["prepare", "train"]).get("train"));
  });

  it("come again with hundreds of labels", () => {
    const colours = new LabelColours();
    colours.update(Array.from({ length: 500 }, (_, i) => `label ${i}`));
    expect(colours.get(499).hex).toMatch(/^#[0-9a-f]{6}$/);
  });
});

describe("the filter", () => {
  const chosen = (change: Partial<typeof NO_FILTER>): number[] => {
    const mask = maskOf(data, { ...NO_FILTER, ...change });
    return all.filter((task) => mask === undefined || mask[task] === 1);
  };

  it("is none when nothing is chosen", () => {
    expect(maskOf(data, NO_FILTER)).toBeUndefined();
    expect(maskOf(data, { ...NO_FILTER, text: "  " })).toBeUndefined();
  });

  it("takes labels, states and parts of labels in any case", () => {
    const { tasks, labels } = data;
    const hidden = new Set([0, 2]);
    expect(chosen({ hidden })).toEqual(all.filter((t) => !hidden.has(tasks.label[t])));
    const { failed } = TracedState;
    expect(chosen({ state: failed })).toEqual(all.filter((t) => tasks.state[t] === failed));
    expect(chosen({ text: "TRAIN:" })).toEqual(
      all.filter((t) => labels[tasks.label[t]] === "train"),
    );
  });

  it("takes an id, and labels that have the number in them", () => {
    expect(chosen({ text: " 45 " })).toEqual([45]);
    expect(chosen({ text: "7" })).toEqual(
      all.filter((t) => t === 7 || data.tasks.labelOf(t).includes("7")),
    );
  });
});

describe("what views share", () => {
  const context = (): ViewContext => new ViewContext(data, () => {});

  it("keeps filter, zoom and selection when there are more data", () => {
    const first = { ...data, live: true, durationMs: 100, tasks: { ...data.tasks, count: 60 } };
    const shared = new ViewContext(first, () => {});
    const colours = data.labels.map((_, label) => shared.colourOf(label));
    shared.setFilter({ hidden: new Set([0]) });
    shared.setRange({ fromMs: 10, toMs: 20 });
    shared.selectTask(40);
    expect(shared.mask?.length).toBe(60);
    // The oldest 30 are forgotten: the same task has another number.
    shared.setData({ ...data, live: true, firstTask: 30, durationMs: 200 });
    expect(shared.selectedTask).toBe(10);
    expect(shared.range).toEqual({ fromMs: 10, toMs: 20 });
    expect(shared.mask).toEqual(maskOf(data, { ...NO_FILTER, hidden: new Set([0]) }));
    expect(data.labels.map((_, label) => shared.colourOf(label))).toEqual(colours);
    shared.selectTask(20);
    expect(shared.selectedTask).toBe(20);
    shared.setData({ ...data, live: true, firstTask: 35 });
    expect(shared.selectedTask).toBe(15);
    shared.setData({ ...data, live: true, firstTask: 51 });
    expect(shared.selectedTask).toBe(-1);
  });

  it("shows all the time as it grows, unless it is zoomed", () => {
    const shared = context();
    shared.setData({ ...data, durationMs: 1000 });
    expect(shared.range).toEqual({ fromMs: 0, toMs: 1000 });
    shared.zoom(0.5);
    expect(shared.range).toEqual({ fromMs: 250, toMs: 750 });
    shared.pan(5);
    expect(shared.range).toEqual({ fromMs: 500, toMs: 1000 });
    shared.zoom(0.5, 1000);
    expect(shared.range).toEqual({ fromMs: 750, toMs: 1000 });
    shared.zoom(100);
    expect(shared.isZoomed).toBe(false);
  });

  it("does not zoom further than to a microsecond", () => {
    const shared = context();
    for (let i = 0; i < 60; i++) shared.zoom(0.5);
    expect(shared.range.toMs - shared.range.fromMs).toBeCloseTo(0.001, 9);
  });

  it("tells who listens, until they do not any more", () => {
    const shared = context();
    const told: string[] = [];
    const end = shared.on("selection", () => told.push("selection"));
    shared.on("range", () => told.push("range"));
    shared.selectTask(3);
    shared.setRange({ fromMs: 1, toMs: 2 });
    end();
    shared.selectTask(4);
    expect(told).toEqual(["selection", "range"]);
  });

  it("makes each analysis once, of the tasks that pass the filter", () => {
    const shared = context();
    const { lanes, durations } = shared.analyses;
    expect(shared.analyses.lanes).toBe(lanes);
    shared.setFilter({ hidden: new Set([1]) });
    expect(shared.analyses.lanes).toBe(lanes);
    expect(shared.analyses.durations).toEqual(durations.filter(({ label }) => label !== 1));
  });
});

it("writes durations, times, sizes and shares", () => {
  expect(
    [0, 0.0421, 3.1391, 12.34, 999, 59_990, 61_000, 7_500_000, Number.NaN].map(formatMs),
  ).toEqual([
    ...[
      "0 s",
      "42.1 µs",
      "3.14 ms",
      "12.3 ms",
      "999 ms",
      "60.0 s",
      "1 min 01 s",
      "2 h 05 min",
      "–",
    ],
  ]);
  expect(formatMs(-1.5)).toBe("-1.50 ms");
  expect([0, 1023, 1024, 5 * 2 ** 30, Number.NaN].map(formatBytes)).toEqual([
    ...["0 B", "1023 B", "1.00 KiB", "5.00 GiB", "–"],
  ]);
  expect([formatAt(1234.5678), formatAt(Number.NaN)]).toEqual(["1.2346 s", "–"]);
  expect([formatShare(1, 3), formatShare(1, 0)]).toEqual(["33.3 %", "–"]);
});

it("says of a node of the graph what became of its tasks", () => {
  const about = (tasks: number, finished: number, failed: number, cancelled: number): string =>
    aboutTasks({ label: 0, task: -1, inner: 0, tasks, finished, failed, cancelled });
  expect(about(1, 1, 0, 0)).toBe("1 task");
  expect(about(1, 0, 0, 1)).toBe("1 task, 1 cancelled");
  expect(about(3, 0, 1, 2)).toBe("3 tasks, 1 failed, 2 cancelled");
  expect(about(4000, 1000, 2, 0)).toBe("4,000 tasks, 1,000 done, 2 failed");
  expect(about(2, 0, 0, 1)).toBe("2 tasks, 0 done, 1 cancelled");
});

describe("lanes as pixels", () => {
  const WHITE = 0xffffffff;
  const GREY = pixelOf("#777777");

  /** What is painted of a lane between two times. */
  function painted(lane: number, fromMs: number, toMs: number, width = 200): Uint32Array {
    const { lanes, items } = lanesOf(data);
    const pixels = new Uint32Array(width * 3).fill(WHITE);
    const painting: Painting = { pixels, width, height: 3, fromMs, toMs, background: WHITE };
    const style = { colour: pixelOf("#0072b2"), striped: false };
    const dimmed = { colour: GREY, striped: false };
    paintLane(
      painting,
      lanes[lane],
      items,
      1,
      1,
      (item) => (items.task[item] % 2 ? style : undefined),
      dimmed,
    );
    expect(pixels.subarray(0, width).every((pixel) => pixel === WHITE)).toBe(true);
    expect(pixels.subarray(2 * width).every((pixel) => pixel === WHITE)).toBe(true);
    return pixels.slice(width, 2 * width);
  }

  it("have colour where something runs, whatever the zoom", () => {
    fc.assert(
      fc.property(
        fc.double({ min: 0, max: 0.99, noNaN: true }),
        fc.double({ min: 1e-4, max: 1, noNaN: true }),
        (at, part) => {
          const fromMs = at * data.durationMs;
          const toMs = fromMs + part * data.durationMs;
          const row = painted(0, fromMs, toMs);
          const { lanes, items } = lanesOf(data);
          const [lane] = lanes;
          row.forEach((pixel, x) => {
            const begin = fromMs + ((toMs - fromMs) * x) / 200;
            const end = fromMs + ((toMs - fromMs) * (x + 1)) / 200;
            // The last pixel of a bar may be left free, to tell it from the next one.
            const covers = [...lane.items].some(
              (item) => items.startMs[item] <= begin && items.endMs[item] >= end + (end - begin),
            );
            const touches = [...lane.items].some((item) => {
              // Bars are at least a pixel long, and end at whole pixels.
              const room = end - begin;
              return items.startMs[item] < end + room && items.endMs[item] > begin - room;
            });
            if (!touches) expect(pixel).toBe(WHITE);
            if (covers) expect(pixel).not.toBe(WHITE);
          });
        },
      ),
      { numRuns: 60 },
    );
  });

  it("are bars in the label's colour, grey where they are filtered out", () => {
    const { lanes, items } = lanesOf(data);
    const item = lanes[0].items[3];
    const [from, to] = [items.startMs[item], items.endMs[item]];
    const row = painted(0, from, to);
    const colour = items.task[item] % 2 ? pixelOf("#0072b2") : GREY;
    expect(row.subarray(0, 198).every((pixel) => pixel === colour)).toBe(true);
  });

  it("are one faint bar where much happens in a pixel", () => {
    const [pixel] = painted(0, 0, data.durationMs, 1);
    expect(pixel).not.toBe(WHITE);
    const whole = [pixelOf("#0072b2"), GREY];
    const { lanes } = lanesOf(data);
    const share = lanes[0].usedMs[lanes[0].items.length] / data.durationMs;
    expect(whole.map((colour) => blend(colour, WHITE, 0.25 + 0.75 * share))).toContain(pixel);
  });
});
