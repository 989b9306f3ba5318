/**
 * The task that an extension's `run` gets in the worker, and its end. Owns the signal and the time
 * limit: a task that does not end after its signal has fired fails all the same.
 */
import { inspect } from "node:util";
import type { Logger } from "pino";
import { LoomError } from "../../base/index.js";
import type { ExtensionTask, ValueMaker } from "../../extensions/index.js";
import type { Data, TaskLog, TaskResources } from "../../functions/index.js";
import { type CancelReason, TaskError, type TaskExecution } from "../contract.js";
import type { FunctionResult } from "../functions/index.js";
import { ObjectData } from "./object-data.js";

/** A task may take that long to end when its signal has fired. */
const CANCEL_GRACE_MS = 500;
const NO_INPUTS: readonly Data[] = [];
const NO_RESOURCES: TaskResources = {};

export class RunningExtensionTask implements ExtensionTask {
  private data: readonly Data[] | undefined = undefined;
  private controller: AbortController | undefined = undefined;
  private cancelled: CancelReason | undefined = undefined;
  private timer: NodeJS.Timeout | undefined = undefined;
  private isOver = false;
  private startedMs = 0;

  constructor(
    private readonly execution: TaskExecution,
    private readonly maker: ValueMaker,
  ) {}

  get type(): string {
    return this.execution.taskType;
  }

  get inputs(): readonly Data[] {
    const { inputs } = this.execution;
    this.data ??= inputs.length === 0 ? NO_INPUTS : inputs.map((object) => new ObjectData(object));
    return this.data;
  }

  get config(): Buffer {
    const { config } = this.execution;
    return Buffer.from(config.buffer, config.byteOffset, config.byteLength);
  }

  get taskId(): number {
    return this.execution.taskId;
  }

  get attempt(): number {
    return this.execution.execution;
  }

  get cpus(): number {
    return this.execution.cpus;
  }

  get resources(): TaskResources {
    return this.execution.grant?.resources ?? NO_RESOURCES;
  }

  get label(): string | undefined {
    return this.execution.label;
  }

  get log(): TaskLog {
    const write = (level: number) => (message: string) => {
      if (this.isOver) return;
      this.execution.log(level, typeof message === "string" ? message : inspect(message));
    };
    return {
      debug: write(1),
      info: write(2),
      warn: write(3),
      error: write(4),
      critical: write(5),
    };
  }

  get signal(): AbortSignal {
    if (this.controller === undefined) {
      this.controller = new AbortController();
      if (this.cancelled !== undefined) this.controller.abort(this.cancelError());
    }
    return this.controller.signal;
  }

  get value(): ValueMaker["value"] {
    return this.maker.value;
  }

  get wrap(): ValueMaker["wrap"] {
    return this.maker.wrap;
  }

  // For the executor.

  /** Waits for a result that is not there yet; `onEnd` is called when the task is over. */
  follow(
    promise: PromiseLike<unknown>,
    read: (given: unknown) => FunctionResult,
    failure: (error: unknown) => unknown,
    onEnd: () => void,
    logger: Logger,
  ): void {
    const { execution } = this;
    this.startedMs = performance.now();
    const end = (tell: () => void) => {
      if (this.isOver) return;
      this.isOver = true;
      clearTimeout(this.timer);
      onEnd();
      tell();
    };
    const fail = (error: unknown) => end(() => execution.fail(error));
    Promise.resolve(promise).then(
      (given) => {
        let result: FunctionResult;
        try {
          result = read(given);
        } catch (error) {
          fail(failure(error));
          return;
        }
        end(() => execution.finish(result, this.durationUs()));
      },
      (error) => {
        fail(this.cancelled === undefined ? failure(error) : this.cancelError());
      },
    );
    if (execution.timeLimitMs > 0) {
      this.timer = setTimeout(() => this.cancel("time limit", fail, logger), execution.timeLimitMs);
    }
    execution.onCancel((reason) => this.cancel(reason, fail, logger));
  }

  /** The worker ends: nobody waits for the task. */
  abandon(): void {
    this.isOver = true;
    clearTimeout(this.timer);
  }

  private cancel(reason: CancelReason, fail: (error: unknown) => void, logger: Logger): void {
    if (this.isOver || this.cancelled !== undefined) return;
    this.cancelled = reason;
    clearTimeout(this.timer);
    this.timer = setTimeout(() => {
      logger.warn(`${this.type} goes on though its signal has fired: it should watch task.signal`);
      fail(this.cancelError());
    }, CANCEL_GRACE_MS);
    this.controller?.abort(this.cancelError());
  }

  private cancelError(): LoomError {
    return this.cancelled === "time limit"
      ? new TaskError(`Time limit of ${this.execution.timeLimitMs} ms exceeded`)
      : new LoomError("cancelled", "The task was cancelled");
  }

  private durationUs(): number {
    return Math.max(1, Math.round((performance.now() - this.startedMs) * 1000));
  }
}
