/** Large tasks in a steady stream of small ones: they all finish while the stream goes on. */
import { describe, expect, test } from "vitest";
import type { TestRequest } from "../server-core/fake-cluster.js";
import { clusterOf, counts, tasks } from "./scheduling.js";
import { VirtualWorkers } from "./virtual-workers.js";

const TOTALS = { cpus: 8, gpus: 2 };
const WORKERS = 2;

interface Case {
  small: TestRequest;
  smallMs: number;
  large: TestRequest;
  largeMs: number;
}

const cpu = (cpus: number): TestRequest => ({ cpus });
const gpu = (gpus: number, cpus = 1): TestRequest => ({ cpus, amounts: { gpus } });
const cases: Case[] = [
  ...[1, 20, 150].flatMap((smallMs) =>
    [2, 8].flatMap((cpus) =>
      [2 * smallMs, 300].map((largeMs) => ({ small: cpu(1), smallMs, large: cpu(cpus), largeMs })),
    ),
  ),
  { small: cpu(2), smallMs: 3, large: cpu(7), largeMs: 300 },
  { small: gpu(0.25), smallMs: 2, large: gpu(2), largeMs: 300 },
  { small: gpu(0.25), smallMs: 60, large: gpu(1.5, 3), largeMs: 100 },
  { small: cpu(1), smallMs: 2, large: gpu(2, 8), largeMs: 300 },
  { small: gpu(0.5, 1), smallMs: 2, large: cpu(8), largeMs: 300 },
];

describe("large tasks do not starve", () => {
  test.each(cases)("$large, $largeMs ms, beside $small, $smallMs ms", (one) => {
    const cluster = clusterOf([]);
    cluster.checked = false;
    for (let i = 0; i < WORKERS; i++) cluster.join(8, { gpus: ["0", "1"] });
    let next = 0;
    const large = new Set<number>();
    const submit = (request: TestRequest, n: number, label: string) => {
      cluster.submit(0, next, tasks(n, { request, label }));
      next += n;
    };
    const workers = new VirtualWorkers(
      cluster,
      (id) => (large.has(id) ? one.largeMs : one.smallMs),
      () => TOTALS,
    );
    const isDone = () =>
      large.size > 0 && [...large].every((id) => cluster.finished.has(`0/${id}`));
    let waiting = 0;
    for (let pass = 0; pass < 4000 && !isDone(); pass++) {
      // There is always more of the small ones than can run.
      waiting = next - cluster.finished.size - counts(cluster).reduce((sum, n) => sum + n);
      if (waiting < 100) submit(one.small, 200, "small");
      if (pass === 100) {
        for (let i = 0; i < 3; i++) large.add(next + i);
        submit(one.large, 3, "large");
      }
      workers.tick();
    }
    expect(isDone()).toBe(true);
    expect(waiting).toBeGreaterThan(0);
  });

  test("of a lower rank neither: they take as long as nothing is known of them", () => {
    const cluster = clusterOf([]);
    cluster.checked = false;
    cluster.join(8);
    let next = 0;
    const large = new Set<number>();
    const workers = new VirtualWorkers(
      cluster,
      () => 5,
      () => TOTALS,
    );
    let waiting = 0;
    workers.run(1000, (tick) => {
      waiting = next - cluster.finished.size - counts(cluster).reduce((sum, n) => sum + n);
      if (waiting < 100) {
        // Chains of two: the first of each has the higher rank.
        const chains = Array.from({ length: 200 }, (_, i) => ({
          inputs: i % 2 === 0 ? [] : [next + i - 1],
          result: true,
          cpus: 1,
        }));
        cluster.submit(0, next, chains);
        next += 200;
      }
      if (tick === 50) {
        for (let i = 0; i < 3; i++) large.add(next + i);
        cluster.submit(0, next, tasks(3, { cpus: 8, label: "large" }));
        next += 3;
      }
    });
    expect([...large].every((id) => cluster.finished.has(`0/${id}`))).toBe(true);
    expect(waiting).toBeGreaterThan(0);
  });
});
