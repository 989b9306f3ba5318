/**
 * The worker's state machine: which tasks wait, which may start, which inputs are fetched,
 * which objects stay. Owns no bytes, sockets or time. Events come in as method calls (those
 * of the server have the names of its messages), effects go out through the
 * {@link WorkerOutbox}; tasks that may start are pulled with nextStartable(), so that a
 * chain of short tasks runs in a loop and not in a recursion.
 *
 * Driven by: the worker, the simulator, tests.
 */
import { ProtocolError } from "../base/index.js";
import type { ConcreteRequest, WorkerResource } from "../graph/index.js";
import {
  type AssignRecord,
  encodeFailureInfo,
  InputPlace,
  THIS_WORKER,
} from "../protocol/index.js";
import { checkWorkerCore } from "./invariants.js";
import { KnownObjects } from "./known-objects.js";
import { LightTasks } from "./light-tasks.js";
import type { WorkerOutbox } from "./outbox.js";
import { RequestQueue } from "./request-queue.js";
import { ResourceSlots } from "./resource-slots.js";
import type { WorkerRequest } from "./worker-request.js";
import { type ObjectFetch, type RowEntry, TaskState, WorkerTask } from "./worker-task.js";

export interface WorkerCoreOptions {
  /** Cores that tasks may hold. */
  readonly cpus: number;
  /** What else they may hold. Default: nothing. */
  readonly resources?: readonly WorkerResource[];
  /** Whether tasks of this type (a symbol's number) run in other processes. Default: none do. */
  isElsewhere?(taskType: number): boolean;
}

export class WorkerCore {
  /** @internal */
  readonly slots: ResourceSlots;
  /** @internal */
  readonly light: LightTasks;
  /** @internal */
  readonly queue: RequestQueue;
  /** @internal Everything known, by row, and what is fetched. */
  readonly objects: KnownObjects;

  /** By id; 0 is none. */
  private readonly requests: (WorkerRequest | undefined)[] = [undefined];
  private order = 0;

  constructor(
    private readonly outbox: WorkerOutbox,
    options: WorkerCoreOptions,
  ) {
    this.objects = new KnownObjects(outbox);
    this.slots = new ResourceSlots(options.cpus, options.resources ?? []);
    this.queue = new RequestQueue(this.slots);
    this.light = new LightTasks((taskType) => options.isElsewhere?.(taskType) === true);
  }

  // Events from the server.

  /** What tasks with this request hold; comes before the first of them. */
  defineRequest(request: ConcreteRequest): void {
    this.requests[request.id] = this.slots.resolve(request);
  }

  /**
   * A task is to be executed here. Nothing of `record` but its frame is kept.
   * Throws a ProtocolError if its request was not defined.
   */
  assign(record: AssignRecord): void {
    const request = record.request === 0 ? undefined : this.getRequest(record.request);
    let entry = this.objects.entryOf(record.row);
    if (entry.task !== undefined) {
      this.stop(entry.task);
      entry = this.objects.entryOf(record.row); // stop() may have taken it out
    }
    const task = new WorkerTask(record, entry, this.order++, request);
    entry.task = task;

    const { inputs } = task;
    let missing = 0;
    let lostInput: RowEntry | undefined;
    for (let i = 0; i < record.inputCount; i++) {
      const input = this.objects.entryOf(record.inputRow[i]);
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
        if (input.prefetched) this.objects.keepCopy(input);
        this.arrived(input);
        continue;
      }
      missing++;
      input.addWaiting(task);
      if (place === InputPlace.remote) {
        this.objects.fetch(input, record.inputSize[i], record.holders(i), true);
      } else if (input.fetch !== undefined) {
        this.objects.fetches.makeUrgent(input.fetch);
      }
      const comes = input.task !== undefined || input.fetch !== undefined;
      if (!comes && place !== InputPlace.later) lostInput = input;
    }
    // Added, as the same row may have come first as one to wait for, then inline.
    task.missing += missing;
    if (lostInput !== undefined && !lostInput.inStore)
      this.loseTask(task, lostInput.row, THIS_WORKER);
    else if (request?.problem !== undefined) this.failImpossible(task, request.problem);
    else if (task.missing === 0) this.makeReady(task);
    this.objects.startFetches();
  }

  /**
   * Get the object, which tasks will need that are here already ("later") or still to come, and keep it
   * until drop. When no holder can give it those that are here are lost; of others nothing is
   * said: they will ask again.
   */
  prefetch(row: number, sizeBytes: number, holders: readonly number[]): void {
    const entry = this.objects.entryOf(row);
    if (entry.kept || entry.task !== undefined) return;
    if (entry.inStore) {
      // It came inline, for tasks here only.
      this.objects.keepCopy(entry);
      return;
    }
    entry.prefetched = true;
    if (!this.objects.fetch(entry, sizeBytes, [...holders], entry.wanted > 0)) {
      entry.prefetched = false;
      this.loseInput(entry, THIS_WORKER);
      this.objects.forgetIfUnused(entry);
    }
    this.objects.startFetches();
  }

  /** Nobody needs the object any more. */
  drop(row: number): void {
    const entry = this.objects.rows.get(row);
    if (entry === undefined) return;
    if (entry.kept) {
      entry.kept = false;
      if (entry.wanted === 0) this.objects.discard(entry);
    } else if (entry.prefetched) {
      entry.prefetched = false;
      if (entry.wanted > 0) return;
      this.objects.abortFetch(entry);
      this.objects.forgetIfUnused(entry);
      this.objects.startFetches();
    }
  }

  /** Give the task back if it has not started. */
  retract(row: number, attempt: number): void {
    const task = this.objects.rows.get(row)?.task;
    if (task === undefined || task.attempt !== attempt || task.state === TaskState.running) return;
    this.forget(task);
    this.outbox.retracted(row, attempt);
    this.objects.startFetches();
  }

  /** Stop the task and forget it. */
  cancel(row: number, attempt: number): void {
    const task = this.objects.rows.get(row)?.task;
    if (task === undefined || task.attempt !== attempt) return;
    this.stop(task);
    this.objects.startFetches();
  }

  // Execution.

  /**
   * Takes the next task that may start and what it asks for: to be called until it returns
   * undefined, after every event. Every task returned is answered once by taskFinished or
   * taskFailed, before them by taskGoesOn if its execution is asynchronous.
   */
  nextStartable(): WorkerTask | undefined {
    // Those with a request first: they run beside this process, light tasks inside it.
    let task = this.queue.next();
    if (task !== undefined) {
      this.slots.take(task);
      this.start(task);
      return task;
    }
    task = this.light.shift();
    if (task !== undefined) task.state = TaskState.running;
    return task;
  }

  /**
   * Takes the next task that may start if it is like `leader`, which runs: both hold the same
   * resources, for the outside executes one after the other. Answered like nextStartable()'s.
   */
  nextSharing(leader: WorkerTask): WorkerTask | undefined {
    const { held } = leader;
    if (held === undefined) return undefined;
    const task = this.queue.nextLike(leader);
    if (task === undefined) return undefined;
    this.slots.share(task, held);
    this.start(task);
    return task;
  }

  /** The task's execution is asynchronous. */
  taskGoesOn(task: WorkerTask): void {
    if (task.request === undefined) this.light.goesOn(task);
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
    this.objects.release(task.inputs);
    this.outbox.finished(task.row, task.attempt, sizeBytes, durationUs, inline);
    entry.task = undefined;
    entry.kept = true;
    this.arrived(entry);
    this.objects.startFetches();
  }

  /** The task failed, or a cancelled one has ended. `failure`: an encoded `FailureInfo`. */
  taskFailed(task: WorkerTask, failure: Uint8Array): void {
    const live = task.state === TaskState.running;
    this.endExecution(task);
    if (!live) return;
    this.objects.release(task.inputs);
    this.outbox.failed(task.row, task.attempt, failure);
    task.entry.task = undefined;
    this.objects.forgetIfUnused(task.entry);
    this.objects.startFetches();
  }

  // Fetches.

  /** The fetch is done and, if it is live, its object is in the store. */
  fetchSucceeded(fetch: ObjectFetch): void {
    if (!fetch.live) return;
    const { entry } = fetch;
    this.objects.keepCopy(entry);
    this.objects.fetches.remove(fetch);
    entry.fetch = undefined;
    this.arrived(entry);
    this.objects.startFetches();
  }

  /** The object could not be had from `fetch.holder`. */
  fetchFailed(fetch: ObjectFetch): void {
    if (!fetch.live) return;
    const { entry, holder } = fetch;
    this.objects.fetches.remove(fetch);
    if (!this.objects.fetches.add(fetch)) {
      entry.fetch = undefined;
      entry.prefetched = false;
      // Even if a task here is to make it: should that fail, nobody would tell those who wait.
      this.loseInput(entry, holder);
      this.objects.forgetIfUnused(entry);
    }
    this.objects.startFetches();
  }

  /** Throws an Error that names what does not fit together. For tests: looks at everything. */
  checkInvariants(): void {
    checkWorkerCore(this);
  }

  // Rows.

  private getRequest(id: number): WorkerRequest {
    const request = this.requests[id];
    if (request !== undefined) return request;
    throw new ProtocolError(`the server assigns a task with request ${id}, which it did not send`);
  }

  /** The object is in the store now: whoever waits for it may go on. */
  private arrived(entry: RowEntry): void {
    entry.inStore = true;
    entry.prefetched = false;
    if (entry.fetch !== undefined) this.objects.abortFetch(entry);
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

  // Tasks.

  private makeReady(task: WorkerTask): void {
    task.state = TaskState.ready;
    if (task.request === undefined) this.light.push(task);
    else this.queue.push(task);
  }

  /** A task with a request starts. */
  private start(task: WorkerTask): void {
    task.state = TaskState.running;
    this.outbox.started(task.row, task.attempt);
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
    this.objects.release(task.inputs);
    task.entry.task = undefined;
    this.objects.forgetIfUnused(task.entry);
    this.outbox.cancelTask(task);
  }

  /** Forgets a task that has not started. */
  private forget(task: WorkerTask): void {
    const before = task.state;
    task.state = TaskState.gone;
    if (before === TaskState.waiting) {
      for (const input of task.inputs) if (!input.inStore) input.waitingGone();
    } else if (before === TaskState.ready && task.request !== undefined) {
      this.queue.taskGone(task);
    }
    this.objects.release(task.inputs);
    task.entry.task = undefined;
    this.objects.forgetIfUnused(task.entry);
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
  private failImpossible(task: WorkerTask, message: string): void {
    this.forget(task);
    this.outbox.failed(task.row, task.attempt, encodeFailureInfo({ message }));
  }

  private endExecution(task: WorkerTask): void {
    task.state = TaskState.gone;
    this.light.ended(task);
    if (this.slots.release(task)) this.queue.resourcesFreed();
  }
}
