/** RowTable behaves as a Map, whatever the rows. */
import fc from "fast-check";
import { expect, it } from "vitest";
import { RowTable } from "../../src/base/index.js";

const row = fc.oneof(fc.nat(600), fc.constantFrom(0xffffffff, 0xfffffffe, 0x80000000));
const step = fc.record({ op: fc.nat(20), row, value: fc.nat() });

it("agrees with a Map after every step", () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 300 }), (steps) => {
      const table = new RowTable<number>();
      const map = new Map<number, number>();
      for (const { op, row, value } of steps) {
        if (op === 20) {
          table.clear();
          map.clear();
        } else if (op < 10) {
          table.set(row, value);
          map.set(row, value);
        } else expect(table.delete(row)).toBe(map.delete(row));
        expect(table.get(row)).toBe(map.get(row));
        expect(table.get((row ^ 1) >>> 0)).toBe(map.get((row ^ 1) >>> 0));
        expect(table.size).toBe(map.size);
      }
      expect([...table.values()].sort()).toEqual([...map.values()].sort());
    }),
  );
});
