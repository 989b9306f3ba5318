/** Finding a worker with room, against a search of all of them. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { RequestedAmounts, WorkerResource } from "../../src/graph/index.js";
import { RequestKinds } from "../../src/scheduler/request-kind.js";
import { TaskClasses } from "../../src/scheduler/task-classes.js";
import { ableFor, WorkerIndex } from "../../src/scheduler/worker-index.js";
import { WorkerLoad } from "../../src/scheduler/worker-load.js";

const REQUESTS: RequestedAmounts[][] = [
  [{ cpus: 1, amounts: [] }],
  [{ cpus: 4, amounts: [] }],
  [{ cpus: 0, amounts: [{ name: "gpus", amount: 0.5, indices: [] }] }],
  [{ cpus: 3, amounts: [{ name: "gpus", amount: 1, indices: ["1"] }] }],
  [
    { cpus: 1, amounts: [{ name: "gpus", amount: 2, indices: [] }] },
    { cpus: 6, amounts: [] },
  ],
  [{ cpus: 1, amounts: [{ name: "mem", amount: 700, indices: [] }] }],
];

const worker = fc.record({
  cpus: fc.constantFrom(1, 4, 8),
  gpus: fc.nat(2),
  mem: fc.constantFrom(0, 500, 1000, 1001),
  types: fc.constantFrom([5], [5, 6], [6, 5], [6]),
});
const step = fc.record({
  kind: fc.constantFrom("join", "join", "leave", "take", "take", "take", "take", "give", "memory"),
  worker,
  at: fc.nat(1000),
  shape: fc.nat(REQUESTS.length * 2 - 1),
});

function resourcesOf(gpus: number, mem: number): WorkerResource[] {
  const resources: WorkerResource[] = [];
  const indices = Array.from({ length: gpus }, (_, i) => String(i));
  if (gpus > 0) resources.push({ name: "gpus", amount: gpus, indices });
  if (mem > 0) resources.push({ name: "mem", amount: mem, indices: [] });
  return resources;
}

describe("WorkerIndex", () => {
  test("where any worker has room for the shape, the first of a heap has", () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 120 }), (steps) => {
        const kinds = new RequestKinds();
        const classes = new TaskClasses();
        const shapes = REQUESTS.flatMap((request) =>
          [5, 6].map((type) => classes.find(kinds.find(request), type).shape),
        );
        const index = new WorkerIndex();
        let alive: WorkerLoad[] = [];
        const taken: { load: WorkerLoad; shape: number; variant: number }[] = [];
        steps.forEach((event, i) => {
          const load = alive[event.at % Math.max(1, alive.length)];
          if (event.kind === "join") {
            const { cpus, gpus, mem, types } = event.worker;
            const resources = { cpus, resources: resourcesOf(gpus, mem) };
            const joined = new WorkerLoad(i, resources, (name) => kinds.resourceId(name), types);
            alive.push(joined);
            index.add(joined, types);
          } else if (load === undefined) {
            return;
          } else if (event.kind === "leave") {
            alive = alive.filter((other) => other !== load);
            index.remove(load);
          } else if (event.kind === "take") {
            // Up to what it has, and more.
            const { variants } = shapes[event.shape].kind;
            const variant = variants.findIndex((one) => load.couldServe(one));
            if (variant < 0) return;
            load.take(variants[variant], 0);
            taken.push({ load, shape: event.shape, variant });
          } else if (event.kind === "give") {
            const [back] = taken.splice(event.at % Math.max(1, taken.length), 1);
            if (back === undefined || !alive.includes(back.load)) return;
            back.load.giveBack(shapes[back.shape].kind.variants[back.variant]);
          } else {
            load.memory.reported(event.at);
            load.loadChanged();
          }
          const isAnyFull = alive.some((one) => !one.memory.hasRoomFor(0));
          for (const shape of shapes) {
            const heaps = index.ableOf(shape, alive);
            const able = alive.filter((one) => ableFor(shape, one));
            expect(index.countAble(shape, alive)).toBe(able.length);
            const { variants } = shape.kind;
            for (const [v, variant] of variants.entries()) {
              const serve = able.filter((one) => one.couldServe(variant));
              const firsts = (variants.length > 1 ? [heaps[v]] : heaps).flatMap(
                (heap) => heap.least() ?? [],
              );
              const roomy = serve.filter((one) => one.fits(variant));
              // With several cores it may be hidden by one with fewer free cores and more memory.
              const hidden = variant.cpus > 1 && shape.kind.cpusOnly && isAnyFull;
              if (!hidden) {
                expect(firsts.some((one) => one.fits(variant))).toBe(roomy.length > 0);
              }
              // If memory of one of them is not full, that one comes first.
              const best = roomy.filter((one) => one.memory.hasRoomFor(0));
              expect(firsts.some((one) => best.includes(one))).toBe(best.length > 0);
            }
          }
          const alike = [...index.alike].flatMap(({ members }) => [...members]);
          expect(new Set(alike)).toEqual(new Set(alive));
          expect(alike).toHaveLength(alive.length);
          for (const { example, members } of index.alike) expect(members).toContain(example);
        });
      }),
      { numRuns: 300 },
    );
  });

  test("requests that are not made any more cost nothing, and are served if they come again", () => {
    const kinds = new RequestKinds();
    const classes = new TaskClasses();
    const index = new WorkerIndex();
    const worker = (i: number) => {
      const resources = { cpus: 4, resources: resourcesOf(0, 1e9 + i) };
      return new WorkerLoad(i, resources, (name) => kinds.resourceId(name), [5]);
    };
    let alive = [0, 1, 2].map(worker);
    for (const load of alive) index.add(load, [5]);
    const shapes = Array.from({ length: 1000 }, (_, i) => {
      const amounts = [{ name: "mem", amount: 1e6 + i, indices: [] }];
      const { shape } = classes.find(kinds.find([{ cpus: 1, amounts }]), 5);
      // These always have a ready task.
      if (i < 100) shape.heavy.push(i, 0);
      expect(index.countAble(shape, alive)).toBe(3);
      return shape;
    });
    for (const load of alive) expect(load.heaps.length).toBeLessThan(300);
    const [gone] = alive.splice(0, 1);
    index.remove(gone);
    const joined = worker(3);
    alive = [...alive, joined];
    index.add(joined, [5]);
    joined.take(shapes[0].kind.variants[0], 0);
    for (const load of alive.slice(0, 2)) {
      for (let i = 0; i < 4; i++) load.take(shapes[0].kind.variants[0], 0);
    }
    for (const shape of shapes) {
      expect(index.ableOf(shape, alive).map((heap) => heap.least())).toEqual([joined]);
    }
  });

  test("workers that differ in something that is not asked for are in one heap", () => {
    const kinds = new RequestKinds();
    const { shape } = new TaskClasses().find(kinds.find([{ cpus: 2, amounts: [] }]), 5);
    const index = new WorkerIndex();
    const alive = Array.from({ length: 100 }, (_, i) => {
      const resources = { cpus: 4, resources: resourcesOf(i % 3, 1e9 + i) };
      const types = i % 2 === 0 ? [5, 6] : [6, 5];
      const load = new WorkerLoad(i, resources, (name) => kinds.resourceId(name), types);
      index.add(load, types);
      return load;
    });
    expect(index.ableOf(shape, alive)).toHaveLength(1);
    expect([...index.alike]).toHaveLength(100);
  });
});
