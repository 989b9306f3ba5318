/** Upward ranks against the longest path found by recursion; learned durations; slices. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Ranking } from "../../src/scheduler/ranking.js";
import { RequestKinds } from "../../src/scheduler/request-kind.js";
import { TaskClasses } from "../../src/scheduler/task-classes.js";
import { TaskTable } from "../../src/server-core/index.js";

/** A table with rows that have these inputs (rows before them), of classes of `labels` kinds. */
class Tasks {
  readonly table = new TaskTable();
  readonly classes = new TaskClasses();
  readonly declaredMs = new Map<number, number>();
  readonly ranking: Ranking;

  constructor() {
    this.ranking = new Ranking(this.table, this.classes, {
      any: true,
      durationMs: (row) => this.declaredMs.get(row) ?? Number.NaN,
      resultBytes: () => Number.NaN,
    });
  }

  /** @param inputs relative to the first row of the plan; returns that */
  add(inputs: readonly (readonly number[])[], labelOf = (_task: number) => 0): number {
    const { table } = this;
    const kind = new RequestKinds().find([{ cpus: 1, amounts: [] }]);
    const first = table.allocateRows(inputs.length);
    inputs.forEach((list, task) => {
      const row = first + task;
      table.userHead[row] = -1;
      table.taskClass[row] = this.classes.find(kind, 5, labelOf(task)).index;
      const edges = table.allocateEdges(list.length);
      list.forEach((input, i) => {
        const edge = edges + i;
        table.edgeInput[edge] = first + input;
        table.edgeUser[edge] = row;
        table.nextUser[edge] = table.userHead[first + input];
        table.userHead[first + input] = edge;
      });
    });
    return first;
  }

  durationMs(row: number): number {
    return this.declaredMs.get(row) ?? this.classes.list[this.table.taskClass[row]].durationMs;
  }

  /** By definition. */
  longest(row: number): number {
    const { table } = this;
    let most = 0;
    for (let edge = table.userHead[row]; edge >= 0; edge = table.nextUser[edge]) {
      most = Math.max(most, this.longest(table.edgeUser[edge]));
    }
    return most + this.durationMs(row);
  }
}

const plans = fc
  .array(fc.array(fc.nat(1000), { maxLength: 3 }), { minLength: 1, maxLength: 12 })
  .map((seeds) => seeds.map((seed, i) => (i === 0 ? [] : seed.map((s) => s % i))));

describe("Ranking", () => {
  test("the rank is the longest path to the end, by declared and by measured times", () => {
    fc.assert(
      fc.property(plans, fc.array(fc.nat(500), { maxLength: 5 }), (plan, declared) => {
        const tasks = new Tasks();
        const first = tasks.add(plan, (task) => task % 2);
        for (const [i, ms] of declared.entries()) tasks.declaredMs.set(first + 2 * i, ms);
        tasks.ranking.planAdded(first, plan.length, false);
        const check = () => {
          for (let row = first; row < first + plan.length; row++) {
            expect(tasks.table.rank[row]).toBeCloseTo(tasks.longest(row), 2);
          }
        };
        check();
        for (const taskClass of tasks.classes.list) {
          taskClass.durations.add(1000 * (taskClass.index + 1));
          tasks.ranking.estimateChanged(taskClass.index, 0);
        }
        expect(tasks.ranking.advance(1000)).toBe(true);
        check();
        expect(tasks.ranking.advance(50_000)).toBe(false);
      }),
    );
  });

  test("is done again when an estimate is off by half, and not more often than 200 ms", () => {
    const tasks = new Tasks();
    const first = tasks.add([[], [0]]);
    tasks.ranking.planAdded(first, 2, false);
    const [taskClass] = tasks.classes.list;
    taskClass.durations.add(70);
    tasks.ranking.estimateChanged(0, 0);
    expect(tasks.ranking.advance(1000)).toBe(false);
    taskClass.durations.add(150);
    tasks.ranking.estimateChanged(0, 0);
    expect(tasks.ranking.advance(1000)).toBe(true);
    expect(tasks.table.rank[first]).toBeCloseTo(220, 3);
    for (let i = 0; i < 50; i++) taskClass.durations.add(1);
    tasks.ranking.estimateChanged(0, 0);
    expect(tasks.ranking.advance(1199)).toBe(false);
    expect(tasks.ranking.advance(1200)).toBe(true);
  });

  test("goes through long plans in slices, those that are gone are left out", () => {
    const tasks = new Tasks();
    const chain = (length: number) => Array.from({ length }, (_, i) => (i === 0 ? [] : [i - 1]));
    const [a, b, c] = [90_000, 40_000, 70_000].map((length) => tasks.add(chain(length)));
    tasks.ranking.planAdded(a, 90_000, false);
    tasks.ranking.planAdded(b, 40_000, false);
    tasks.ranking.planAdded(c, 70_000, false);
    for (let i = 0; i < 20; i++) tasks.classes.list[0].durations.add(200);
    tasks.ranking.estimateChanged(0, 0);
    expect(tasks.ranking.advance(1000)).toBe(false);
    expect(tasks.table.rank[c + 20_000]).toBe(50_000 * 200);
    expect(tasks.table.rank[c]).toBe(70_000 * 50);
    // The rest of c and 30,000 of b; b goes, its rows are used again by a smaller plan.
    expect(tasks.ranking.advance(1001)).toBe(false);
    expect(tasks.table.rank[c]).toBe(70_000 * 200);
    tasks.ranking.planRemoved(b);
    tasks.ranking.planAdded(b, 100, false);
    const before = tasks.table.rank[b];
    expect(tasks.ranking.advance(1002)).toBe(false);
    expect(tasks.ranking.advance(1003)).toBe(true);
    expect(tasks.table.rank[a]).toBe(90_000 * 200);
    expect(tasks.table.rank[b]).toBe(before);
  });

  test("estimates without sense do not make a rank that outweighs priorities", () => {
    const tasks = new Tasks();
    const first = tasks.add([[], [0], [1]]);
    for (const row of [first, first + 1, first + 2]) tasks.declaredMs.set(row, 3e38);
    tasks.ranking.planAdded(first, 3, false);
    const [{ priority, base }] = tasks.classes.list;
    expect(priority).toBe(0);
    expect(base + tasks.table.rank[first]).toBeLessThan(
      tasks.classes.find(new RequestKinds().find([]), 5, 0, 1).base - tasks.table.rank[first],
    );
  });

  test("tells its plans in the order in which they came", () => {
    const tasks = new Tasks();
    const rows = [3, 2, 4].map((length) => tasks.add(Array.from({ length }, () => [])));
    for (const [i, row] of rows.entries()) tasks.ranking.planAdded(row, [3, 2, 4][i], false);
    tasks.ranking.planRemoved(rows[1]);
    expect([...tasks.ranking.ranges()]).toEqual([
      { firstRow: rows[0], count: 3, dynamic: false },
      { firstRow: rows[2], count: 4, dynamic: false },
    ]);
  });
});
