/** Rows by key against a sorted list. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { RowHeap } from "../../src/scheduler/row-heap.js";

interface Entry {
  row: number;
  key: number;
}

const inOrder = (entries: readonly Entry[]): Entry[] =>
  [...entries].sort((a, b) => b.key - a.key || a.row - b.row);

const keys = fc.constantFrom(-1e12, -1, 0, 0.5, 1, 2, 1e12);

describe("RowHeap", () => {
  test("gives the largest key first, among equal ones the smallest row", () => {
    const step = fc.oneof(
      fc.record({ kind: fc.constant("push"), row: fc.nat(50), key: keys }),
      fc.record({ kind: fc.constant("pop"), row: fc.constant(0), key: fc.constant(0) }),
      fc.record({ kind: fc.constant("rekey"), row: fc.nat(50), key: keys }),
      fc.record({ kind: fc.constantFrom("clear"), row: fc.constant(0), key: fc.constant(0) }),
    );
    const often = fc.array(fc.oneof({ weight: 9, arbitrary: step }), { maxLength: 200 });
    fc.assert(
      fc.property(often, (steps) => {
        const heap = new RowHeap();
        let model: Entry[] = [];
        for (const { kind, row, key } of steps) {
          if (kind === "push") {
            heap.push(row, key);
            model = inOrder([...model, { row, key }]);
          } else if (kind === "pop") {
            if (model.length === 0) continue;
            const first = model.shift()!;
            expect(heap.topKey()).toBe(first.key);
            expect(heap.pop()).toBe(first.row);
          } else if (kind === "rekey") {
            // Those above `row` go, the others get keys made of the row and of their old key.
            const rekeyed = (r: number, old: number) =>
              r > row ? Number.NaN : (r % 3) + (old > key ? 1 : 0);
            heap.rekey(rekeyed);
            const kept = model.map((e) => ({ row: e.row, key: rekeyed(e.row, e.key) }));
            model = inOrder(kept.filter((e) => !Number.isNaN(e.key)));
          } else if (model.length > 20) {
            heap.clear();
            model = [];
          }
          expect(heap.length).toBe(model.length);
          if (model.length > 0) expect(heap.top()).toBe(model[0].row);
        }
        expect(heap.values().sort((a, b) => a - b)).toEqual(
          model.map(({ row }) => row).sort((a, b) => a - b),
        );
      }),
      { numRuns: 300 },
    );
  });

  test("equal keys come in order of rows, however they were pushed", () => {
    const heap = new RowHeap();
    for (const row of [7, 3, 9, 1, 8, 2]) heap.push(row, 5);
    expect(Array.from({ length: 6 }, () => heap.pop())).toEqual([1, 2, 3, 7, 8, 9]);
  });
});
