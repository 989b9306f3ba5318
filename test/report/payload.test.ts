/** What a report's file carries is what the trace had, to the microsecond. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { ViewData } from "../../src/report/page/view-data.js";
import { decodePayload, encodePayload } from "../../src/report/payload.js";
import { viewDataOf } from "../../src/report/view-data-of.js";
import { syntheticTrace } from "./synthetic-trace.js";

/** To the microsecond: sums of times may differ in their last bit. */
const rounded = (value: number): number => Math.round(value * 1000) / 1000;

/** As plain data: functions called, columns cut to their count, times rounded. */
function plain(data: ViewData): unknown {
  const cut = (table: { count: number }): Record<string, unknown> =>
    Object.fromEntries(
      Object.entries(table).map(([name, value]) =>
        ArrayBuffer.isView(value) && name !== "inputs" && name !== "inputStart"
          ? [name, [...(value as unknown as Float64Array)].slice(0, table.count).map(rounded)]
          : [name, ArrayBuffer.isView(value) ? [...(value as unknown as Uint32Array)] : value],
      ),
    );
  const { tasks } = data;
  const numbers = Array.from({ length: tasks.count }, (_, i) => i);
  return {
    ...data,
    tasks: {
      ...cut(tasks),
      labelOf: numbers.map((task) => tasks.labelOf(task)),
      metadataOf: numbers.map((task) => {
        const bytes = tasks.metadataOf(task);
        return bytes === undefined ? undefined : [...bytes];
      }),
    },
    executions: cut(data.executions),
    transfers: cut(data.transfers),
    passes: cut(data.passes),
    workers: data.workers.map((worker) => ({ ...worker, samples: cut(worker.samples) })),
  };
}

describe("the data of a report", () => {
  it("are the same after writing and reading", () => {
    fc.assert(
      fc.property(fc.nat(10_000), fc.integer({ min: 0, max: 80 }), (seed, tasks) => {
        const data = viewDataOf(
          syntheticTrace({ seed, tasks, workers: 1 + (seed % 4) }),
          "a title",
        );
        expect(plain(decodePayload(encodePayload(data)))).toEqual(plain(data));
      }),
      { numRuns: 30 },
    );
  });

  it("keep texts of all kinds", () => {
    const label = 'ü "</script><b>\0NaN\u2028';
    const trace = syntheticTrace({ tasks: 20, labels: [label, "b"], stderr: "\0\n</script>" });
    const data = decodePayload(encodePayload(viewDataOf(trace, label)));
    expect(data.title).toBe(label);
    expect(data.labels[0]).toBe(label);
    expect(data.tasks.labelOf(0)).toBe(`${label}:0`);
  });

  it("have columns only as far as they count", () => {
    const data = viewDataOf(syntheticTrace({ tasks: 50, failing: 0, lost: 0 }), "");
    const fewer: ViewData = { ...data, tasks: { ...data.tasks, count: 10 } };
    const { tasks } = decodePayload(encodePayload(fewer));
    expect(tasks.count).toBe(10);
    expect(tasks.finishedMs).toEqual(data.tasks.finishedMs.slice(0, 10));
    expect(tasks.inputs.length).toBe(data.tasks.inputStart[10]);
  });

  it("have coarser times when the trace takes hours", () => {
    const data = viewDataOf(syntheticTrace({ tasks: 30, durationMs: 5e6 }), "");
    expect(data.durationMs).toBeGreaterThan(2 ** 32 / 1000);
    const { tasks } = decodePayload(encodePayload(data));
    const unitMs = Math.ceil((data.durationMs * 1000) / 0xffff_0000) / 1000;
    for (const [i, ms] of data.tasks.finishedMs.entries()) {
      if (Number.isNaN(ms)) expect(tasks.finishedMs[i]).toBeNaN();
      else expect(Math.abs(tasks.finishedMs[i] - ms)).toBeLessThanOrEqual(unitMs / 2 + 1e-6);
    }
  });

  it("that are cut off say so", () => {
    const bytes = encodePayload(viewDataOf(syntheticTrace({ tasks: 50 }), ""));
    expect(() => decodePayload(bytes.subarray(0, bytes.length - 9))).toThrow(/cut off/);
  });
});

describe("a trace with very much in it", () => {
  it("has the first failures and as much of their output as there is room for", () => {
    const trace = syntheticTrace({
      tasks: 12_000,
      failing: 1,
      inputs: 0,
      stderr: "x".repeat(4096),
    });
    const { failures, warnings } = viewDataOf(trace, "");
    expect(failures.length).toBe(10_000);
    expect(warnings).toEqual(["12000 tasks failed: the first 10000 are explained."]);
    const texts = failures.map(({ stderr }) => stderr.length).filter((length) => length > 0);
    expect(texts.length).toBe(4096);
  });

  it("has fewer samples, which keep the extremes and the sums", () => {
    const trace = syntheticTrace({ tasks: 10, workers: 2 });
    const count = 300_001;
    const many = {
      ...trace,
      workers: trace.workers.map((worker) => ({
        ...worker,
        samples: {
          ...worker.samples,
          count,
          atMs: Float64Array.from({ length: count }, (_, i) => i),
          cpus: new Float32Array(count).fill(2),
          memoryBytes: Float64Array.from({ length: count }, (_, i) => (i === 77_777 ? 9e9 : 1)),
          freeMemoryBytes: Float64Array.from({ length: count }, (_, i) => (i === 5 ? 3 : 100)),
          objectBytes: new Float64Array(count),
          receivedBytes: new Float64Array(count).fill(1),
          sentBytes: new Float64Array(count).fill(2),
          runningTasks: new Uint32Array(count),
        },
      })),
    };
    const { workers, warnings } = viewDataOf(many, "");
    const { samples } = workers[1];
    expect(samples.count).toBe(150_001);
    expect(samples.memoryBytes.reduce((a, b) => Math.max(a, b))).toBe(9e9);
    expect(samples.freeMemoryBytes.reduce((a, b) => Math.min(a, b))).toBe(3);
    expect(samples.sentBytes.reduce((a, b) => a + b, 0)).toBe(2 * count);
    expect(samples.cpus.every((cpus) => cpus === 2)).toBe(true);
    expect(warnings).toEqual(["There are 600002 samples of workers: 2 are shown as one."]);
  });
});
