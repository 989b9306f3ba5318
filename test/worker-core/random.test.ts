/**
 * Random sequences of events against a model that plays the server: every task has exactly
 * one outcome, in the right order, and in the end nothing is left.
 */
import fc from "fast-check";
import { expect, it } from "vitest";
import { TaskState, type WorkerTask } from "../../src/worker-core/index.js";
import { aTask, CoreHarness } from "./core-harness.js";

const ROWS = 12;
const CPUS = 3;

type Step = { op: number; a: number; b: number };

class Model {
  readonly harness = new CoreHarness(CPUS);
  /** Attempt of the task assigned and not answered, by row. */
  readonly assigned = new Map<number, number>();
  /** Rows whose objects the worker must keep. */
  readonly held = new Set<number>();
  /** Inputs that are to be made here, by row of the task. */
  private readonly localInputs = new Map<number, number[]>();
  private readonly executing: WorkerTask[] = [];
  private readonly async = new Set<WorkerTask>();
  private attempt = 0;
  /** Attempts cancelled while effects are read: what the worker has said of them before counts not. */
  private readonly crossed = new Set<number>();

  apply({ op, a, b }: Step): void {
    const row = a % ROWS;
    const { harness } = this;
    if (op < 5) this.assign(row, b);
    else if (op < 8) this.start();
    else if (op < 11) this.end(a, op);
    else if (op === 11) this.drop(row);
    else if (op === 12) this.cancel(row);
    else if (op === 13) harness.retract(row, b % 2 === 0 ? (this.assigned.get(row) ?? 0) : 0);
    else if (op < 16) this.endFetch(a, b % 3 > 0);
    else if (op === 16) this.prefetch(row, b);
    else if (op === 17) this.startSharing(a);
    else harness.cancel(row, 0);
    this.readEffects();
  }

  /** Lets everything end well. */
  finishAll(): void {
    const { harness } = this;
    for (;;) {
      this.start();
      this.readEffects();
      const fetch = harness.fetches.find((one) => one.live && one.active);
      if (this.executing.length > 0) this.end(0, 8);
      else if (fetch !== undefined) harness.fetchSucceeded(fetch);
      else break;
      this.readEffects();
    }
    expect([...this.assigned.keys()]).toEqual([]);
    for (const row of this.held) harness.drop(row);
    for (let row = 0; row < ROWS; row++) harness.drop(row);
    harness.takeAll();
    expect(harness.core.objects.rows.size).toBe(0);
    expect(harness.store.size).toBe(0);
    expect(harness.core.light.async).toBe(0);
  }

  private assign(row: number, b: number): void {
    if (this.assigned.has(row) || this.held.has(row)) return;
    const task = aTask(row)
      .attempt(++this.attempt)
      .cpus(b % 5 > CPUS ? 0 : b % 5)
      .priority((b >> 6) % 3);
    const local: number[] = [];
    for (let i = 0; i < (b >> 3) % 4; i++) {
      const input = (b >> (i + 2)) % ROWS;
      if (input >= row) continue;
      if (this.assigned.has(input)) {
        task.needs(input);
        local.push(input);
      } else if (this.held.has(input) && b % 2 === 0) task.needs(input);
      else if (b % 3 === 0) task.takesInline(input, 1);
      else task.takesRemote(input, b % 4, 4 + (b % 2));
    }
    this.assigned.set(row, this.attempt);
    this.localInputs.set(row, local);
    this.harness.assign(task);
  }

  private start(): void {
    const expected = this.expectedCpuTask();
    const task = this.harness.start();
    if (expected !== undefined) expect(task).toBe(expected);
    if (task === undefined) return;
    expect(this.assigned.get(task.row)).toBe(task.attempt);
    this.executing.push(task);
    if (task.row % 2 === 0) {
      this.harness.goesOn(task);
      this.async.add(task);
    }
  }

  /** The first ready task with cores may join one that is like it. */
  private startSharing(a: number): void {
    if (this.executing.length === 0) return;
    const leader = this.executing[a % this.executing.length];
    const held = [...leader.cores];
    const [first] = this.readyCpuTasks();
    const task = this.harness.startSharing(leader);
    const like = held.length > 0 && first?.request === leader.request;
    expect(task).toBe(like ? first : undefined);
    if (task === undefined) return;
    expect(task.cores).toEqual(held);
    this.executing.push(task);
  }

  /** By the rules, from all ready tasks; undefined if no task with cores may start. */
  private expectedCpuTask(): WorkerTask | undefined {
    const { free } = this.harness.core.slots;
    return this.readyCpuTasks().find((task) => task.cpus <= free);
  }

  private readyCpuTasks(): WorkerTask[] {
    return [...this.harness.core.objects.rows.values()]
      .flatMap(({ task }) => (task === undefined ? [] : [task]))
      .filter((task) => task.state === TaskState.ready && task.cpus > 0)
      .sort((a, b) => b.priority - a.priority || a.order - b.order);
  }

  private end(a: number, op: number): void {
    if (this.executing.length === 0) return;
    const [task] = this.executing.splice(a % this.executing.length, 1);
    if (op === 10) this.harness.fail(task);
    else this.harness.finish(task);
  }

  private endFetch(a: number, success: boolean): void {
    // Also some that were aborted long ago.
    const fetches = this.harness.fetches.filter((one) => one.active || !one.live);
    if (fetches.length === 0) return;
    const fetch = fetches[a % fetches.length];
    if (success) this.harness.fetchSucceeded(fetch);
    else this.harness.fetchFailed(fetch);
  }

  private prefetch(row: number, b: number): void {
    if (this.held.has(row) || this.assigned.has(row)) return;
    this.harness.prefetch(row, ...[b % 4, 4 + (b % 2)].slice(0, b % 3));
  }

  private drop(row: number): void {
    const needed = [...this.localInputs.values()].some((inputs) => inputs.includes(row));
    // Also one that is neither here nor on its way.
    if (needed || this.assigned.has(row)) return;
    this.held.delete(row);
    this.harness.drop(row);
  }

  private cancel(row: number): void {
    const attempt = this.assigned.get(row);
    if (attempt === undefined) return;
    this.answered(row);
    this.crossed.add(attempt);
    this.harness.cancel(row, attempt);
    this.cancelDependents(row);
  }

  /** As the server does when the maker is not here any more. */
  private cancelDependents(row: number): void {
    for (const [dependent, inputs] of [...this.localInputs]) {
      if (inputs.includes(row)) this.cancel(dependent);
    }
  }

  private answered(row: number): void {
    this.assigned.delete(row);
    this.localInputs.delete(row);
  }

  private readEffects(): void {
    this.crossed.clear();
    for (const effect of this.harness.takeAll()) {
      if (effect.effect === "fetched") this.held.add(effect.row);
      if (!("attempt" in effect) || effect.effect === "started") continue;
      if (this.crossed.has(effect.attempt)) continue;
      expect(this.assigned.get(effect.row)).toBe(effect.attempt);
      this.answered(effect.row);
      if (effect.effect === "finished") this.held.add(effect.row);
      else this.cancelDependents(effect.row);
    }
  }
}

const steps = fc.array(fc.record({ op: fc.nat(17), a: fc.nat(1000), b: fc.nat(1000) }), {
  minLength: 20,
  maxLength: 150,
});

it("random sequences of events: one outcome a task, nothing left at the end", () => {
  fc.assert(
    fc.property(steps, (sequence) => {
      const model = new Model();
      for (const step of sequence) model.apply(step);
      model.finishAll();
    }),
    { numRuns: 300 },
  );
});
