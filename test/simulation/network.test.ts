/** The modelled network: shares by hand, and against a simple reference. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { EndHeap } from "../../src/simulation/end-heap.js";
import { EventQueue } from "../../src/simulation/event-queue.js";
import { MaxMinRates } from "../../src/simulation/max-min.js";
import { Network } from "../../src/simulation/network.js";

function networkOf(workers: number, bytesPerMs: number): Network {
  const network = new Network(bytesPerMs);
  for (let i = 0; i < workers; i++) network.addWorker(i);
  return network;
}

/** Lets time go on until all transfers have ended: [transfer, time]. */
function ends(network: Network, startMs: number): [number, number][] {
  const found: [number, number][] = [];
  let nowMs = startMs;
  for (;;) {
    if (network.stale) network.share(nowMs);
    nowMs = network.nextEndMs;
    if (nowMs === Number.POSITIVE_INFINITY) return found;
    found.push([network.endFirst(), nowMs]);
  }
}

describe("the network", () => {
  it("gives a transfer alone the whole bandwidth", () => {
    const network = networkOf(2, 1000);
    const transfer = network.start(5, 0, 1, 20_000);
    expect(ends(network, 5)).toEqual([[transfer, 25]]);
  });

  it("shares a sender among its transfers, and gives what is left to those that remain", () => {
    const network = networkOf(3, 1000);
    const short = network.start(0, 0, 1, 10_000);
    const long = network.start(0, 0, 2, 30_000);
    // Both at 500 until 20; then the long one has 20,000 to go, at 1000.
    expect(ends(network, 0)).toEqual([
      [short, 20],
      [long, 40],
    ]);
  });

  it("is max-min fair where ends differ", () => {
    const network = networkOf(6, 600);
    // Worker 0 sends three at 200 each; one of them goes to worker 3, which has 400 left for one of worker
    // 4, which gives 300 to each of two.
    const first = network.start(0, 0, 1, 20_000);
    const second = network.start(0, 0, 2, 20_000);
    const third = network.start(0, 0, 3, 20_000);
    const rest = network.start(0, 4, 3, 30_000);
    const other = network.start(0, 4, 5, 15_000);
    // At 50 the fifth ends (15,000 at 300); then 15,000 of the fourth are left, at 400.
    expect(ends(network, 0)).toEqual([
      [other, 50],
      [rest, 87.5],
      [first, 100],
      [second, 100],
      [third, 100],
    ]);
  });

  it("takes from those that are far away what becomes unfair", () => {
    const fair = new MaxMinRates(100);
    for (let i = 0; i < 20; i++) fair.addWorker(i);
    // Ten from worker 0, one of them to worker 1; five to worker 3, one of them from worker 2, which
    // also sends one to worker 1.
    for (let i = 0; i < 9; i++) fair.add(i, 0, 4 + i);
    fair.add(9, 0, 1);
    fair.add(10, 2, 1);
    fair.add(11, 2, 3);
    for (let i = 0; i < 4; i++) fair.add(12 + i, 13 + i, 3);
    fair.fill();
    expect([9, 10, 11].map((transfer) => fair.rates[transfer])).toEqual([10, 80, 20]);
    for (let i = 0; i < 9; i++) fair.remove(i);
    fair.fill();
    expect([9, 10, 11].map((transfer) => fair.rates[transfer])).toEqual([50, 50, 20]);
  });

  it("takes back a transfer's share when it is stopped", () => {
    const network = networkOf(3, 1000);
    const stopped = network.start(0, 0, 1, 10_000);
    const other = network.start(0, 2, 1, 10_000);
    network.share(0);
    expect(network.nextEndMs).toBe(20);
    network.stop(stopped);
    // 5,000 at 500 until 10, the other 5,000 at 1000.
    expect(ends(network, 10)).toEqual([[other, 15]]);
  });

  it("ends transfers at once when the bandwidth has no limit", () => {
    const network = networkOf(2, Number.POSITIVE_INFINITY);
    const transfer = network.start(3, 0, 1, 1e12);
    expect(ends(network, 3)).toEqual([[transfer, 3]]);
  });
});

/** Progressive filling in one go over everything: the smallest share of any end, again and again. */
function referenceRates(transfers: ReadonlyMap<number, [number, number]>, capacity: number) {
  const rates = new Map<number, number>();
  const left = new Map<string, number>();
  for (;;) {
    const open = [...transfers].filter(([transfer]) => !rates.has(transfer));
    if (open.length === 0) return rates;
    const users = new Map<string, number[]>();
    for (const [transfer, [from, to]] of open) {
      for (const end of [`from ${from}`, `to ${to}`]) {
        users.set(end, [...(users.get(end) ?? []), transfer]);
      }
    }
    let best: { share: number; its: number[] } | undefined;
    for (const [end, its] of users) {
      const share = (left.get(end) ?? capacity) / its.length;
      if (best === undefined || share < best.share) best = { share, its };
    }
    for (const transfer of best!.its) {
      rates.set(transfer, best!.share);
      const [from, to] = transfers.get(transfer)!;
      for (const end of [`from ${from}`, `to ${to}`]) {
        left.set(end, (left.get(end) ?? capacity) - best!.share);
      }
    }
  }
}

it("rates are those of progressive filling, whatever comes and goes", () => {
  const step = fc.record({
    from: fc.nat(5),
    to: fc.nat(5),
    remove: fc.nat(9).map((n) => n < 3),
    fill: fc.boolean(),
    which: fc.nat(),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const fair = new MaxMinRates(100);
      for (let i = 0; i < 6; i++) fair.addWorker(i);
      const open = new Map<number, [number, number]>();
      let number = 0;
      for (const { from, to, remove, fill, which } of [...steps, { ...steps[0], fill: true }]) {
        if (remove && open.size > 0) {
          const transfer = [...open.keys()][which % open.size];
          open.delete(transfer);
          fair.remove(transfer);
        } else if (from !== undefined && from !== to) {
          open.set(number, [from, to]);
          fair.add(number++, from, to);
        }
        if (!fill) continue;
        fair.fill();
        for (const [transfer, rate] of referenceRates(open, 100)) {
          expect(fair.rates[transfer]).toBeCloseTo(rate, 9);
        }
      }
    }),
    { numRuns: 500 },
  );
});

it("the heap of ends gives the earliest, and of equal ones the lowest", () => {
  const step = fc.record({ transfer: fc.nat(40), time: fc.nat(20), remove: fc.boolean() });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
      const heap = new EndHeap();
      const model = new Map<number, number>();
      for (const { transfer, time, remove } of steps) {
        if (remove) {
          heap.remove(transfer);
          model.delete(transfer);
        } else {
          heap.set(transfer, time);
          model.set(transfer, time);
        }
        const [first] = [...model].sort((x, y) => x[1] - y[1] || x[0] - y[0]);
        expect(heap.firstTimeMs).toBe(first?.[1] ?? Number.POSITIVE_INFINITY);
        if (first !== undefined) expect(heap.first).toBe(first[0]);
      }
    }),
  );
});

it("events come by time, then rank, then in the order in which they were planned", () => {
  const event = fc.record({ time: fc.nat(9), rank: fc.nat(2), take: fc.boolean() });
  fc.assert(
    fc.property(fc.array(event, { maxLength: 3000 }), (events) => {
      const queue = new EventQueue();
      const model: { time: number; rank: number; i: number }[] = [];
      const takeOne = () => {
        model.sort((x, y) => x.time - y.time || x.rank - y.rank || x.i - y.i);
        const { time, rank, i } = model.shift()!;
        expect(queue.nextTimeMs).toBe(time);
        queue.next();
        expect([queue.timeMs, queue.kind, queue.a, queue.b]).toEqual([time, rank, i, 7 - i]);
      };
      events.forEach(({ time, rank, take }, i) => {
        queue.add(time, rank, rank, i, 7 - i);
        model.push({ time, rank, i });
        if (take) takeOne();
      });
      while (model.length > 0) takeOne();
      expect(queue.size).toBe(0);
    }),
    { numRuns: 30 },
  );
});
