/** Counts over time, compared with counting at single moments. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import * as analysis from "../../../src/report/analysis/index.js";
import type { ViewData } from "../../../src/report/page/view-data.js";
import { TracedState } from "../../../src/trace/index.js";
import { anyMask, anyTrace, executions, isIn, numbers, scene, traced } from "./small-traces.js";

describe("over time", () => {
  it("counts finished tasks and their time by label", () => {
    fc.assert(
      fc.property(anyTrace, fc.nat(300), (data, ms) => {
        const { tasks } = data;
        const mask = anyMask(data, ms);
        const curves = analysis.countsByLabel(data, mask);
        data.labels.forEach((_, label) => {
          const done = numbers(tasks.count).filter(
            (t) =>
              tasks.label[t] === label &&
              tasks.state[t] === TracedState.finished &&
              isIn(mask, t) &&
              tasks.finishedMs[t] <= ms,
          );
          const curve = curves.find((one) => one.label === label);
          expect(curve?.finished.valueAt(ms) ?? 0).toBe(done.length);
          const total = done.reduce((sum, t) => sum + tasks.finishedMs[t] - tasks.startedMs[t], 0);
          expect(curve?.durationMs.valueAt(ms) ?? 0).toBeCloseTo(total, 6);
        });
      }),
    );
  });

  it("counts tasks that wait, are ready and run", () => {
    fc.assert(
      fc.property(anyTrace, fc.nat(300), (data, ms) => {
        const { tasks } = data;
        const mask = anyMask(data, ms);
        const counts = analysis.tasksOverTime(data, mask);
        const model = { pending: 0, ready: 0, running: 0 };
        for (const t of numbers(tasks.count)) {
          // Given up without having run: nothing tells when.
          if (!isIn(mask, t) || tasks.state[t] === TracedState.cancelled) continue;
          if (ms < tasks.submittedMs[t] || ms >= tasks.finishedMs[t]) continue;
          if (ms < tasks.readyMs[t]) model.pending++;
          else if (ms < tasks.startedMs[t]) model.ready++;
          else model.running++;
        }
        expect({
          pending: counts.pending.valueAt(ms),
          ready: counts.ready.valueAt(ms),
          running: counts.running.valueAt(ms),
        }).toEqual(model);
      }),
    );
  });

  it("counts cores that are held and idle, attempts in vain too", () => {
    fc.assert(
      fc.property(anyTrace, fc.nat(300), (data, ms) => {
        const use = analysis.coreUse(data);
        const ran = executions(data);
        const isThere = ms < data.durationMs;
        data.workers.forEach(({ cpus }, worker) => {
          const held = ran
            .filter(([, w, from, to]) => w === worker && from <= ms && ms < to)
            .reduce((sum, [, , , , cores]) => sum + cores, 0);
          expect(use.busy[worker].valueAt(ms)).toBe(held);
          expect(use.idle[worker].valueAt(ms)).toBe((isThere ? cpus : 0) - held);
        });
        const { heldMs, thereMs } = analysis.heldCores(data);
        expect(heldMs).toBeCloseTo(use.allBusy.integral(0, data.durationMs), 6);
        expect(thereMs - heldMs).toBeCloseTo(use.allIdle.integral(0, data.durationMs), 6);
      }),
    );
  });

  it("adds up transfers by worker and label", () => {
    fc.assert(
      fc.property(anyTrace, fc.nat(300), (data, ms) => {
        const { transfers, tasks } = data;
        const mask = anyMask(data, ms);
        const { sent, received, byLabel, isSampled } = analysis.traffic(data, mask);
        expect(isSampled).toBe(transfers.count === 0);
        if (isSampled) return;
        const sum = (choose: (i: number) => boolean): number =>
          numbers(transfers.count)
            .filter((i) => transfers.endMs[i] <= ms && isIn(mask, transfers.task[i]) && choose(i))
            .reduce((bytes, i) => bytes + transfers.sizeBytes[i], 0);
        data.workers.forEach((_, worker) => {
          expect(sent[worker].valueAt(ms)).toBe(sum((i) => transfers.from[i] === worker));
          expect(received[worker].valueAt(ms)).toBe(sum((i) => transfers.to[i] === worker));
        });
        data.labels.forEach((_, label) => {
          const bytes = sum((i) => tasks.label[transfers.task[i]] === label);
          expect(byLabel.get(label)?.valueAt(ms) ?? 0).toBe(bytes);
        });
      }),
    );
  });

  it("takes the traffic from samples when no transfer was traced", () => {
    const data = traced({ tasks: 5, workers: 2, inputs: 0 });
    const { sent, isSampled } = analysis.traffic(data);
    expect(isSampled).toBe(true);
    const { samples } = data.workers[1];
    expect(sent[1].last).toBe(samples.sentBytes.reduce((sum, bytes) => sum + bytes, 0));
  });

  it("leaves out transfers that did not come", () => {
    const data = scene([
      { started: 0, finished: 1 },
      { started: 5, finished: 6, inputs: [0], arrives: 4 },
    ]);
    expect(analysis.traffic(data).received[0].last).toBe(1);
    data.transfers.came[0] = 0;
    expect(analysis.traffic(data).received[0].last).toBe(0);
    expect(new analysis.Arrivals(data).findLastInput(1)).toBe(-1);
  });

  describe("scheduling passes", () => {
    const anyPasses = fc.array(
      fc.record({
        gapMs: fc.constantFrom(0, 0, 0.001, 0.4, 1, 3),
        ms: fc.constantFrom(0, 0.001, 0.25, 1, 2.5),
        assigned: fc.nat(500),
      }),
      { minLength: 1, maxLength: 30 },
    );

    /** Each begins after the one before, or a little before its end, as times are rounded. */
    function withPasses(list: { gapMs: number; ms: number; assigned: number }[]): ViewData {
      let [beginMs, endMs] = [0, 0];
      const atMs = list.map(({ gapMs, ms }) => {
        beginMs = Math.max(beginMs, endMs + gapMs - 0.001);
        endMs = beginMs + ms;
        return beginMs;
      });
      const passes = {
        count: list.length,
        atMs: Float64Array.from(atMs),
        durationMs: Float32Array.from(list, ({ ms }) => ms),
        assigned: Uint32Array.from(list, ({ assigned }) => assigned),
      };
      return { ...traced({ tasks: 1 }), passes };
    }

    it("take their time from when they begin, whatever the width of the span", () => {
      const time = fc.nat(4000).map((n) => n / 100);
      fc.assert(
        fc.property(
          anyPasses,
          time,
          fc.constantFrom(0.0005, 0.01, 1, 20),
          (list, fromMs, width) => {
            const data = withPasses(list);
            const { atMs, durationMs } = data.passes;
            const { inPasses } = analysis.schedulerTime(data);
            const model = numbers(list.length).reduce((sum, i) => {
              const endMs = Math.min(
                atMs[i] + Math.max(durationMs[i], 0.001),
                atMs[i + 1] ?? Number.POSITIVE_INFINITY,
              );
              return sum + Math.max(0, Math.min(endMs, fromMs + width) - Math.max(atMs[i], fromMs));
            }, 0);
            const share = inPasses.mean(fromMs, fromMs + width);
            expect(share).toBeCloseTo(model / width, 6);
            expect(share).toBeLessThan(1 + 1e-6);
            expect(inPasses.max).toBe(1);
          },
        ),
      );
    });

    it("assign their tasks evenly while they last", () => {
      const percent = fc.nat(100).map((n) => n / 100);
      fc.assert(
        fc.property(anyPasses, fc.nat(29), percent, (list, one, part) => {
          const data = withPasses(list);
          const { atMs, durationMs, assigned } = data.passes;
          const { assignedPerSecond } = analysis.schedulerTime(data);
          const i = one % list.length;
          // Those that begin with this one are counted with it.
          const before = numbers(list.length)
            .filter((j) => atMs[j] < atMs[i])
            .reduce((sum, j) => sum + assigned[j], 0);
          expect(assignedPerSecond.integral(0, atMs[i]) / 1000).toBeCloseTo(before, 3);
          const next = atMs[i + 1] ?? Number.POSITIVE_INFINITY;
          if (next <= atMs[i] || atMs[i - 1] === atMs[i]) return;
          const endMs = Math.min(atMs[i] + Math.max(durationMs[i], 0.001), next);
          const until = assignedPerSecond.integral(atMs[i], atMs[i] + part * (endMs - atMs[i]));
          expect(until / 1000).toBeCloseTo(assigned[i] * part, 3);
        }),
      );
    });

    it("are counted, and the longest is known", () => {
      const data = traced();
      const { passes } = data;
      const time = analysis.schedulerTime(data);
      expect(time.passes).toBe(passes.count);
      expect(time.longestMs).toBe(Math.max(...passes.durationMs));
      expect(passes.atMs[passes.durationMs.indexOf(time.longestMs)]).toBe(time.longestAtMs);
      expect(time.inPasses.integral(0, data.durationMs)).toBeCloseTo(
        passes.durationMs.reduce((sum, ms) => sum + ms, 0),
        3,
      );
      expect(time.assignedPerSecond.integral(0, data.durationMs) / 1000).toBeCloseTo(
        passes.assigned.reduce((sum, n) => sum + n, 0),
        3,
      );
    });
  });
});
