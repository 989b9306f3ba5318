/**
 * Executes task types of extensions in the worker's process. Owns the call and what becomes of its
 * result or error; those with `pool` are extension-pool.ts's. Called by the worker.
 */
import type { Logger } from "pino";
import type { LoadedExtension, TaskTypeDefinition, ValueMaker } from "../../extensions/index.js";
import type { DataObject, ValueTypes } from "../../object-store/index.js";
import { type Executor, TaskError, type TaskExecution } from "../contract.js";
import { type FunctionResult, ReturnedTask } from "../functions/index.js";
import { RunningExtensionTask } from "./extension-task.js";
import { describeThrown } from "./failure.js";
import { makerOf } from "./maker.js";
import { resultOf } from "./object-result.js";

interface Entry {
  readonly definition: TaskTypeDefinition;
  readonly maker: ValueMaker;
}

export class ExtensionExecutor implements Executor {
  readonly taskTypes: readonly string[];
  readonly runsInWorker = true;
  readonly keepsTimeLimits = true;
  private readonly entries = new Map<string, Entry>();
  /** Those whose promises are pending. */
  private readonly open = new Set<RunningExtensionTask>();

  /** @param types data types of all extensions */
  constructor(
    extensions: readonly LoadedExtension[],
    types: ValueTypes,
    private readonly logger: Logger,
  ) {
    for (const { extension } of extensions) {
      const maker = makerOf(extension, types);
      for (const [symbol, definition] of extension.taskTypes) {
        if (definition.pool !== true) this.entries.set(symbol, { definition, maker });
      }
    }
    this.taskTypes = [...this.entries.keys()];
  }

  execute(execution: TaskExecution): DataObject | undefined {
    const { taskType } = execution;
    const { definition, maker } = this.entries.get(taskType)!;
    const task = new RunningExtensionTask(execution, maker);
    const startedMs = performance.now();
    let result: FunctionResult;
    try {
      const given: unknown = definition.run(task);
      if (isThenable(given)) {
        this.follow(task, taskType, given);
        return undefined;
      }
      result = resultOf(taskType, given);
    } catch (error) {
      throw this.failure(taskType, error);
    }
    if (!(result instanceof ReturnedTask)) return result;
    const durationUs = Math.max(1, Math.round((performance.now() - startedMs) * 1000));
    // Afterwards: whoever called knows only then that the task goes on.
    queueMicrotask(() => execution.finish(result, durationUs));
    return undefined;
  }

  async close(): Promise<void> {
    for (const task of this.open) task.abandon();
    this.open.clear();
  }

  private follow(task: RunningExtensionTask, taskType: string, given: PromiseLike<unknown>): void {
    this.open.add(task);
    task.follow(
      given,
      (value) => resultOf(taskType, value),
      (error) => this.failure(taskType, error),
      () => this.open.delete(task),
      this.logger,
    );
  }

  private failure(taskType: string, error: unknown): TaskError {
    this.logger.warn({ err: error }, `extension: ${taskType} failed`);
    const text = describeThrown(error);
    const message = text.startsWith(taskType) ? text : `${taskType}: ${text}`;
    return new TaskError(message, undefined, { cause: error });
  }
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return (
    typeof value === "object" &&
    value !== null &&
    typeof (value as { then?: unknown }).then === "function"
  );
}
