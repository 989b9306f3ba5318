/** Workers by load against a search of all of them. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { WorkerHeap } from "../../src/scheduler/worker-heap.js";
import type { WorkerLoad } from "../../src/scheduler/worker-load.js";

describe("WorkerHeap", () => {
  test("knows the least loaded worker, the first of equal ones, whatever happens", () => {
    const step = fc.record({
      kind: fc.constantFrom("add", "add", "remove", "update", "update", "update"),
      index: fc.nat(40),
      load: fc.constantFrom(0, 0.25, 0.5, 1, 1.5, 1e6),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
        const loads = new Map<number, number>();
        const workers = Array.from({ length: 41 }, (_, index) => ({ index }) as WorkerLoad);
        const inside = new Set<number>();
        const heap = new WorkerHeap(({ index }) => loads.get(index)!);
        for (const { kind, index, load } of steps) {
          // What is not inside may change, or be removed, without any effect.
          if (kind === "add") {
            if (inside.has(index)) continue;
            loads.set(index, load);
            inside.add(index);
            heap.add(workers[index]);
          } else if (kind === "remove") {
            inside.delete(index);
            heap.remove(workers[index]);
          } else {
            loads.set(index, load);
            heap.update(workers[index]);
          }
          expect(heap.length).toBe(inside.size);
          const least = [...inside].sort((a, b) => loads.get(a)! - loads.get(b)! || a - b)[0];
          expect(heap.least()?.index).toBe(least);
        }
      }),
      { numRuns: 500 },
    );
  });
});
