/** Large objects on their way: who is about to have which, against a plain model. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { DEFAULT_NETWORK, LARGE_BYTES, Transfers } from "../../src/scheduler/transfers.js";
import { WorkerLoad } from "../../src/scheduler/worker-load.js";

const workerAt = (index: number) => new WorkerLoad(index, { cpus: 1, resources: [] }, () => 0, []);
const bytesOf = (row: number) => (row + 1) * LARGE_BYTES;

describe("Transfers", () => {
  test("each way is counted once, and ends when the object arrives, is gone, or is not wanted", () => {
    const step = fc.record({
      kind: fc.constantFrom("begin", "begin", "begin", "arrived", "cancel", "forget", "gone"),
      row: fc.nat(5),
      worker: fc.nat(3),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 100 }), (steps) => {
        const transfers = new Transfers();
        const workers = [0, 1, 2, 3].map(workerAt);
        let model = new Set<string>();
        for (const { kind, row, worker } of steps) {
          const key = `${row} ${worker}`;
          if (kind === "begin") {
            transfers.begin(row, bytesOf(row), workers[worker]);
            model.add(key);
          } else if (kind === "arrived") {
            transfers.arrived(row, bytesOf(row), workers[worker], 0);
            model.delete(key);
          } else if (kind === "cancel") {
            transfers.cancel(row, workers[worker]);
            model.delete(key);
          } else if (kind === "forget") {
            transfers.forget(row, workers);
            model = new Set([...model].filter((way) => !way.startsWith(`${row} `)));
          } else {
            // Another worker may get the number.
            transfers.workerGone(worker);
            workers[worker] = workerAt(worker);
            model = new Set([...model].filter((way) => !way.endsWith(` ${worker}`)));
          }
          for (let r = 0; r <= 5; r++) {
            const to = [0, 1, 2, 3].filter((w) => model.has(`${r} ${w}`));
            expect([...transfers.destinations(r)].sort()).toEqual(to);
            for (let w = 0; w <= 3; w++) expect(transfers.isOnWay(r, w)).toBe(to.includes(w));
          }
          for (let w = 0; w <= 3; w++) {
            const rows = [0, 1, 2, 3, 4, 5].filter((r) => model.has(`${r} ${w}`));
            const bytes = rows.reduce((sum, r) => sum + bytesOf(r), 0);
            expect(workers[w].incomingBytes).toBe(bytes);
          }
        }
      }),
      { numRuns: 300 },
    );
  });

  test("the bandwidth follows what is measured of large objects", () => {
    const transfers = new Transfers();
    const worker = workerAt(0);
    transfers.arrived(1, LARGE_BYTES - 1, worker, 1000);
    transfers.arrived(1, 1e9, worker, 0);
    expect(transfers.network).toEqual(DEFAULT_NETWORK);
    for (let i = 0; i < 100; i++) transfers.arrived(1, 1e6, worker, 100);
    expect(transfers.network.bytesPerMs / 1e4).toBeCloseTo(1, 1);
    expect(transfers.network.maxDownloads).toBe(DEFAULT_NETWORK.maxDownloads);
  });
});
