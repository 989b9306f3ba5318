/**
 * Executes what the core lets start and tells it the outcome. Owns the loop that pulls tasks,
 * the executors' results on their way into the store, and the batch of records for the
 * server. Knows no socket: frames leave through `send`, fetches through {@link FetchStarter}
 * (task-runner-options.ts).
 *
 * Short tasks run in a loop for at most {@link SLICE_MS}, then results leave and messages
 * are read before it goes on. Nothing is allocated for waiting unless an executor returns a
 * promise.
 */
import type { Logger } from "pino";
import { LoomError } from "../base/index.js";
import { type Executor, type FunctionResult, ReturnedTask } from "../executors/index.js";
import {
  type DataObject,
  estimatedSizeOf,
  isInMemory,
  type ObjectStore,
  plainObject,
  writeCheckpoint,
} from "../object-store/index.js";
import { INLINE_LIMIT, WorkerToServerWriter } from "../protocol/index.js";
import { type ObjectFetch, WorkerCore, type WorkerTask } from "../worker-core/index.js";
import { CoreEffects } from "./core-effects.js";
import { DeathWitnesses } from "./death-witnesses.js";
import { Measurements } from "./measurements.js";
import { executeReturned } from "./returned-task.js";
import { RunningTask, type TaskOwner } from "./task-execution.js";
import { failureOf, isTaskFailure, overTime, unknownType } from "./task-failure.js";
import { TaskGrants } from "./task-grants.js";
import { TaskLog } from "./task-log.js";
import type { FetchStarter, TaskRunnerOptions } from "./task-runner-options.js";
import type { TaskTrace } from "./task-trace.js";

const SLICE_MS = 5;

/** The clock is looked at after so much work: one unit per task and per 4 KiB of result. */
const WORK_BETWEEN_CLOCK_READS = 32;

/** Longer log lines are cut on their way to the client. */
const MAX_LOG_TEXT = 64 * 1024;

const ZERO_WORK_BYTES = Uint8Array.of(0);

export class TaskRunner implements TaskOwner {
  readonly core: WorkerCore;
  /** Records for the server; they leave at the end of the tick. */
  readonly writer = new WorkerToServerWriter();
  fetches: FetchStarter | undefined;
  /** Takes what is traced; undefined: nothing is. */
  trace: TaskTrace | undefined;
  private readonly store: ObjectStore;
  private readonly executors: readonly Executor[];
  private readonly logger: Logger;
  /** By symbol number. */
  private readonly symbols: string[] = [];
  private readonly executorOf: (Executor | undefined)[] = [];
  /** Tasks that go on asynchronously. */
  private readonly running = new Map<WorkerTask, RunningTask>();
  private readonly zeroWorkObject = plainObject(ZERO_WORK_BYTES);
  /** Those whose tasks may share cores. */
  private readonly sharing: readonly Executor[];
  private readonly taskLog: TaskLog;
  private readonly grants: TaskGrants;
  /** The task that the one at hand shares its cores with. */
  private leader: RunningTask | undefined;
  private readonly measurements: Measurements;
  private readonly witnesses: DeathWitnesses;
  private pumpScheduled = false;
  /** Tasks without requests that were executed in this slice. */
  private lightTasks = 0;
  private stopped = false;

  constructor(private readonly options: TaskRunnerOptions) {
    this.measurements = new Measurements(options.store, this.writer);
    const effects = new CoreEffects(this.writer, this.measurements, options.store, {
      start: (fetch) => this.fetches!.start(fetch),
      abort: (fetch) => this.fetches!.abort(fetch),
      cancel: (task) => {
        this.trace?.cancelled(task);
        this.running.get(task)?.cancel("unwanted");
      },
    });
    this.core = new WorkerCore(effects, {
      cpus: options.cpus,
      resources: options.resources,
      isElsewhere: (taskType) => this.executorOf[taskType]?.findLeader !== undefined,
    });
    this.store = options.store;
    this.executors = options.executors;
    this.sharing = options.executors.filter(({ findLeader }) => findLeader !== undefined);
    this.logger = options.logger;
    this.taskLog = new TaskLog(options.logger);
    this.grants = new TaskGrants(options.coreNumbers, options.resources);
    this.witnesses = new DeathWitnesses(options.executors);
  }

  /** The dictionary, or its continuation. */
  addSymbols(first: number, names: readonly string[]): void {
    names.forEach((name, i) => {
      this.symbols[first + i] = name;
      this.executorOf[first + i] = this.findExecutor(name);
    });
  }

  /** Runs what can run and sends what there is to send, once, after the events at hand. */
  schedule(): void {
    if (this.pumpScheduled) return;
    this.pumpScheduled = true;
    queueMicrotask(this.pump);
  }

  /** Starts no task any more, sends nothing any more, cancels what runs. */
  stop(): void {
    this.stopped = true;
    this.witnesses.close();
    for (const task of this.running.values()) {
      clearTimeout(task.timer);
      task.cancel("unwanted");
    }
  }

  /** Number of tasks that go on beside what this process does. */
  get runningCount(): number {
    return this.running.size;
  }

  /** Records of the trace that the server is to write. */
  sendTrace(records: Uint8Array): void {
    if (this.stopped) return;
    this.writer.trace(records);
    this.schedule();
  }

  /** The object has come. */
  objectArrived(fetch: ObjectFetch, object: DataObject): void {
    if (this.stopped) return;
    if (fetch.live) this.store.put(fetch.row, object);
    this.endTransfer(fetch, true);
    this.core.fetchSucceeded(fetch);
    this.schedule();
  }

  fetchFailed(fetch: ObjectFetch): void {
    if (this.stopped) return;
    this.endTransfer(fetch, false);
    this.core.fetchFailed(fetch);
    this.schedule();
  }

  private endTransfer(fetch: ObjectFetch, came: boolean): void {
    const startMs = this.measurements.transferEnded(fetch);
    if (startMs !== undefined) this.trace?.transfer(fetch, startMs, came);
  }

  private readonly pump = (): void => {
    this.pumpScheduled = false;
    if (this.stopped) return;
    try {
      const startMs = performance.now();
      const end = startMs + SLICE_MS;
      this.lightTasks = 0;
      let work = 0;
      for (let task = this.nextTask(); task !== undefined; ) {
        work += this.execute(task, this.leader);
        if (work >= WORK_BETWEEN_CLOCK_READS) {
          if (performance.now() > end) {
            this.pumpScheduled = true;
            setImmediate(this.pump);
            break;
          }
          work = 0;
        }
        task = this.nextTask();
      }
      for (const executor of this.executors) executor.flush?.();
      if (this.lightTasks > 0) this.trace?.light(startMs, this.lightTasks);
      this.measurements.tellMemory();
      this.sendBatch();
    } catch (error) {
      this.options.broken(error);
    }
  };

  /** The next task to start; with `leader` set when it shares the cores of another one. */
  private nextTask(): WorkerTask | undefined {
    this.leader = undefined;
    const task = this.core.nextStartable();
    if (task !== undefined) return task;
    for (const executor of this.sharing) {
      const leader = executor.findLeader!() as RunningTask | undefined;
      if (leader === undefined) continue;
      const next = this.core.nextSharing(leader.task);
      if (next === undefined) continue;
      this.leader = leader;
      return next;
    }
    return undefined;
  }

  /** Starts the task, and finishes it if it is done at once. Returns the work it was. */
  private execute(task: WorkerTask, leader: RunningTask | undefined): number {
    if (task.request === undefined) this.lightTasks++;
    if (this.options.zeroWork) {
      this.finish(task, this.zeroWorkObject, 0);
      return 1;
    }
    const startedMs = task.request === undefined ? 0 : performance.now();
    if (startedMs !== 0) this.trace?.started(task, startedMs);
    let object: DataObject;
    try {
      const executor = this.executorOf[task.taskType];
      if (executor === undefined) throw unknownType(task.taskType, this.symbols, this.executors);
      const inputs = this.inputsOf(task);
      const { options, grants } = this;
      const type = this.symbols[task.taskType];
      const shares = leader !== undefined;
      const cores = options.coreNumbers;
      const running = new RunningTask(this, task, type, inputs, cores, shares, grants);
      if (task.request !== undefined && (running.once || executor.runsInWorker)) this.tellStart();
      const result = executor.execute(running);
      if (result === undefined) {
        running.startedMs = startedMs || performance.now();
        this.core.taskGoesOn(task);
        this.running.set(task, running);
        return 1;
      }
      if (result instanceof Promise || running.checkpointPath !== undefined) {
        this.core.taskGoesOn(task);
        this.running.set(task, running);
        this.startTimeLimit(running);
        running.startedMs = startedMs || performance.now();
        void this.finishLater(task, running, result, running.startedMs);
        return 1;
      }
      object = result;
    } catch (error) {
      this.fail(task, error);
      return 1;
    }
    this.finish(task, object, startedMs === 0 ? 0 : durationUs(startedMs));
    return 1 + estimatedSizeOf(object) / 4096;
  }

  /**
   * Told before it begins, where it may take this process with it: the server would give it to the next worker, and
   * the next, as one that never ran. Of light tasks the server assumes it.
   */
  private tellStart(): void {
    this.sendBatch();
    this.options.flush();
  }

  private sendBatch(): void {
    const batch = this.writer.take();
    if (batch !== undefined) this.options.send(batch);
  }

  private async finishLater(
    task: WorkerTask,
    running: RunningTask,
    result: DataObject | Promise<DataObject>,
    startedMs: number,
  ): Promise<void> {
    let object: DataObject | undefined;
    let failure: { error: unknown } | undefined;
    try {
      object = await result;
      const path = running.checkpointPath;
      if (path !== undefined && this.core.isLive(task)) await writeCheckpoint(object, path);
    } catch (error) {
      failure = { error };
    }
    this.running.delete(task);
    clearTimeout(running.timer);
    try {
      if (failure !== undefined) {
        if (object !== undefined) this.store.discard(object);
        if (!this.stopped) this.fail(task, overTime(running, failure.error), running);
      } else if (this.stopped) this.store.discard(object!);
      else this.finish(task, object!, durationUs(startedMs));
      for (const leftover of running.leftovers ?? []) this.store.discard(leftover);
      this.schedule();
    } catch (error) {
      this.options.broken(error);
    }
  }

  private startTimeLimit(running: RunningTask): void {
    if (running.timeLimitMs === 0) return;
    running.timer = setTimeout(() => running.cancel("time limit"), running.timeLimitMs);
  }

  // What executors tell of tasks that they took with no promise.

  taskFinished(running: RunningTask, result: FunctionResult, durationUs: number): void {
    const { task } = running;
    if (result instanceof ReturnedTask || running.checkpointPath !== undefined) {
      const object = result instanceof ReturnedTask ? this.executeInstead(running, result) : result;
      void this.finishLater(task, running, object, performance.now() - durationUs / 1000);
      return;
    }
    this.running.delete(task);
    if (this.stopped) this.store.discard(result);
    else this.finish(task, result, durationUs);
    this.schedule();
  }

  taskFailed(running: RunningTask, error: unknown): void {
    this.running.delete(running.task);
    if (this.stopped) return;
    this.fail(running.task, error, running);
    this.schedule();
  }

  taskLogged(running: RunningTask, level: number, text: string): void {
    if (this.stopped) return;
    this.taskLog.write(running.taskId, running.label, level, text);
    this.writer.log(running.row, running.attempt, level, text.slice(0, MAX_LOG_TEXT));
    this.schedule();
  }

  private executeInstead(running: RunningTask, returned: ReturnedTask): Promise<DataObject> {
    this.startTimeLimit(running);
    const context = {
      running,
      findExecutor: (taskType: string) => this.findExecutor(taskType),
      started: (executor: Executor) => executor.flush?.(),
    };
    return executeReturned(context, returned);
  }

  private findExecutor(taskType: string): Executor | undefined {
    return this.executors.find(({ taskTypes }) => taskTypes.includes(taskType));
  }

  private finish(task: WorkerTask, object: DataObject, durationUs: number): void {
    if (!this.core.isLive(task)) {
      this.store.discard(object);
      this.core.taskFinished(task, 0, 0, undefined);
      return;
    }
    if (task.request !== undefined) this.trace?.finished(task, durationUs);
    const size = this.measurements.putResult(task.row, object);
    const inline =
      size <= INLINE_LIMIT && object.kind === "plain" && isInMemory(object)
        ? object.bytes()
        : undefined;
    this.core.taskFinished(task, size, durationUs, inline);
  }

  private fail(task: WorkerTask, error: unknown, running?: RunningTask): void {
    const taskType = this.symbols[task.taskType] ?? `task type number ${task.taskType}`;
    if (this.core.isLive(task)) {
      this.trace?.failed(task);
      const subject = { row: task.row, taskType, err: error };
      if (isTaskFailure(error)) this.logger.debug(subject, "task failed");
      else this.logger.error(subject, "task failed by an unexpected exception");
    }
    this.core.taskFailed(task, failureOf(taskType, error, running, this.witnesses));
  }

  private inputsOf(task: WorkerTask): DataObject[] {
    const { inputs } = task;
    const objects: DataObject[] = new Array(inputs.length);
    for (let i = 0; i < inputs.length; i++) {
      const object = this.store.get(inputs[i].row);
      if (object === undefined) {
        throw new LoomError("internal", `input ${i} (row ${inputs[i].row}) is not in the store`);
      }
      objects[i] = object;
    }
    return objects;
  }
}

function durationUs(startedMs: number): number {
  return Math.round((performance.now() - startedMs) * 1000);
}
