/**
 * Drives a WorkerCore: events go in through the real codec, effects come out as values to be
 * taken one after the other, and the invariants are checked after every event.
 */
import { expect } from "vitest";
import type { ConcreteRequest, RequestedAmount, WorkerResource } from "../../src/graph/index.js";
import {
  decodeFailureInfo,
  encodeFailureInfo,
  readWorkerToServer,
  ServerToWorkerReader,
  ServerToWorkerWriter,
  WorkerToServerWriter,
} from "../../src/protocol/index.js";
import {
  type ObjectFetch,
  WorkerCore,
  type WorkerOutbox,
  type WorkerTask,
} from "../../src/worker-core/index.js";

export type Effect =
  | { effect: "finished"; row: number; attempt: number; inline: number[] | undefined }
  | { effect: "failed"; row: number; attempt: number; message: string }
  | { effect: "started" | "retracted"; row: number; attempt: number }
  | { effect: "inputLost"; row: number; attempt: number; inputRow: number; holder: number }
  | { effect: "fetched" | "drop" | "cancel"; row: number }
  | { effect: "storeInline"; row: number; bytes: number[] }
  | { effect: "fetch" | "abortFetch"; row: number; holder: number };

type PlannedInput =
  | { place: "local"; row: number }
  | { place: "inline"; row: number; bytes: Uint8Array }
  | { place: "remote"; row: number; holders: number[] };

/** A task to be assigned: `aTask(7).needs(3, 4).cpus(2)`. */
export class TaskBuilder {
  readonly inputs: PlannedInput[] = [];
  attemptNumber = 1;
  cpuCount = 0;
  amounts: RequestedAmount[] = [];
  priorityValue = 0;
  taskType = 4;

  constructor(readonly row: number) {}

  /** Inputs that are, or will be, in the worker's store. */
  needs(...rows: number[]): this {
    for (const row of rows) this.inputs.push({ place: "local", row });
    return this;
  }
  takesInline(row: number, ...bytes: number[]): this {
    this.inputs.push({ place: "inline", row, bytes: Uint8Array.from(bytes) });
    return this;
  }
  takesRemote(row: number, ...holders: number[]): this {
    this.inputs.push({ place: "remote", row, holders });
    return this;
  }
  cpus(count: number): this {
    this.cpuCount = count;
    return this;
  }
  /** Also asks for an amount of a resource, or for particular ones. */
  takes(name: string, amount: number | string[]): this {
    this.amounts.push(
      typeof amount === "number"
        ? { name, amount, indices: [] }
        : { name, amount: amount.length, indices: amount },
    );
    return this;
  }
  priority(value: number): this {
    this.priorityValue = value;
    return this;
  }
  /** {@link ELSEWHERE}: it runs in another process. Default: here. */
  type(number: number): this {
    this.taskType = number;
    return this;
  }
  attempt(number: number): this {
    this.attemptNumber = number;
    return this;
  }
}

export function aTask(row: number): TaskBuilder {
  return new TaskBuilder(row);
}

/** Type of the tasks that other processes execute. */
export const ELSEWHERE = 5;

const CONFIG = Uint8Array.of(9, 9, 9);

export class CoreHarness {
  readonly core: WorkerCore;
  readonly effects: Effect[] = [];
  /** What an object store would have: kept up to date by the effects. */
  readonly store = new Set<number>();
  readonly fetches: ObjectFetch[] = [];
  private readonly writer = new ServerToWorkerWriter();
  private readonly answers = new WorkerToServerWriter();
  private readonly reader: ServerToWorkerReader;
  /** Ids of the requests that were sent. */
  private readonly requests = new Map<string, number>();

  /** @param checked false: no invariants, for tests with very many tasks */
  constructor(
    cpus = 4,
    private readonly checked = true,
    resources: readonly WorkerResource[] = [],
  ) {
    this.core = new WorkerCore(this.outbox(), {
      cpus,
      resources,
      isElsewhere: (type) => type === ELSEWHERE,
    });
    const { core } = this;
    const unexpected = () => {
      throw new Error("not an event of the core");
    };
    this.reader = new ServerToWorkerReader({
      request: (request) => core.defineRequest(request),
      assign: (record) => core.assign(record),
      prefetch: (row, sizeBytes, holders) => core.prefetch(row, sizeBytes, holders),
      drop: (row) => core.drop(row),
      retract: (row, attempt) => core.retract(row, attempt),
      cancel: (row, attempt) => core.cancel(row, attempt),
      peer: unexpected,
      symbols: unexpected,
      ping: unexpected,
      readOutput: unexpected,
      observe: unexpected,
      shutdown: unexpected,
    });
  }

  assign(...tasks: TaskBuilder[]): void {
    for (const task of tasks) {
      const { row, attemptNumber, taskType, priorityValue: priority, inputs } = task;
      const count = inputs.length;
      const id = this.requestId(task);
      this.writer.assign(
        row,
        attemptNumber,
        taskType,
        id,
        priority,
        count,
        CONFIG,
        0,
        3,
        undefined,
      );
      for (const input of inputs) {
        if (input.place === "local") this.writer.inputLocal(input.row);
        else if (input.place === "remote") this.writer.inputRemote(input.row, 10, input.holders);
        else this.writer.inputInline(input.row, input.bytes, 0, input.bytes.length);
      }
      this.deliver();
    }
  }
  /** Assigns a task with a request that was not sent, or that is sent as it stands. */
  assignRaw(row: number, request: number, defined?: ConcreteRequest): void {
    if (defined !== undefined) this.writer.request(defined);
    this.writer.assign(row, 1, 4, request, 0, 0, CONFIG, 0, 3, undefined);
    this.deliver();
  }
  prefetch(row: number, ...holders: number[]): void {
    this.writer.prefetch(row, 10, holders);
    this.deliver();
  }
  drop(row: number): void {
    this.writer.drop(row);
    this.deliver();
  }
  retract(row: number, attempt = 1): void {
    this.writer.retract(row, attempt);
    this.deliver();
  }
  cancel(row: number, attempt = 1): void {
    this.writer.cancel(row, attempt);
    this.deliver();
  }

  /** Pulls the next task that may start. */
  start(): WorkerTask | undefined {
    const task = this.core.nextStartable();
    if (task !== undefined) {
      for (const input of task.inputs) {
        if (!this.store.has(input.row)) throw new Error(`${task.row} starts without ${input.row}`);
      }
    }
    this.check();
    return task;
  }
  /** Pulls the task that may join one that runs. */
  startSharing(leader: WorkerTask): WorkerTask | undefined {
    const task = this.core.nextSharing(leader);
    this.check();
    return task;
  }
  /** Pulls all that may start; their rows. */
  startAll(): number[] {
    return this.startTasks().map((task) => task.row);
  }
  startTasks(): WorkerTask[] {
    const tasks: WorkerTask[] = [];
    for (let task = this.start(); task !== undefined; task = this.start()) tasks.push(task);
    return tasks;
  }
  goesOn(task: WorkerTask): void {
    this.core.taskGoesOn(task);
    this.check();
  }
  finish(task: WorkerTask, inline?: Uint8Array): void {
    if (this.core.isLive(task)) this.store.add(task.row);
    this.core.taskFinished(task, 5, 0, inline);
    this.check();
  }
  fail(task: WorkerTask, message = "no"): void {
    this.core.taskFailed(task, encodeFailureInfo({ message }));
    this.check();
  }
  /** Assigns, starts and finishes a light task, and takes its effects. */
  make(...rows: number[]): void {
    for (const row of rows) {
      this.assign(aTask(row));
      this.finish(this.start()!);
      this.take("finished", row);
    }
  }

  /** The active fetch of a row. */
  fetchOf(row: number): ObjectFetch {
    const fetch = this.fetches.findLast((one) => one.row === row);
    if (fetch === undefined) throw new Error(`row ${row} is not being fetched`);
    return fetch;
  }
  fetchSucceeded(fetch: ObjectFetch): void {
    if (fetch.live) this.store.add(fetch.row);
    this.core.fetchSucceeded(fetch);
    this.check();
  }
  fetchFailed(fetch: ObjectFetch): void {
    this.core.fetchFailed(fetch);
    this.check();
  }

  /** Takes the oldest effect, which must be of this kind (and row). */
  take<K extends Effect["effect"]>(kind: K, row?: number): Effect & { effect: K } {
    const effect = this.effects.shift();
    const shown = row === undefined ? { effect: kind } : { effect: kind, row };
    expect(effect).toMatchObject(shown);
    return effect as Effect & { effect: K };
  }
  expectNothing(): void {
    expect(this.effects).toEqual([]);
  }
  /** Takes all effects. */
  takeAll(): Effect[] {
    return this.effects.splice(0);
  }

  /** Sends the request if it is the first of its kind. */
  private requestId({ cpuCount: cpus, amounts }: TaskBuilder): number {
    if (cpus === 0 && amounts.length === 0) return 0;
    const key = JSON.stringify([cpus, amounts]);
    let id = this.requests.get(key);
    if (id === undefined) {
      id = this.requests.size + 1;
      this.requests.set(key, id);
      this.writer.request({ id, cpus, amounts });
    }
    return id;
  }

  private deliver(): void {
    this.reader.read(this.writer.take()!);
    this.check();
  }

  private check(): void {
    if (!this.checked) return;
    this.core.checkInvariants();
    const inTable = [...this.core.objects.rows.values()].filter((entry) => entry.inStore);
    expect(new Set(inTable.map((entry) => entry.row))).toEqual(this.store);
  }

  private outbox(): WorkerOutbox {
    const { answers, effects, store } = this;
    const send = () => {
      readWorkerToServer(answers.take()!, {
        finished: (row, attempt, _size, _duration, frame, start, length) => {
          const inline = length < 0 ? undefined : [...frame.subarray(start, start + length)];
          effects.push({ effect: "finished", row, attempt, inline });
        },
        failed: (row, attempt, failure) => {
          const { message } = decodeFailureInfo(failure);
          effects.push({ effect: "failed", row, attempt, message });
        },
        started: (row, attempt) => effects.push({ effect: "started", row, attempt }),
        retracted: (row, attempt) => effects.push({ effect: "retracted", row, attempt }),
        inputLost: (row, attempt, inputRow, holder) =>
          effects.push({ effect: "inputLost", row, attempt, inputRow, holder }),
        fetched: (row) => effects.push({ effect: "fetched", row }),
        pong: () => {},
        output: () => {},
        log: () => {},
        memory: () => {},
        sample: () => {},
        trace: () => {},
      });
    };
    return {
      finished(row, attempt, sizeBytes, durationUs, inline) {
        answers.finished(row, attempt, sizeBytes, durationUs, inline);
        send();
      },
      failed(row, attempt, failure) {
        answers.failed(row, attempt, failure);
        send();
      },
      started(row, attempt) {
        answers.started(row, attempt);
        send();
      },
      retracted(row, attempt) {
        answers.retracted(row, attempt);
        send();
      },
      inputLost(row, attempt, inputRow, holder) {
        answers.inputLost(row, attempt, inputRow, holder);
        send();
      },
      fetched(row) {
        answers.fetched(row);
        send();
      },
      storeInline(row, frame, start, length) {
        expect(store.has(row)).toBe(false);
        store.add(row);
        effects.push({
          effect: "storeInline",
          row,
          bytes: [...frame.subarray(start, start + length)],
        });
      },
      dropObject(row) {
        expect(store.delete(row)).toBe(true);
        effects.push({ effect: "drop", row });
      },
      startFetch: (fetch) => {
        this.fetches.push(fetch);
        effects.push({ effect: "fetch", row: fetch.row, holder: fetch.holder });
      },
      abortFetch(fetch) {
        effects.push({ effect: "abortFetch", row: fetch.row, holder: fetch.holder });
      },
      cancelTask(task) {
        effects.push({ effect: "cancel", row: task.row });
      },
    };
  }
}

/** An indexed resource, indices "0" to "count - 1". */
export function indexed(name: string, count: number): WorkerResource {
  return { name, amount: count, indices: Array.from({ length: count }, (_, i) => String(i)) };
}

/** What the task holds of a resource: indices, and how much of the last one. */
export function heldBy(task: WorkerTask, name: string): { indices: string[]; amount: number } {
  const held = task.held?.amounts.find(({ pool }) => pool.name === name);
  if (held === undefined) return { indices: [], amount: 0 };
  return {
    indices: held.positions.map((at) => held.pool.indices[at]),
    amount: held.units / 10_000,
  };
}
