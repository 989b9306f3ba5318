/**
 * Workers and clients for tests of the server core: carries out the core's effects on a model,
 * and checks with each assignment that the inputs really are where the server says. A test
 * decides what happens next (`finishOne`, `killWorker`, …). After every event all invariants
 * are checked.
 */
import {
  decodePlanRequest,
  PlanEncoder,
  readWorkerToServer,
  type WorkerToServerHandler,
  WorkerToServerWriter,
} from "../../src/protocol/index.js";
import { TaskState } from "../../src/scheduler/index.js";
import { SymbolDictionary } from "../../src/server/symbol-dictionary.js";
import {
  type FailureDetails,
  NONE,
  ServerCore,
  type ServerOutbox,
} from "../../src/server-core/index.js";

/** A task as a test describes it; inputs are ids. */
export interface TestTask {
  inputs: number[];
  result?: boolean;
  /** Policy ONCE. */
  once?: boolean;
  cpus?: number;
  /** Symbol number; default loom/data/merge. */
  type?: number;
}

interface FakeWorker {
  index: number;
  cpus: number;
  /** Assigned and not finished, by row. */
  tasks: Map<number, { attempt: number; inputs: number[] }>;
  /** Values of the objects it holds, by row. */
  objects: Map<number, string>;
  retracting: Set<number>;
}

const MERGE = 5;

export class FakeCluster implements ServerOutbox {
  readonly core: ServerCore;
  readonly workers = new Map<number, FakeWorker>();
  /** What each client was told, per id. */
  readonly finished = new Map<string, number>();
  readonly failed = new Map<string, FailureDetails>();
  readonly toldFailures: { client: number; taskId: number; lost: number[] }[] = [];
  readonly changedRows: number[] = [];
  private readonly pings: { worker: number; serial: number }[] = [];
  nowMs = 0;
  /** Checking reads everything: tests with thousands of tasks do without. */
  checked = true;
  private nextWorker = 0;
  private readonly batch = new WorkerToServerWriter();

  constructor(
    maxLosses = 5,
    /** Size of the object that a task makes. */
    readonly sizeOf: (row: number) => number = () => 1,
  ) {
    this.core = new ServerCore(this, new SymbolDictionary(), { maxLosses });
  }

  // --- effects -----------------------------------------------------------------------

  assignTask(worker: number, row: number): void {
    const { table } = this.core;
    const at = this.workers.get(worker)!;
    const inputs: number[] = [];
    const end = table.inputStart[row] + table.inputCount[row];
    for (let edge = table.inputStart[row]; edge < end; edge++) {
      const input = table.edgeInput[edge];
      inputs.push(input);
      if (table.state[input] === TaskState.assigned) {
        if (!at.tasks.has(input)) throw new Error(`row ${row} sent ahead of ${input} elsewhere`);
      } else if (table.state[input] !== TaskState.finished) {
        throw new Error(`row ${row} assigned, but input ${input} has state ${table.state[input]}`);
      } else if (table.holds(worker, input)) {
        if (!at.objects.has(input)) throw new Error(`worker ${worker} does not hold ${input}`);
      } else if (table.inlineCell[input] === NONE) {
        for (const holder of table.holders(input)) {
          if (!this.workers.get(holder)?.objects.has(input)) {
            throw new Error(`worker ${holder} does not hold ${input}`);
          }
        }
      }
    }
    if (at.tasks.has(row)) throw new Error(`row ${row} assigned twice to worker ${worker}`);
    at.tasks.set(row, { attempt: table.attempt[row], inputs });
  }

  dropObject(worker: number, row: number): void {
    const at = this.workers.get(worker);
    if (at === undefined) throw new Error(`drop at worker ${worker}, which is gone`);
    at.objects.delete(row);
  }

  retractTask(worker: number, row: number, attempt: number): void {
    if (this.workers.get(worker)!.tasks.get(row)?.attempt !== attempt) return;
    this.workers.get(worker)!.retracting.add(row);
  }

  cancelTask(worker: number, row: number, attempt: number): void {
    const at = this.workers.get(worker)!;
    if (at.tasks.get(row)?.attempt === attempt) at.tasks.delete(row);
    at.retracting.delete(row);
  }

  tellFinished(client: number, taskId: number): void {
    const key = `${client}/${taskId}`;
    if (this.finished.has(key)) throw new Error(`${key} told twice`);
    this.finished.set(key, taskId);
  }

  tellFailed(client: number, failure: FailureDetails, lost: number[]): void {
    this.toldFailures.push({ client, taskId: failure.taskId, lost });
    for (const id of lost) this.failed.set(`${client}/${id}`, failure);
  }

  ping(worker: number, serial: number): void {
    this.pings.push({ worker, serial });
  }

  resultChanged(row: number): void {
    this.changedRows.push(row);
  }

  // --- events ------------------------------------------------------------------------

  client(handle = 0, classic = false): void {
    this.core.addClient(handle, classic);
    this.settled();
  }

  submit(
    client: number,
    idBase: number,
    tasks: TestTask[],
    checkpoints = new Map<number, Uint8Array>(),
  ) {
    const encoder = new PlanEncoder(idBase);
    const requests = new Map<number, number>();
    tasks.forEach((task, i) => {
      const cpus = task.cpus ?? 0;
      if (cpus > 0 && !requests.has(cpus)) {
        requests.set(cpus, encoder.addRequest([{ symbol: 3, value: cpus }]));
      }
      encoder.addTask(task.type ?? MERGE, new TextEncoder().encode(String(i)), task.inputs, {
        requestIndex: requests.get(cpus) ?? -1,
        result: task.result,
        once: task.once,
      });
    });
    const refusal = this.core.submitPlan(client, decodePlanRequest(encoder.finish()), checkpoints);
    this.settled();
    return refusal;
  }

  join(cpus = 2): number {
    const index = this.nextWorker++;
    const tasks = new Map();
    this.workers.set(index, { index, cpus, tasks, objects: new Map(), retracting: new Set() });
    this.core.addWorker(
      index,
      `host:${index}`,
      cpus,
      Array.from({ length: 20 }, (_, i) => i),
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
        this.batch.fetched(input);
      }
      values.push(value);
    }
    at.tasks.delete(row);
    at.retracting.delete(row);
    const value = `${row}(${values.join(",")})`;
    at.objects.set(row, value);
    const small = this.sizeOf(row) <= 64;
    const inline = small ? new TextEncoder().encode(value.slice(0, 60)) : undefined;
    this.batch.finished(row, task.attempt, this.sizeOf(row), 1000, inline);
    this.deliver(worker);
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

  release(client: number, id: number): void {
    this.core.release(client, id);
    this.settled();
  }

  disconnect(client: number): void {
    this.core.removeClient(client);
    this.settled();
  }

  schedule(): void {
    for (const { worker, serial } of this.pings.splice(0)) this.core.ponged(worker, serial);
    this.nowMs += 1;
    this.core.schedule(this.nowMs);
    this.settled();
  }

  // --- what is there -----------------------------------------------------------------------

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

  /** Finishes tasks until nothing is left to do. */
  runAll(): void {
    for (let idle = 0; idle < 2; ) {
      this.schedule();
      let progress = false;
      for (const worker of this.workers.keys()) {
        for (const row of this.runnable(worker)) {
          if (!this.workers.get(worker)!.tasks.has(row)) continue;
          this.finish(worker, row);
          progress = true;
        }
      }
      idle = progress ? 0 : idle + 1;
    }
  }

  /** The row of a client's task. */
  row(client: number, id: number): number {
    const place = this.core.locate(client, id);
    if (place.kind !== "open" && place.kind !== "finished") throw new Error(`${id}: ${place.kind}`);
    return place.row;
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
      fetched: (row) => core.objectFetched(worker, row),
      pong: () => {},
      output: () => {},
    };
    readWorkerToServer(this.batch.take()!, handler);
    this.settled();
  }

  private settled(): void {
    if (this.checked) this.core.checkInvariants();
  }
}
