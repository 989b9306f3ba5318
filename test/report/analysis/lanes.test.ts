/** Rows of the time line. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import * as analysis from "../../../src/report/analysis/index.js";
import { anyTrace, executions, scene, traced } from "./small-traces.js";

describe("lanes", () => {
  it("have everything that ran, in order, on its cores, without overlaps", () => {
    fc.assert(
      fc.property(anyTrace, (data) => {
        const { lanes, items } = analysis.lanesOf(data);
        const shown = new Map<string, number>();
        for (const lane of lanes) {
          lane.items.forEach((item, i) => {
            const [from, to] = [items.startMs[item], items.endMs[item]];
            expect(lane.startMs[i]).toBe(from);
            if (i > 0) expect(from).toBeGreaterThanOrEqual(lane.startMs[i - 1]);
            if (lane.core === -1 && i > 0) expect(from).toBeGreaterThanOrEqual(lane.reachMs[i - 1]);
            expect(lane.reachMs[i]).toBeGreaterThanOrEqual(to);
            const key = `${items.task[item]} ${lane.worker} ${from} ${to}`;
            shown.set(key, (shown.get(key) ?? 0) + 1);
          });
          expect(lane.usedMs[lane.items.length]).toBeCloseTo(
            lane.items.reduce((sum, item) => sum + items.endMs[item] - items.startMs[item], 0),
            6,
          );
        }
        const model = executions(data);
        expect(shown.size).toBe(model.length);
        for (const [task, worker, from, to, cores] of model) {
          const isLast = data.tasks.startedMs[task] === from;
          const key = `${task} ${worker} ${from} ${to}`;
          expect(shown.get(key)).toBe(isLast ? Math.max(1, cores) : 1);
        }
      }),
    );
  });

  it("tell what is at a time", () => {
    fc.assert(
      fc.property(anyTrace, fc.double({ min: 0, max: 300, noNaN: true }), (data, ms) => {
        const { lanes, items } = analysis.lanesOf(data);
        for (const lane of lanes) {
          const place = analysis.findInLane(lane, items, ms, 0.25);
          const distance = (item: number): number =>
            Math.max(items.startMs[item] - ms, ms - items.endMs[item], 0);
          const near = [...lane.items].filter((item) => distance(item) <= 0.25);
          if (place === -1) expect(near).toEqual([]);
          else expect(distance(lane.items[place])).toBe(Math.min(...near.map(distance)));
        }
      }),
    );
  });

  it("find what is below, also where things overlap", () => {
    const data = scene([
      { started: 0, finished: 20 },
      { started: 5, finished: 6 },
      { started: 30, finished: 40 },
    ]);
    const { lanes, items } = analysis.lanesOf(data);
    const find = (ms: number): number => {
      const place = analysis.findInLane(lanes[0], items, ms, 1);
      return place === -1 ? -1 : items.task[lanes[0].items[place]];
    };
    expect([15, 25, 29.5, 41.5].map(find)).toEqual([0, -1, 2, -1]);
  });

  it("puts what has no known core into as few rows as are needed", () => {
    const data = traced({ tasks: 100, workers: 1, cpus: 3, cores: false, wide: 0, lost: 0 });
    const { lanes } = analysis.lanesOf(data);
    expect(lanes.map(({ core }) => core)).toEqual([-1, -1, -1]);
  });
});
