import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { OrderedList } from "../../../src/scheduler/lookahead/ordered-list.js";
import { TimeHeap } from "../../../src/scheduler/lookahead/time-heap.js";
import { Workload } from "../../../src/scheduler/lookahead/workload.js";
import { aProblem } from "./problem-builder.js";

describe("a workload", () => {
  it("has each input of a task once, and users in order", () => {
    const tasks = [
      { name: "a", ms: 1 },
      { name: "b", ms: 1, needs: ["a", "x", "a", "x"] },
      { name: "c", ms: 1, needs: ["a"] },
    ];
    const existing = [{ name: "x", bytes: 1, holders: [0] }];
    const load = new Workload(aProblem({ workers: [1], tasks, existing }));
    expect([...load.inputs.subarray(load.inputStart[1], load.inputStart[2])]).toEqual([0, 3]);
    expect([...load.users.subarray(load.userStart[0], load.userStart[1])]).toEqual([1, 2]);
  });

  it("needs no order of the task numbers", () => {
    const tasks = [
      { name: "last", ms: 4, needs: ["middle"] },
      { name: "middle", ms: 2, needs: ["first"], bytes: 5000 },
      { name: "first", ms: 1 },
    ];
    const load = new Workload(aProblem({ workers: [1], tasks }));
    expect([...load.order]).toEqual([2, 1, 0]);
    expect([...load.upwardRank(1)]).toEqual([4, 11, 12]);
    expect([...load.downwardRank(1)]).toEqual([12, 3, 1]);
    expect([...load.longestPaths(0)]).toEqual([4 + 7, 6 + 3, 7 + 1]);
    expect(load.lowerBoundMs).toBe(7);
  });

  it("leaves tasks of a cycle out of the order", () => {
    const tasks = [
      { name: "a", ms: 1, needs: ["b"] },
      { name: "b", ms: 1, needs: ["a"] },
      { name: "c", ms: 1 },
    ];
    expect([...new Workload(aProblem({ workers: [1], tasks })).order]).toEqual([2]);
  });
});

const entries = fc.array(fc.tuple(fc.nat(20), fc.boolean()), { maxLength: 120 });

describe("an ordered list", () => {
  it("has the largest key first, of equal keys the lowest number", () => {
    fc.assert(
      fc.property(entries, (list) => {
        const ordered = new OrderedList();
        let model: { item: number; key: number }[] = [];
        list.forEach(([key, removes], i) => {
          if (removes && model.length > 0) {
            const index = key % model.length;
            ordered.removeAt(index);
            model = model.toSpliced(index, 1);
          } else {
            // Numbers do not come in order.
            const item = (i * 7919) % 1009;
            ordered.add(item, key);
            model = [...model, { item, key }].sort((a, b) => b.key - a.key || a.item - b.item);
          }
          const items = [...ordered.items.subarray(0, ordered.size)];
          expect(items).toEqual(model.map(({ item }) => item));
        });
      }),
    );
  });
});

describe("a heap of times", () => {
  it("gives the least time first, of equal times the lowest number", () => {
    fc.assert(
      fc.property(entries, (list) => {
        const heap = new TimeHeap(1);
        const model: { item: number; timeMs: number }[] = [];
        list.forEach(([timeMs, pops], i) => {
          if (pops && model.length > 0) {
            model.sort((a, b) => a.timeMs - b.timeMs || a.item - b.item);
            expect(heap.firstMs).toBe(model[0].timeMs);
            expect(heap.first).toBe(model[0].item);
            expect(heap.pop()).toBe(model.shift()!.item);
          } else {
            const item = (i * 7919) % 1009;
            heap.push(timeMs, item);
            model.push({ item, timeMs });
          }
          expect(heap.size).toBe(model.length);
        });
        heap.clear();
        expect(heap.firstMs).toBe(Number.POSITIVE_INFINITY);
      }),
    );
  });
});
