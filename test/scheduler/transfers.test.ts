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
        /** Number of tasks that wait for each way. */
        const model = new Map<string, number>();
        const endWays = (does: (way: string) => boolean) => {
          for (const way of [...model.keys()]) if (does(way)) model.delete(way);
        };
        for (const { kind, row, worker } of steps) {
          const key = `${row} ${worker}`;
          if (kind === "begin") {
            transfers.begin(row, bytesOf(row), workers[worker]);
            model.set(key, (model.get(key) ?? 0) + 1);
          } else if (kind === "arrived") {
            transfers.arrived(row, bytesOf(row), workers[worker], 0);
            model.delete(key);
          } else if (kind === "cancel") {
            transfers.cancel(row, workers[worker]);
            if (model.has(key)) model.set(key, model.get(key)! - 1);
            endWays((way) => model.get(way) === 0);
          } else if (kind === "forget") {
            transfers.forget(row, workers);
            endWays((way) => way.startsWith(`${row} `));
          } else {
            // Another worker may get the number.
            transfers.workerGone(worker);
            workers[worker] = workerAt(worker);
            endWays((way) => way.endsWith(` ${worker}`));
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

  test("what is fetched without a task comes, though those that waited for it do not any more", () => {
    const transfers = new Transfers();
    const worker = workerAt(0);
    transfers.begin(1, 1e6, worker);
    transfers.begin(1, 1e6, worker, true);
    transfers.cancel(1, worker);
    transfers.cancel(1, worker);
    expect(worker.incomingBytes).toBe(1e6);
    transfers.arrived(1, 1e6, worker, 0);
    expect(worker.incomingBytes).toBe(0);
  });

  test("a transfer that is late lowers the bandwidth while it is under way", () => {
    const transfers = new Transfers();
    const [slow, other] = [workerAt(0), workerAt(1)];
    transfers.begin(1, 1e8, slow);
    const bandwidthAt = (nowMs: number) => {
      transfers.advance(nowMs);
      transfers.lookAt(slow, nowMs);
      return transfers.network.bytesPerMs;
    };
    // It should take 100 ms.
    expect([1000, 1140].map(bandwidthAt)).toEqual([1e6, 1e6]);
    expect([1200, 2000, 11_000].map(bandwidthAt)).toEqual([5e5, 1e5, 1e4]);
    expect(transfers.network.maxDownloads).toBe(DEFAULT_NETWORK.maxDownloads);
    // Given up, it is believed for ten times as long.
    transfers.cancel(1, slow);
    expect([50_000, 110_999, 111_001].map(bandwidthAt)).toEqual([1e4, 1e4, 1e6]);
    // What arrives is believed at once, whatever was thought before.
    transfers.begin(1, 1e8, slow);
    expect([200_000, 300_000].map(bandwidthAt)).toEqual([1e6, 1000]);
    transfers.arrived(2, 1e7, other, 10_000);
    expect(bandwidthAt(300_010)).toBe(1000);
    transfers.arrived(1, 1e8, slow, 50_000);
    expect(transfers.network.bytesPerMs).toBe(1100);
  });

  test("where others get theirs, or the network is known, one that is late says nothing of it", () => {
    const transfers = new Transfers();
    const [slow, other] = [workerAt(0), workerAt(1)];
    transfers.begin(1, 1e8, slow);
    const lookAt = (nowMs: number) => {
      transfers.advance(nowMs);
      transfers.lookAt(slow, nowMs);
    };
    lookAt(0);
    transfers.arrived(2, 1e6, other, 1);
    lookAt(10);
    lookAt(1e6);
    expect(transfers.network.bytesPerMs).toBe(1e6);
    const known = new Transfers();
    known.setNetwork(DEFAULT_NETWORK);
    known.begin(1, 1e8, other);
    for (const ms of [0, 1e6]) known.lookAt(other, ms);
    expect(known.network.bytesPerMs).toBe(1e6);
    expect(known.isOverdue(other, 1e6)).toBe(true);
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
