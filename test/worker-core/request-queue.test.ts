/**
 * The order of requests: the same tasks start as if all requests were looked at for every start, but
 * few are looked at.
 */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { RequestedAmount, WorkerResource } from "../../src/graph/index.js";
import type { AssignRecord } from "../../src/protocol/index.js";
import { RequestQueue } from "../../src/worker-core/request-queue.js";
import { ResourceSlots } from "../../src/worker-core/resource-slots.js";
import type { WorkerRequest } from "../../src/worker-core/worker-request.js";
import {
  RowEntry,
  startsBefore,
  TaskState,
  WorkerTask,
} from "../../src/worker-core/worker-task.js";
import { indexed } from "./core-harness.js";

/** A worker with a queue, and what is asked of it. */
class Bench {
  readonly slots: ResourceSlots;
  readonly queue: RequestQueue;
  readonly running: WorkerTask[] = [];
  readonly ready: WorkerTask[] = [];
  private order = 0;

  constructor(cpus: number, resources: WorkerResource[], maxPassedOver?: number) {
    this.slots = new ResourceSlots(cpus, resources);
    this.queue = new RequestQueue(this.slots, maxPassedOver);
  }

  request(cpus: number, amounts: RequestedAmount[] = []): WorkerRequest {
    return this.slots.resolve({ id: 1, cpus, amounts });
  }

  push(request: WorkerRequest, priority = 0, taskType = 1): WorkerTask {
    const row = this.order++;
    const record = { row, attempt: 1, taskType, priority, inputCount: 0, taskId: 0, losses: 0 };
    const task = new WorkerTask(record as AssignRecord, new RowEntry(row), row, request);
    task.state = TaskState.ready;
    this.queue.push(task);
    this.ready.push(task);
    return task;
  }

  start(): WorkerTask | undefined {
    const task = this.queue.next();
    if (task === undefined) return undefined;
    this.slots.take(task);
    return this.runs(task);
  }

  startLike(leader: WorkerTask): WorkerTask | undefined {
    const task = this.queue.nextLike(leader);
    if (task === undefined) return undefined;
    this.slots.share(task, leader.held!);
    return this.runs(task);
  }

  end(task: WorkerTask): void {
    task.state = TaskState.gone;
    this.running.splice(this.running.indexOf(task), 1);
    if (this.slots.release(task)) this.queue.resourcesFreed();
  }

  takeBack(task: WorkerTask): void {
    task.state = TaskState.gone;
    this.ready.splice(this.ready.indexOf(task), 1);
    this.queue.taskGone(task);
  }

  private runs(task: WorkerTask): WorkerTask {
    task.state = TaskState.running;
    this.ready.splice(this.ready.indexOf(task), 1);
    this.running.push(task);
    return task;
  }
}

/** What the rules say, looking at everything; counts for itself how often tasks were passed. */
class Rules {
  private readonly passed = new Map<WorkerTask, number>();

  constructor(
    private readonly bench: Bench,
    private readonly maxPassedOver: number,
  ) {}

  /** The first task of each request. */
  private heads(): WorkerTask[] {
    const heads = new Map<WorkerRequest, WorkerTask>();
    for (const task of this.bench.ready) {
      const head = heads.get(task.request!);
      if (head === undefined || startsBefore(task, head)) heads.set(task.request!, task);
    }
    return [...heads.values()].sort((a, b) => (startsBefore(a, b) ? -1 : 1));
  }

  next(): WorkerTask | undefined {
    const { slots } = this.bench;
    const heads = this.heads();
    const best = heads.findIndex((task, i) => {
      const isKept = (other: WorkerTask) => (this.passed.get(other) ?? 0) >= this.maxPassedOver;
      const before = heads.slice(0, i).filter(isKept);
      const isDelayed = before.some((other) => slots.delays(task.request!, other.request!));
      return slots.fits(task.request!) && !isDelayed;
    });
    for (const other of heads.slice(0, Math.max(0, best))) {
      if (!slots.delays(heads[best].request!, other.request!)) continue;
      this.passed.set(other, (this.passed.get(other) ?? 0) + 1);
    }
    return heads[best];
  }

  nextLike(leader: WorkerTask): WorkerTask | undefined {
    const heads = this.heads();
    const task = heads.find(({ request }) => request === leader.request);
    if (task === undefined || task.taskType !== leader.taskType) return undefined;
    const before = heads.slice(0, heads.indexOf(task));
    return before.some(({ request }) => shares(request!, task.request!)) ? undefined : task;
  }
}

function shares(a: WorkerRequest, b: WorkerRequest): boolean {
  if (a.cpus > 0 && b.cpus > 0) return true;
  return a.asks.some(({ pool }) => b.asks.some((other) => other.pool === pool));
}

const mem = (amount: number): RequestedAmount => ({ name: "mem", amount, indices: [] });

const asked = fc.record({
  cpus: fc.nat(3),
  mem: fc.constantFrom(0, 0, 0.5, 1, 3, 7),
  slots: fc.constantFrom(0, 0, 1, 4),
  gpus: fc.constantFrom<number | string[]>(0, 0, 0.3, 0.5, 1, 1.5, 2, ["0"], ["1"], ["0", "2"]),
});

const steps = fc.array(
  fc.record({
    op: fc.nat(11),
    a: fc.nat(1000),
    priority: fc.integer({ min: 0, max: 3 }),
    type: fc.integer({ min: 1, max: 2 }),
  }),
  { minLength: 50, maxLength: 500 },
);

it("the same tasks start as by the rules", () => {
  fc.assert(
    fc.property(fc.array(asked, { minLength: 1, maxLength: 12 }), steps, (kinds, sequence) => {
      const resources = [
        { name: "mem", amount: 7, indices: [] },
        { name: "slots", amount: 4, indices: [] },
        indexed("gpus", 3),
      ];
      const maxPassedOver = 1 + (sequence.length % 4);
      const bench = new Bench(3, resources, maxPassedOver);
      const rules = new Rules(bench, maxPassedOver);
      const requests = kinds.map(({ cpus, mem: bytes, slots, gpus }) => {
        const amounts: RequestedAmount[] = [];
        if (bytes > 0) amounts.push(mem(bytes));
        if (slots > 0) amounts.push({ name: "slots", amount: slots, indices: [] });
        if (typeof gpus !== "number") amounts.push({ name: "gpus", amount: 0, indices: gpus });
        else if (gpus > 0) amounts.push({ name: "gpus", amount: gpus, indices: [] });
        for (const amount of amounts) {
          if (amount.indices.length > 0) Object.assign(amount, { amount: amount.indices.length });
        }
        return bench.request(amounts.length === 0 ? Math.max(1, cpus) : cpus, amounts);
      });
      for (const { op, a, priority, type } of sequence) {
        const { ready, running } = bench;
        if (op < 5) bench.push(requests[a % requests.length], priority, type);
        else if (op === 5 && ready.length > 0) bench.takeBack(ready[a % ready.length]);
        else if (op === 6 && running.length > 0) {
          const leader = running[a % running.length];
          const expected = rules.nextLike(leader);
          expect(bench.startLike(leader)).toBe(expected);
        } else if (running.length > 0) {
          bench.end(running[a % running.length]);
        }
        for (;;) {
          const expected = rules.next();
          expect(bench.start()).toBe(expected);
          bench.queue.order.check();
          if (expected === undefined) break;
        }
      }
    }),
    { numRuns: 100 },
  );
});

describe("of thousands of requests few are looked at", () => {
  const COUNT = 4000;
  /** Places looked at for each task when one after the other is executed. */
  function looksPerStart(bench: Bench): number {
    const { order } = bench.queue;
    order.looks = 0;
    let started = 0;
    for (;;) {
      while (bench.start() !== undefined) started++;
      const [first] = bench.running;
      if (first === undefined) break;
      bench.end(first);
    }
    expect(bench.ready.length).toBe(0);
    return order.looks / started;
  }

  it("where cores are short", () => {
    const bench = new Bench(4, [{ name: "mem", amount: 1e9, indices: [] }]);
    for (let i = 0; i < COUNT; i++) bench.push(bench.request(1, [mem(1000 + i)]));
    expect(looksPerStart(bench)).toBeLessThan(100);
  });

  it("where memory is short, and the largest come first", () => {
    const bench = new Bench(64, [{ name: "mem", amount: 10_000, indices: [] }]);
    for (let i = 0; i < COUNT; i++) bench.push(bench.request(1, [mem(9000 - i)]), -i);
    expect(looksPerStart(bench)).toBeLessThan(300);
  });

  it("where indices are short, shared or not", () => {
    for (const amount of [1, 0.5, 0.75]) {
      const bench = new Bench(64, [indexed("gpus", 4), { name: "mem", amount: 1e9, indices: [] }]);
      const gpus = { name: "gpus", amount, indices: [] };
      for (let i = 0; i < COUNT; i++) bench.push(bench.request(1, [gpus, mem(1000 + i)]));
      expect(looksPerStart(bench)).toBeLessThan(100);
    }
  });

  it("where large ones are kept for", () => {
    const bench = new Bench(16, [{ name: "mem", amount: 1e9, indices: [] }]);
    for (let i = 0; i < 100; i++) bench.push(bench.request(16, [mem(1 + i)]), 1);
    for (let i = 0; i < COUNT; i++) bench.push(bench.request(1, [mem(1000 + i)]), 0);
    // Small ones run when the large ones come.
    const long = bench.request(1);
    bench.push(long, 2);
    expect(looksPerStart(bench)).toBeLessThan(300);
  });

  it("where those that share what a task holds are asked for", () => {
    const bench = new Bench(1, [{ name: "mem", amount: 1e9, indices: [] }]);
    const same = bench.request(1, [mem(10)]);
    for (let i = 0; i < COUNT; i++) bench.push(same);
    for (let i = 0; i < COUNT; i++) bench.push(bench.request(1, [mem(1000 + i)]), -1);
    const leader = bench.start()!;
    bench.queue.order.looks = 0;
    for (let i = 1; i < COUNT; i++) expect(bench.startLike(leader)).toBeDefined();
    expect(bench.queue.order.looks / COUNT).toBeLessThan(30);
  });
});
