/**
 * Workers of a FakeCluster in virtual time: they start tasks by priority when all that these ask for is
 * free, let smaller ones pass, and finish them after their duration. A tick is a millisecond and a pass.
 */
import type { FakeCluster } from "../server-core/fake-cluster.js";

/** Later tasks that a worker starts before one that waits for what it needs; as in worker-core. */
const MAX_PASSED_OVER = 64;

interface Running {
  endMs: number;
  needs: Needs;
}

type Needs = readonly (readonly [name: string, amount: number])[];

interface Worker {
  readonly running: Map<number, Running>;
  readonly used: Map<string, number>;
}

export class VirtualWorkers {
  private readonly workers = new Map<number, Worker>();
  private readonly passed = new Map<number, number>();
  /** When each task began, by id. */
  readonly startedMs = new Map<number, number>();

  /** @param durationMs of a task by id, at a worker */
  constructor(
    private readonly cluster: FakeCluster,
    private readonly durationMs: (id: number, worker: number) => number,
    private readonly totals: (worker: number) => Record<string, number>,
  ) {}

  /** So many passes; before each something may happen. */
  run(passes: number, before: (pass: number) => void = () => {}): void {
    for (let pass = 0; pass < passes; pass++) {
      before(pass);
      this.tick();
    }
  }

  tick(): void {
    const { cluster } = this;
    cluster.schedule();
    for (const worker of [...cluster.workers.keys()]) {
      this.end(worker);
      const { retracting, tasks } = cluster.workers.get(worker)!;
      const { running } = this.at(worker);
      for (const row of [...retracting]) {
        if (tasks.has(row) && !running.has(row)) cluster.giveBack(worker, row);
        retracting.delete(row);
      }
      this.start(worker);
    }
  }

  /** How much of the resource is in use there. */
  used(worker: number, name: string): number {
    return this.at(worker).used.get(name) ?? 0;
  }

  isRunning(worker: number, row: number): boolean {
    return this.at(worker).running.has(row);
  }

  private at(worker: number): Worker {
    let at = this.workers.get(worker);
    if (at === undefined) {
      at = { running: new Map(), used: new Map() };
      this.workers.set(worker, at);
    }
    return at;
  }

  private end(worker: number): void {
    const { cluster } = this;
    const { running, used } = this.at(worker);
    for (const [row, { endMs, needs }] of [...running]) {
      const there = cluster.workers.get(worker)!.tasks.has(row);
      if (there && endMs > cluster.nowMs) continue;
      running.delete(row);
      for (const [name, amount] of needs) used.set(name, used.get(name)! - amount);
      if (!there) continue;
      cluster.durationUs = 1000 * this.durationMs(cluster.core.taskIdOf(row), worker);
      cluster.finish(worker, row);
    }
  }

  private start(worker: number): void {
    const { cluster } = this;
    const { core } = cluster;
    const { running, used } = this.at(worker);
    if (running.size === cluster.workers.get(worker)!.tasks.size) return;
    const totals = this.totals(worker);
    const waiting = cluster
      .runnable(worker)
      .filter((row) => !running.has(row))
      .map((row) => ({ row, priority: core.priorityOf(row), needs: this.needs(row) }))
      .sort((a, b) => b.priority - a.priority);
    const kept: number[] = [];
    /** What is kept for those that have been passed too often. */
    const blocked = new Set<string>();
    for (const { row, needs } of waiting) {
      const fits = needs.every(
        ([name, amount]) =>
          !blocked.has(name) && (used.get(name) ?? 0) + amount <= totals[name] + 1e-9,
      );
      if (!fits) {
        kept.push(row);
        if ((this.passed.get(row) ?? 0) < MAX_PASSED_OVER) continue;
        for (const [name] of needs) blocked.add(name);
        continue;
      }
      for (const first of kept) this.passed.set(first, (this.passed.get(first) ?? 0) + 1);
      this.passed.delete(row);
      const id = core.taskIdOf(row);
      this.startedMs.set(id, cluster.nowMs);
      running.set(row, { endMs: cluster.nowMs + this.durationMs(id, worker), needs });
      for (const [name, amount] of needs) used.set(name, (used.get(name) ?? 0) + amount);
      if (core.requestOf(row) !== undefined) cluster.start(worker, row);
    }
  }

  private needs(row: number): Needs {
    const request = this.cluster.core.requestOf(row);
    if (request === undefined) return [];
    const needs = request.amounts.map(({ name, amount }) => [name, amount] as const);
    return request.cpus > 0 ? [["cpus", request.cpus], ...needs] : needs;
  }
}
