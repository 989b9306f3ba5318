/**
 * Workers for tests of the server core: they execute tasks on symbolic values, fetch what is missing from
 * each other, and report through the real codec. A test decides what happens next; clients are in
 * fake-cluster.ts.
 */
import {
  readWorkerToServer,
  type WorkerToServerHandler,
  WorkerToServerWriter,
} from "../../src/protocol/index.js";
import { TaskState } from "../../src/scheduler/index.js";
import { NONE } from "../../src/server-core/index.js";
import { FakePeers } from "./fake-peers.js";
import { defaultLength, elementOf, shortened } from "./symbolic-values.js";

/** Symbols of built-in task types are among these. */
const ALL_TYPES = Array.from({ length: 20 }, (_, i) => i);
const DSLICE = 17;
const DGET = 18;

export class FakeWorkers extends FakePeers {
  /** Numbers of slices that dslices have made, by task id and value of the input. */
  readonly slices = new Map<string, number>();
  /** Ids of dgets that got an empty object. */
  readonly emptyGets = new Set<number>();
  /** Of every task. */
  durationUs = 1000;
  /** Of every transfer that a task makes; 0: not told. */
  transferUs = 0;
  /** Large results are in files: they take no memory. */
  inFiles = false;
  private nextWorker = 0;
  private readonly batch = new WorkerToServerWriter();

  constructor(
    maxLosses = 5,
    /** Size of the object that a task makes. */
    readonly sizeOf: (row: number) => number = () => 1,
    /** What a dslice or dget finds the length of a value to be. */
    readonly lengthOf: (value: string) => number = defaultLength,
    maxClasses?: number,
  ) {
    super(maxLosses, maxClasses);
  }

  /** @param resources by name: an amount, or the indices of an indexed one */
  join(
    cpus = 2,
    resources: Record<string, number | readonly string[]> = {},
    types: readonly number[] = ALL_TYPES,
  ): number {
    const index = this.nextWorker++;
    const tasks = new Map();
    this.workers.set(index, {
      index,
      cpus,
      tasks,
      objects: new Map(),
      retracting: new Set(),
      prefetching: new Set(),
    });
    this.core.addWorker(
      index,
      `host:${index}`,
      {
        cpus,
        resources: Object.entries(resources).map(([name, amount]) => ({
          name,
          amount: typeof amount === "number" ? amount : amount.length,
          indices: typeof amount === "number" ? [] : amount,
        })),
      },
      types,
    );
    this.settled();
    return index;
  }

  kill(worker: number): void {
    this.workers.delete(worker);
    this.core.removeWorker(worker, "killed");
    this.settled();
  }

  /** The worker begins a task: only then it can't be retracted, and the core is told. */
  start(worker: number, row: number): void {
    const task = this.workers.get(worker)!.tasks.get(row)!;
    this.batch.started(row, task.attempt);
    this.deliver(worker);
  }

  /** Fetches what is missing and finishes the task; an input that can't be had is reported. */
  finish(worker: number, row: number): void {
    const at = this.workers.get(worker)!;
    const task = at.tasks.get(row)!;
    const { table } = this.core;
    const values: string[] = [];
    for (const input of task.inputs) {
      let value = at.objects.get(input);
      if (value === undefined && table.inlineCell[input] !== NONE) {
        value = new TextDecoder().decode(table.inline.copy(table.inlineCell[input]));
      }
      if (value === undefined) {
        for (const other of this.workers.values()) value ??= other.objects.get(input);
        if (value === undefined) throw new Error(`input ${input} of ${row} is nowhere`);
        at.objects.set(input, value);
        this.batch.fetched(input, this.transferUs);
      }
      values.push(value);
    }
    at.tasks.delete(row);
    at.retracting.delete(row);
    const value = this.resultOf(row, values);
    at.objects.set(row, value);
    const type = table.taskType[row];
    if (type === DSLICE || type === DGET) {
      const length = this.count(row, type, values[0]);
      // Infinity: a worker that does not tell.
      const bytes = new Uint8Array(Number.isFinite(length) ? 8 : 3);
      if (bytes.length === 8) new DataView(bytes.buffer).setBigUint64(0, BigInt(length), true);
      this.batch.finished(row, task.attempt, 8, 1000, bytes);
    } else {
      const small = this.sizeOf(row) <= 64;
      const inline = small ? new TextEncoder().encode(value) : undefined;
      const size = this.sizeOf(row);
      this.batch.finished(row, task.attempt, size, this.durationUs, inline, this.inFiles);
    }
    this.deliver(worker);
  }

  /** The task's name with its inputs: the same for all copies of a task. */
  private resultOf(row: number, inputs: readonly string[]): string {
    const { bytes, start, length } = this.core.configOf(row);
    const config = bytes.subarray(start, start + length);
    const name = `${this.core.taskIdOf(row)}(${inputs.join(",")})`;
    return elementOf(this.core.table.taskType[row], config, inputs[0]) ?? shortened(name);
  }

  private count(row: number, type: number, input: string): number {
    const length = this.lengthOf(input);
    const id = this.core.taskIdOf(row);
    if (type === DGET && length === 0) this.emptyGets.add(id);
    if (type === DSLICE) {
      const cores = [...this.workers.values()].reduce((sum, { cpus }) => sum + cpus, 0);
      this.slices.set(`${id} ${input}`, Math.max(1, Math.min(length, 4 * cores)));
    }
    return length;
  }

  fail(worker: number, row: number): void {
    const at = this.workers.get(worker)!;
    const task = at.tasks.get(row)!;
    at.tasks.delete(row);
    at.retracting.delete(row);
    this.core.taskFailed(worker, row, task.attempt, { message: "on purpose" });
    this.settled();
  }

  giveBack(worker: number, row: number): void {
    const at = this.workers.get(worker)!;
    const task = at.tasks.get(row)!;
    at.tasks.delete(row);
    at.retracting.delete(row);
    this.batch.retracted(row, task.attempt);
    this.deliver(worker);
  }

  /** The worker reports how many bytes of objects it has in memory. */
  memory(worker: number, bytes: number): void {
    this.batch.memory(bytes);
    this.deliver(worker);
  }

  /** What the worker was told to fetch has come, where it still exists. */
  protected deliverPrefetches(worker: number): void {
    const at = this.workers.get(worker)!;
    for (const row of at.prefetching) {
      at.prefetching.delete(row);
      if (at.objects.has(row)) continue;
      for (const other of this.workers.values()) {
        const value = other.objects.get(row);
        if (value === undefined || at.objects.has(row)) continue;
        at.objects.set(row, value);
        this.batch.fetched(row);
        this.deliver(worker);
      }
    }
  }

  /** Tasks at the worker whose inputs it has or could fetch. */
  runnable(worker: number): number[] {
    const at = this.workers.get(worker)!;
    const { table } = this.core;
    return [...at.tasks].flatMap(([row, task]) =>
      task.inputs.every(
        (input) => at.objects.has(input) || table.state[input] === TaskState.finished,
      )
        ? [row]
        : [],
    );
  }

  /** Passes what the worker wrote through the real codec. */
  private deliver(worker: number): void {
    const { core } = this;
    const handler: WorkerToServerHandler = {
      finished: (...args) => core.taskFinished(worker, ...args),
      log: () => {},
      failed: () => {},
      started: (row, attempt) => core.taskStarted(worker, row, attempt),
      retracted: (row, attempt) => core.taskRetracted(worker, row, attempt),
      inputLost: (...args) => core.inputLost(worker, ...args),
      fetched: (row, durationUs) => core.objectFetched(worker, row, durationUs / 1000),
      memory: (bytes) => core.memoryReported(worker, bytes),
      sample: () => {},
      trace: () => {},
      pong: () => {},
      output: () => {},
    };
    readWorkerToServer(this.batch.take()!, handler);
    this.settled();
  }
}
