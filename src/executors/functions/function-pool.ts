/**
 * Executes functions in processes of one language. Owns which process gets which call, how many are
 * sent ahead, and what happens to calls when a process dies. Sockets and processes are
 * function-process.ts's, the meaning of configs and results the processes'.
 *
 * A task that holds resources gets a lane: one process for as long as the lane has calls. More tasks
 * of its kind may join the lane and share what it holds (findLeader), executed one after the other, so that
 * tiny functions cost no round trip each: as many as are expected to take {@link AHEAD_US}.
 * Light tasks share a few lanes of their own; where a language runs them beside each other in one process,
 * all are sent at once.
 *
 * A process that dies takes down the call that it was executing. When several were sent, it is not
 * known which one that was: each is repeated alone, and the culprit dies alone. Those that must not be
 * executed twice fail.
 */
import type { Logger } from "pino";
import { LoomError, messageOf } from "../../base/index.js";
import type { DataObject, ObjectStore, PlainObject, ValueTypes } from "../../object-store/index.js";
import {
  type CancelReason,
  type Executor,
  type ProgramEnd,
  TaskError,
  type TaskExecution,
} from "../contract.js";
import type { TaskGrant } from "../task-grant.js";
import { CancelReason as WireReason } from "./call-writer.js";
import { cancelledError, deathError } from "./failures.js";
import { FunctionProcess, type ProcessCommand } from "./function-process.js";
import { areDisjoint, Call, FunctionRecord, Lane } from "./lane.js";
import type { FunctionResult } from "./reply-reader.js";
import type { SharedFiles } from "./shared-files.js";

/** What distinguishes the languages for a pool. */
export interface FunctionKind extends ProcessCommand {
  readonly taskTypes: readonly string[];
  /** The object that describes the task's function. Throws a TaskError if there is none. */
  functionOf(task: TaskExecution): DataObject;
  /** Its processes run light calls beside each other. Default: one after the other. */
  readonly overlaps?: boolean;
  /** The first of the task's inputs that is an argument. */
  readonly firstArgument: number;
  /** The config that the function gets. Default: the task's. */
  configOf?(task: TaskExecution): Uint8Array;
}

export interface FunctionPoolOptions {
  readonly cpus: number;
  readonly store: ObjectStore;
  readonly files: SharedFiles;
  /** Types of values that may come back, besides those of languages. */
  readonly valueTypes?: ValueTypes;
  readonly logger: Logger;
}

/** A call that was cancelled may take that long to say so; then its process is killed. */
const CANCEL_GRACE_MS = 500;
/** A process that is being started may take that long to start and say so. */
const START_GRACE_MS = 10_000;
/** More processes for light tasks would only take memory from the others. */
const MAX_LIGHT_LANES = 4;

export class FunctionPool implements Executor {
  readonly taskTypes: readonly string[];
  readonly keepsTimeLimits = true;
  private readonly heavyLanes = new Set<Lane>();
  private readonly lightLanes = new Set<Lane>();
  private readonly idle: FunctionProcess[] = [];
  private readonly processes = new Set<FunctionProcess>();
  private readonly functions = new WeakMap<DataObject, FunctionRecord>();
  private readonly forgotten = new FinalizationRegistry<number>((id) => this.forget(id));
  private nextFunctionId = 1;
  private nextSerial = 1;
  /** The lane whose task findLeader() gave last. */
  private offered: Lane | undefined;
  private flushPlanned = false;
  private closed = false;

  constructor(
    private readonly kind: FunctionKind,
    private readonly options: FunctionPoolOptions,
  ) {
    this.taskTypes = kind.taskTypes;
  }

  execute(task: TaskExecution): undefined {
    const object = this.kind.functionOf(task);
    const call = new Call(task, object, this.recordOf(object));
    const lane = task.sharesCores ? this.offered! : this.newLane(task.grant);
    lane.add(call);
    task.onCancel((reason) => this.cancel(call, reason));
    this.send(lane);
    return undefined;
  }

  findLeader(): TaskExecution | undefined {
    for (const lane of this.heavyLanes) {
      const leader = lane.findLeader();
      if (leader === undefined) continue;
      this.offered = lane;
      return leader;
    }
    return undefined;
  }

  flush(): void {
    for (const process of this.processes) process.flush();
  }

  *runningProcesses(): Iterable<{ task: TaskExecution; pid: number }> {
    for (const { pid, lane, ready } of this.processes) {
      if (pid === undefined || lane === undefined || !ready) continue;
      for (const { task } of lane.sent.values()) {
        yield { task, pid };
        // The others wait behind it.
        if (!lane.overlaps) break;
      }
    }
  }

  async close(): Promise<void> {
    this.closed = true;
    await Promise.all([...this.processes].map((process) => process.close()));
  }

  // Lanes.

  /** @param grant what its tasks hold; undefined: they are light */
  private newLane(grant: TaskGrant | undefined): Lane {
    const light = grant === undefined;
    const overlaps = light && this.kind.overlaps === true;
    if (light) {
      let best: Lane | undefined;
      for (const lane of this.lightLanes) {
        if (best === undefined || lane.open < best.open) best = lane;
      }
      const most = overlaps ? Math.min(MAX_LIGHT_LANES, this.options.cpus) : MAX_LIGHT_LANES;
      if (best !== undefined && (best.open === 0 || this.lightLanes.size >= most)) return best;
    }
    const lane = new Lane(grant, overlaps);
    lane.process = this.takeIdle(lane.gpus) ?? this.startProcess(lane);
    lane.process.lane = lane;
    (light ? this.lightLanes : this.heavyLanes).add(lane);
    return lane;
  }

  private laneEmpty(lane: Lane): void {
    this.heavyLanes.delete(lane);
    this.lightLanes.delete(lane);
    const { process } = lane;
    lane.process = undefined;
    if (process === undefined) return;
    process.lane = undefined;
    if (lane.tainted) process.kill();
    else this.idle.push(process);
  }

  /** A light lane with nothing to do takes what waits in another one. */
  private takeFromOthers(lane: Lane): void {
    let longest: Lane | undefined;
    for (const other of this.lightLanes) {
      if (other.queue.length > (longest?.queue.length ?? 0)) longest = other;
    }
    const call = longest?.queue.shift();
    if (call !== undefined) lane.add(call);
  }

  private startProcess(lane: Lane): FunctionProcess {
    const { files, logger } = this.options;
    const process: FunctionProcess = new FunctionProcess(
      this.kind,
      files,
      (path, sizeBytes) => this.keepFile(path, sizeBytes),
      {
        ready: () => {
          for (const call of process.lane?.sent.values() ?? []) this.startTimer(call, process);
        },
        findValueType: (type) => this.options.valueTypes?.get(type),
        findInputs: (serial) => process.lane?.sent.get(serial)?.task.inputs,
        firstArgument: this.kind.firstArgument,
        result: (serial, durationUs, result) => this.finished(process, serial, durationUs, result),
        failed: (serial, durationUs, message) => {
          this.ended(process, serial, durationUs, ({ task, cancelled }) => {
            task.fail(
              cancelled === undefined ? new TaskError(message) : cancelledError(task, cancelled),
            );
          });
        },
        log: (serial, level, text) => {
          const call = process.lane?.sent.get(serial);
          if (call === undefined) logger.info(`${this.kind.language} ${process.pid}: ${text}`);
          else call.task.log(level, text);
        },
        died: (reason, end) => this.died(process, reason, end),
      },
      logger,
    );
    process.lane = lane;
    process.gpus = lane.gpus;
    this.processes.add(process);
    return process;
  }

  /**
   * An idle process for calls that hold these GPUs, and they alone. Others that have held some of them
   * end: what they keep in the memory of a GPU would be missing.
   */
  private takeIdle(gpus: string | undefined): FunctionProcess | undefined {
    if (gpus !== undefined) {
      for (const other of [...this.idle]) {
        if (other.gpus === undefined || other.gpus === gpus || areDisjoint(other.gpus, gpus))
          continue;
        this.idle.splice(this.idle.indexOf(other), 1);
        void other.close();
      }
    }
    let at = this.idle.findLastIndex((process) => process.gpus === gpus);
    if (at < 0) at = this.idle.findLastIndex((process) => process.gpus === undefined);
    if (at < 0) return undefined;
    const [process] = this.idle.splice(at, 1);
    process.gpus = gpus;
    return process;
  }

  // Sending.

  /** Sends what the lane may have now. */
  private send(lane: Lane): void {
    if (lane.light && lane.open === 0) this.takeFromOthers(lane);
    for (let call = lane.nextToSend(); call !== undefined; call = lane.nextToSend()) {
      const { task } = call;
      const process = lane.process!;
      call.serial = this.nextSerial++ >>> 0;
      try {
        const { id } = call.record;
        if (!process.defined.has(id)) {
          process.writer.define(id, call.functionObject);
          process.defined.add(id);
        }
        if (lane.grant !== undefined) process.hold(lane.grant.json);
        const head = {
          serial: call.serial,
          taskId: task.taskId,
          attempt: task.execution,
          light: lane.light,
        };
        const { firstArgument } = this.kind;
        const config = this.kind.configOf?.(task) ?? task.config;
        process.writer.call(head, id, config, task.inputs, firstArgument);
      } catch (error) {
        task.fail(error);
        continue;
      }
      lane.sent.set(call.serial, call);
      if (process.ready) this.startTimer(call, process);
    }
    if (lane.open === 0) this.laneEmpty(lane);
    else this.flushSoon();
  }

  /** Of its time limit, which does not run while its process starts, or of the patience with it. */
  private startTimer(call: Call, process: FunctionProcess): void {
    const { timeLimitMs } = call.task;
    clearTimeout(call.timer);
    if (call.cancelled !== undefined) {
      const graceMs = process.ready ? CANCEL_GRACE_MS : START_GRACE_MS;
      call.timer = setTimeout(() => process.kill(), graceMs);
    } else if (timeLimitMs > 0) {
      call.timer = setTimeout(() => this.cancel(call, "time limit"), timeLimitMs);
    }
  }

  private recordOf(object: DataObject): FunctionRecord {
    let record = this.functions.get(object);
    if (record === undefined) {
      record = new FunctionRecord(this.nextFunctionId++);
      this.functions.set(object, record);
      this.forgotten.register(object, record.id);
    }
    return record;
  }

  /** Nobody can call the function any more: its object is gone. */
  private forget(id: number): void {
    for (const process of this.processes) {
      if (process.defined.delete(id)) process.writer.forget(id);
    }
  }

  /** What was written outside of a run of execute() calls leaves at the end of the tick. */
  private flushSoon(): void {
    if (this.flushPlanned) return;
    this.flushPlanned = true;
    queueMicrotask(() => {
      this.flushPlanned = false;
      this.flush();
    });
  }

  // Ends of calls.

  private finished(
    process: FunctionProcess,
    serial: number,
    durationUs: number,
    result: FunctionResult,
  ): void {
    // Not 0: that would mean that nothing was measured.
    const measuredUs = Math.max(1, durationUs);
    this.ended(process, serial, durationUs, (call) => call.task.finish(result, measuredUs));
  }

  private ended(
    process: FunctionProcess,
    serial: number,
    durationUs: number,
    tell: (call: Call) => void,
  ): void {
    const { lane } = process;
    const call = lane?.sent.get(serial);
    if (lane === undefined || call === undefined) {
      throw new LoomError("internal", `an answer to call ${serial}, which is not open`);
    }
    lane.sent.delete(serial);
    call.record.addDuration(durationUs);
    clearTimeout(call.timer);
    tell(call);
    this.send(lane);
  }

  private cancel(call: Call, reason: CancelReason): void {
    const lane = call.lane!;
    if (lane.removeQueued(call)) {
      call.task.fail(cancelledError(call.task, reason));
      this.send(lane);
      return;
    }
    if (!lane.sent.has(call.serial) || call.cancelled !== undefined) return;
    call.cancelled = reason;
    lane.tainted ||= lane.overlaps;
    const process = lane.process!;
    const wireReason = reason === "unwanted" ? WireReason.unwanted : WireReason.timeLimit;
    process.writer.cancel(call.serial, wireReason);
    this.flushSoon();
    this.startTimer(call, process);
  }

  private died(process: FunctionProcess, reason: string, end: ProgramEnd): void {
    this.processes.delete(process);
    const { files, store, logger } = this.options;
    if (process.pid !== undefined) {
      files
        .removeFilesOf(process.pid, (path) => store.ownsFile(path))
        .catch((error) => logger.warn(`files of ${process.pid} stay: ${messageOf(error)}`));
    }
    const at = this.idle.indexOf(process);
    if (at >= 0) this.idle.splice(at, 1);
    const { lane } = process;
    if (lane === undefined) return;
    const calls = [...lane.sent.values()];
    lane.sent.clear();
    for (const { timer } of calls) clearTimeout(timer);
    const ours = calls.filter((call) => call.cancelled !== undefined);
    const others = calls.filter((call) => call.cancelled === undefined);
    for (const { task, cancelled: why } of ours) task.fail(cancelledError(task, why!));
    const error = this.closed
      ? new TaskError("The worker stops")
      : deathError(this.kind.language, process.ready, reason, end);
    const startFailed = !process.ready && ours.length === 0;
    if (this.closed || startFailed || (others.length === 1 && ours.length === 0)) {
      for (const { task } of others) task.fail(error);
      if (this.closed || startFailed) for (const { task } of lane.takeQueue()) task.fail(error);
    } else {
      // Before it is ready it executes nothing.
      const mayRepeat = ({ task }: Call) => !task.once || !process.ready;
      for (const call of others) if (!mayRepeat(call)) call.task.fail(error);
      const repeated = others.filter(mayRepeat);
      // Whichever it was: alone, it will die alone.
      if (ours.length === 0) for (const call of repeated) call.alone = true;
      lane.putBack(repeated);
    }
    lane.process = undefined;
    lane.tainted = false;
    if (lane.open === 0 || this.closed) {
      this.laneEmpty(lane);
      return;
    }
    lane.process = this.startProcess(lane);
    this.send(lane);
  }

  private keepFile(path: string, sizeBytes: number): PlainObject {
    const object = this.options.store.keepFile(path);
    if (object.size === sizeBytes) return object;
    this.options.store.discard(object);
    throw new LoomError("task", `a result file has ${object.size} bytes instead of ${sizeBytes}`);
  }
}
