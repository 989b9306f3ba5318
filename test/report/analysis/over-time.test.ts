/** Counts over time, compared with counting at single moments. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import * as analysis from "../../../src/report/analysis/index.js";
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

  it("adds up scheduling passes", () => {
    const data = traced();
    const { passes } = data;
    const time = analysis.schedulerTime(data);
    expect(time.passes).toBe(passes.count);
    expect(time.durationMs.last).toBeCloseTo(
      passes.durationMs.reduce((sum, ms) => sum + ms, 0),
      3,
    );
    expect(time.assigned.last).toBe(passes.assigned.reduce((sum, n) => sum + n, 0));
    expect(time.longestMs).toBe(Math.max(...passes.durationMs));
  });
});
