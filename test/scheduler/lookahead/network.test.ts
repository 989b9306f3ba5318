import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { EqualShareNetwork } from "../../../src/scheduler/lookahead/equal-share-network.js";
import { FairNetwork } from "../../../src/scheduler/lookahead/fair-network.js";
import { fairLinks } from "./plain-evaluation.js";

interface Transfer {
  source: number;
  target: number;
  bytes: number;
  beginMs: number;
}

const WORKERS = 6;
const BYTES_PER_MS = 1000;

/** When each transfer ends, by the network that is tested. */
function run(network: FairNetwork | EqualShareNetwork, transfers: Transfer[]): number[] {
  const ends: number[] = [];
  const ended: number[] = [];
  const waiting = [...transfers.keys()].sort((a, b) => transfers[a].beginMs - transfers[b].beginMs);
  network.reset();
  while (waiting.length > 0 || network.nextEndMs < Number.POSITIVE_INFINITY) {
    const beginMs = waiting.length > 0 ? transfers[waiting[0]].beginMs : Number.POSITIVE_INFINITY;
    const nowMs = Math.min(beginMs, network.nextEndMs);
    if (network.nextEndMs === nowMs) {
      network.finish(ended);
      expect(ended.length).toBeGreaterThan(0);
      for (const transfer of ended) ends[transfer] = nowMs;
    }
    while (waiting.length > 0 && transfers[waiting[0]].beginMs === nowMs) {
      const transfer = waiting.shift()!;
      const { source, target, bytes } = transfers[transfer];
      network.begin(transfer, source, target, bytes, nowMs);
    }
    network.settle(nowMs);
  }
  return ends;
}

/** The same by the definition of the rates. */
function runPlainly(
  transfers: Transfer[],
  rates: (running: readonly Transfer[]) => number[],
  doneBytes: number,
): number[] {
  const left = transfers.map(({ bytes }) => bytes);
  const ends: number[] = [];
  for (let nowMs = 0; ; ) {
    const running = transfers.filter((t, i) => t.beginMs <= nowMs && ends[i] === undefined);
    const rateOf = new Map(rates(running).map((rate, i) => [running[i], rate]));
    const endOf = (t: Transfer) => nowMs + left[transfers.indexOf(t)] / rateOf.get(t)!;
    const nextEndMs = Math.min(...running.map(endOf));
    const begins = transfers.map(({ beginMs }) => beginMs).filter((ms) => ms > nowMs);
    const nextMs = Math.min(nextEndMs, ...begins);
    if (nextMs === Number.POSITIVE_INFINITY) return ends;
    for (const t of running) {
      const i = transfers.indexOf(t);
      left[i] -= rateOf.get(t)! * (nextMs - nowMs);
      if (nextMs === nextEndMs && left[i] < doneBytes) ends[i] = nextMs;
    }
    nowMs = nextMs;
  }
}

function fairRates(running: readonly Transfer[]): number[] {
  const links = fairLinks(running, BYTES_PER_MS);
  return running.map(({ source, target }) => {
    const link = links.find((l) => l.source === source && l.target === target)!;
    return link.rate / running.filter((o) => o.source === source && o.target === target).length;
  });
}

function equalShares(running: readonly Transfer[]): number[] {
  return running.map(({ source, target }) => {
    const sent = running.filter((o) => o.source === source).length;
    const received = running.filter((o) => o.target === target).length;
    return BYTES_PER_MS / Math.max(sent, received);
  });
}

const transfers = fc
  .array(fc.tuple(fc.nat(5), fc.nat(4), fc.integer({ min: 1, max: 500 }), fc.nat(300)), {
    minLength: 1,
    maxLength: 40,
  })
  .map((list) =>
    list.map(
      ([source, other, size, begin], i): Transfer => ({
        source,
        target: (source + 1 + other) % WORKERS,
        bytes: size * 1000 + (i + 1) * 17 * Math.E,
        beginMs: begin,
      }),
    ),
  );

const expectClose = (ends: number[], expected: number[]) => {
  expect(ends.length).toBe(expected.length);
  ends.forEach((ms, i) => {
    expect(ms).toBeCloseTo(expected[i], 3);
  });
};

describe("the fair network", () => {
  const network = () => new FairNetwork(WORKERS, BYTES_PER_MS, 100);

  it("gives what one end can't use to others", () => {
    const from0 = [1, 2, 3].map((target) => ({ source: 0, target, bytes: 1e5, beginMs: 0 }));
    const to3 = { source: 4, target: 3, bytes: 2e5, beginMs: 0 };
    // A third of what worker 0 sends goes to 3, which gets the other two thirds from 4.
    expectClose(run(network(), [...from0, to3]), [300, 300, 300, 300]);
  });

  it("lets transfers on one link share what the link gets", () => {
    const transfer = (target: number) => ({ source: 0, target, bytes: 1e5, beginMs: 0 });
    expectClose(run(network(), [transfer(1), transfer(1), transfer(2)]), [300, 300, 200]);
  });

  it("ends transfers when the definition says", () => {
    fc.assert(
      fc.property(transfers, (list) => {
        expectClose(run(network(), list), runPlainly(list, fairRates, 2e-6 * 2 ** 20));
      }),
      { numRuns: 200 },
    );
  });

  it("can be used again", () => {
    const again = network();
    again.begin(0, 0, 1, 1e6, 0);
    again.settle(0);
    expectClose(run(again, [{ source: 2, target: 1, bytes: 1e5, beginMs: 0 }]), [100]);
  });
});

describe("the network of equal shares", () => {
  const network = () => new EqualShareNetwork(WORKERS, BYTES_PER_MS, 100);

  it("gives the smaller of two shares", () => {
    const from0 = [1, 2].map((target) => ({ source: 0, target, bytes: 1e5, beginMs: 0 }));
    const to2 = { source: 4, target: 2, bytes: 1e5, beginMs: 0 };
    expectClose(run(network(), [...from0, to2]), [200, 200, 200]);
  });

  it("forgets when a transfer would have ended at its former rate", () => {
    const slowed = { source: 0, target: 1, bytes: 1e5, beginMs: 0 };
    const slowing = { source: 0, target: 2, bytes: 1e5, beginMs: 50 };
    const other = { source: 3, target: 4, bytes: 1e5, beginMs: 0 };
    expectClose(run(network(), [other, slowed, slowing]), [100, 150, 200]);
  });

  it("ends transfers when the definition says", () => {
    fc.assert(
      fc.property(transfers, (list) => {
        expectClose(run(network(), list), runPlainly(list, equalShares, 1e-4));
      }),
      { numRuns: 200 },
    );
  });
});
