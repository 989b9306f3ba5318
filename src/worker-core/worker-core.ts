/**
 * The worker's state machine: which tasks wait, which may start, which inputs are fetched,
 * which objects stay. Owns no bytes, sockets or time. Events come in as method calls (those
 * of the server have the names of its messages), effects go out through the
 * {@link WorkerOutbox}; tasks that may start are pulled with nextStartable(), so that a
 * chain of short tasks runs in a loop and not in a recursion.
 *
 * Driven by: the worker, the simulator, tests.
 */
import { RowTable } from "../base/index.js";
import {
  type AssignRecord,
  encodeFailureInfo,
  InputPlace,
  THIS_WORKER,
} from "../protocol/index.js";
import { CoreSlots } from "./core-slots.js";
import { CpuQueue } from "./cpu-queue.js";
import { FetchQueue } from "./fetch-queue.js";
import { checkWorkerCore } from "./invariants.js";
import { LightTasks } from "./light-tasks.js";
import type { WorkerOutbox } from "./outbox.js";
import { ObjectFetch, RowEntry, TaskState, WorkerTask } from "./worker-task.js";

export interface WorkerCoreOptions {
  /** Cores that tasks may hold. */
  readonly cpus: number;
  /** Whether tasks of this type (a symbol's number) run in other processes. Default: none do. */
  isElsewhere?(taskType: number): boolean;
}

export class WorkerCore {
  /** @internal Everything known, by row. */
  readonly rows = new RowTable<RowEntry>();
  /** @internal */
  readonly slots: CoreSlots;
  /** @internal */
  readonly light: LightTasks;
  /** @internal */
  readonly cpuQueue = new CpuQueue();
  /** @internal */
  readonly fetches = new FetchQueue();

  private readyCpuTasks = 0;
  private order = 0;

  constructor(
    private readonly outbox: WorkerOutbox,
    options: WorkerCoreOptions,
  ) {
    this.slots = new CoreSlots(options.cpus);
    this.light = new LightTasks((taskType) => options.isElsewhere?.(taskType) === true);
  }

  // Events from the server.

  /** A task is to be executed here. Nothing of `record` but its frame is kept. */
  assign(record: AssignRecord): void {
    let entry = this.entryOf(record.row);
    if (entry.task !== undefined) {
      this.stop(entry.task);
      entry = this.entryOf(record.row); // stop() may have taken it out
    }
    const task = new WorkerTask(record, entry, this.order++);
    entry.task = task;

    const { inputs } = task;
    let missing = 0;
    let lostInput: RowEntry | undefined;
    for (let i = 0; i < record.inputCount; i++) {
      const input = this.entryOf(record.inputRow[i]);
      inputs[i] = input;
      input.wanted++;
      if (input.inStore) continue;
      const place = record.inputPlace[i];
      if (place === InputPlace.inline) {
        this.outbox.storeInline(
          input.row,
          record.frame,
          record.inputStart[i],
          record.inputLength[i],
        );
        this.arrived(input);
        continue;
      }
      missing++;
      input.addWaiting(task);
      if (place === InputPlace.remote) this.wantFetch(input, record, i);
      if (input.task === undefined && input.fetch === undefined) lostInput = input;
    }
    // Added, as the same row may have come first as one to wait for, then inline.
    task.missing += missing;
    if (lostInput !== undefined && !lostInput.inStore)
      this.loseTask(task, lostInput.row, THIS_WORKER);
    else if (task.cpus > this.slots.count) this.failTooLarge(task);
    else if (task.missing === 0) this.makeReady(task);
    this.startFetches();
  }

  /** Nobody needs the object any more. */
  drop(row: number): void {
    const entry = this.rows.get(row);
    if (entry === undefined || !entry.kept) return;
    entry.kept = false;
    if (entry.wanted === 0) this.discard(entry);
  }

  /** Give the task back if it has not started. */
  retract(row: number, attempt: number): void {
    const task = this.rows.get(row)?.task;
    if (task === undefined || task.attempt !== attempt || task.state === TaskState.running) return;
    this.forget(task);
    this.outbox.retracted(row, attempt);
    this.startFetches();
  }

  /** Stop the task and forget it. */
  cancel(row: number, attempt: number): void {
    const task = this.rows.get(row)?.task;
    if (task === undefined || task.attempt !== attempt) return;
    this.stop(task);
    this.startFetches();
  }

  // Execution.

  /**
   * Takes the next task that may start and its cores: to be called until it returns
   * undefined, after every event. Every task returned is answered once by taskFinished or
   * taskFailed, before them by taskGoesOn if its execution is asynchronous.
   */
  nextStartable(): WorkerTask | undefined {
    // Programs first: they run beside this process, light tasks inside it.
    if (this.readyCpuTasks > 0 && this.slots.free > 0) {
      const task = this.cpuQueue.next(this.slots.free);
      if (task !== undefined) {
        this.readyCpuTasks--;
        task.state = TaskState.running;
        this.slots.take(task);
        this.outbox.started(task.row, task.attempt);
        return task;
      }
    }
    const task = this.light.shift();
    if (task !== undefined) task.state = TaskState.running;
    return task;
  }

  /**
   * Takes the next task that may start if it is like `leader`, which runs: it gets the same
   * cores, for the outside executes one after the other. Answered like nextStartable()'s.
   */
  nextSharing(leader: WorkerTask): WorkerTask | undefined {
    const { coreSet } = leader;
    if (coreSet === undefined || this.readyCpuTasks === 0) return undefined;
    const task = this.cpuQueue.nextLike(leader.taskType, leader.cpus);
    if (task === undefined) return undefined;
    this.readyCpuTasks--;
    task.state = TaskState.running;
    this.slots.share(task, coreSet);
    this.outbox.started(task.row, task.attempt);
    return task;
  }

  /** The task's execution is asynchronous. */
  taskGoesOn(task: WorkerTask): void {
    if (task.cpus === 0) this.light.goesOn(task);
  }

  /** Whether the result of the running task is still wanted (it was not cancelled). */
  isLive(task: WorkerTask): boolean {
    return task.state === TaskState.running;
  }

  /**
   * The task has been executed and, if it is live, its object is in the store.
   * @param inline bytes of a small plain object, sent along
   */
  taskFinished(
    task: WorkerTask,
    sizeBytes: number,
    durationUs: number,
    inline: Uint8Array | undefined,
  ): void {
    const live = task.state === TaskState.running;
    this.endExecution(task);
    if (!live) return;
    const { entry } = task;
    this.releaseInputs(task);
    this.outbox.finished(task.row, task.attempt, sizeBytes, durationUs, inline);
    entry.task = undefined;
    entry.kept = true;
    this.arrived(entry);
    this.startFetches();
  }

  /** The task failed, or a cancelled one has ended. `failure`: an encoded `FailureInfo`. */
  taskFailed(task: WorkerTask, failure: Uint8Array): void {
    const live = task.state === TaskState.running;
    this.endExecution(task);
    if (!live) return;
    this.releaseInputs(task);
    this.outbox.failed(task.row, task.attempt, failure);
    task.entry.task = undefined;
    this.forgetEntryIfUnused(task.entry);
    this.startFetches();
  }

  // Fetches.

  /** The fetch is done and, if it is live, its object is in the store. */
  fetchSucceeded(fetch: ObjectFetch): void {
    if (!fetch.live) return;
    const { entry } = fetch;
    this.outbox.fetched(fetch.row);
    entry.kept = true;
    this.fetches.remove(fetch);
    entry.fetch = undefined;
    this.arrived(entry);
    this.startFetches();
  }

  /** The object could not be had from `fetch.holder`. */
  fetchFailed(fetch: ObjectFetch): void {
    if (!fetch.live) return;
    const { entry, holder } = fetch;
    this.fetches.remove(fetch);
    if (!this.fetches.add(fetch)) {
      entry.fetch = undefined;
      // Even if a task here is to make it: should that fail, nobody would tell those who wait.
      this.loseInput(entry, holder);
    }
    this.startFetches();
  }

  /** Throws an Error that names what does not fit together. For tests: looks at everything. */
  checkInvariants(): void {
    checkWorkerCore(this, this.readyCpuTasks);
  }

  // Rows.

  private entryOf(row: number): RowEntry {
    let entry = this.rows.get(row);
    if (entry === undefined) {
      entry = new RowEntry(row);
      this.rows.set(row, entry);
    }
    return entry;
  }

  /** The object is in the store now: whoever waits for it may go on. */
  private arrived(entry: RowEntry): void {
    entry.inStore = true;
    if (entry.fetch !== undefined) this.abortFetch(entry);
    const first = entry.firstWaiting;
    if (first === undefined) return;
    const more = entry.moreWaiting;
    entry.clearWaiting();
    this.inputArrived(first);
    if (more === undefined) return;
    for (let i = 0; i < more.length; i++) this.inputArrived(more[i]);
  }

  private inputArrived(task: WorkerTask): void {
    if (task.state !== TaskState.waiting) return;
    task.missing--;
    if (task.missing === 0) this.makeReady(task);
  }

  private discard(entry: RowEntry): void {
    entry.inStore = false;
    this.outbox.dropObject(entry.row);
    this.forgetEntryIfUnused(entry);
  }

  private forgetEntryIfUnused(entry: RowEntry): void {
    if (entry.wanted === 0 && !entry.kept && entry.task === undefined) this.rows.delete(entry.row);
  }

  private releaseInputs(task: WorkerTask): void {
    const { inputs } = task;
    for (let i = 0; i < inputs.length; i++) {
      const input = inputs[i];
      input.wanted--;
      if (input.wanted > 0 || input.kept) continue;
      if (input.fetch !== undefined) this.abortFetch(input);
      input.clearWaiting();
      if (input.inStore) this.discard(input);
      else this.forgetEntryIfUnused(input);
    }
  }

  // Tasks.

  private makeReady(task: WorkerTask): void {
    task.state = TaskState.ready;
    if (task.cpus === 0) {
      this.light.push(task);
    } else {
      this.cpuQueue.push(task);
      this.readyCpuTasks++;
    }
  }

  /** Cancels the task, whatever its state. */
  private stop(task: WorkerTask): void {
    if (task.state !== TaskState.running) {
      this.forget(task);
      return;
    }
    // Its inputs are released though it still winds down: the server may drop them and use
    // their rows for something else at once.
    task.state = TaskState.cancelled;
    this.releaseInputs(task);
    task.entry.task = undefined;
    this.forgetEntryIfUnused(task.entry);
    this.outbox.cancelTask(task);
  }

  /** Forgets a task that has not started. */
  private forget(task: WorkerTask): void {
    const before = task.state;
    task.state = TaskState.gone;
    if (before === TaskState.waiting) {
      for (const input of task.inputs) if (!input.inStore) input.waitingGone();
    } else if (task.cpus > 0) {
      this.readyCpuTasks--;
      this.cpuQueue.taskGone(task);
    }
    this.releaseInputs(task);
    task.entry.task = undefined;
    this.forgetEntryIfUnused(task.entry);
  }

  private loseTask(task: WorkerTask, inputRow: number, holder: number): void {
    this.forget(task);
    this.outbox.inputLost(task.row, task.attempt, inputRow, holder);
  }

  /** Nobody has the object: gives back all tasks that wait for it. */
  private loseInput(entry: RowEntry, holder: number): void {
    const waiting = entry.moreWaiting ?? [];
    if (entry.firstWaiting !== undefined) waiting.unshift(entry.firstWaiting);
    entry.clearWaiting();
    // A task that waits for it twice is gone the second time.
    for (const task of waiting) {
      if (task.state === TaskState.waiting) this.loseTask(task, entry.row, holder);
    }
  }

  /** It could never start. */
  private failTooLarge(task: WorkerTask): void {
    this.forget(task);
    const message = `the task asks for ${task.cpus} cpus but this worker has ${this.slots.count}; ask for fewer or start a larger worker`;
    this.outbox.failed(task.row, task.attempt, encodeFailureInfo({ message }));
  }

  private endExecution(task: WorkerTask): void {
    task.state = TaskState.gone;
    this.light.ended(task);
    this.slots.release(task);
  }

  // Fetches.

  private wantFetch(input: RowEntry, record: AssignRecord, i: number): void {
    const { fetch } = input;
    if (fetch === undefined) {
      const holders = record.holders(i);
      const added = new ObjectFetch(input, record.inputSize[i], holders, this.order++);
      if (this.fetches.add(added)) input.fetch = added;
    } else {
      for (const holder of record.holders(i)) {
        if (!fetch.holders.includes(holder)) fetch.holders.push(holder);
      }
    }
  }

  private startFetches(): void {
    for (let fetch = this.fetches.next(); fetch !== undefined; fetch = this.fetches.next()) {
      this.outbox.startFetch(fetch);
    }
  }

  private abortFetch(entry: RowEntry): void {
    const fetch = entry.fetch!;
    const { active } = fetch;
    entry.fetch = undefined;
    this.fetches.remove(fetch);
    if (active) this.outbox.abortFetch(fetch);
  }
}
