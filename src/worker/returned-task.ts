/**
 * Redirection: a function returned a task, which is executed in its place, here and at once, with
 * the tasks that it needs. Owns their order; they are executed like any other, in the name of
 * the task that returned them. Called by the runner.
 */
import {
  type CancelReason,
  type Executor,
  type FunctionResult,
  ReturnedTask,
  TaskError,
  type TaskExecution,
} from "../executors/index.js";
import type { DataObject } from "../object-store/index.js";
import type { RunningTask } from "./task-execution.js";

/** Types of tasks that stand for as many as their input has elements. */
const EXPANDED = new Set(["loom/scheduler/dslice", "loom/scheduler/dget"]);

/** What is needed to execute a task in place of another. */
export interface StepContext {
  readonly running: RunningTask;
  findExecutor(taskType: string): Executor | undefined;
  /** An executor has tasks to send. */
  started(executor: Executor): void;
}

/**
 * The result of the task that was returned, and of what it returns in turn. Objects made on the way are
 * put into `leftovers` of the running task.
 */
export async function executeReturned(
  context: StepContext,
  returned: ReturnedTask,
): Promise<DataObject> {
  let result: FunctionResult = returned;
  // In a loop: a function may return a task that returns a task, any number of times.
  while (result instanceof ReturnedTask) result = await executeStep(context, result);
  return result;
}

async function executeStep(context: StepContext, step: ReturnedTask): Promise<FunctionResult> {
  const { running } = context;
  const { taskType } = step;
  if (EXPANDED.has(taskType)) {
    throw new TaskError(
      `The function returned a task of type ${taskType}, which only the server can expand: put it into a plan`,
    );
  }
  const executor = context.findExecutor(taskType);
  if (executor === undefined) {
    throw new TaskError(
      `The function returned a task of type ${JSON.stringify(taskType)}, which this worker does not offer`,
    );
  }
  const inputs: DataObject[] = [];
  for (const input of step.inputs) {
    if (!(input instanceof ReturnedTask)) {
      inputs.push(input);
      continue;
    }
    const object = await executeReturned(context, input);
    running.leftovers ??= [];
    running.leftovers.push(object);
    inputs.push(object);
  }
  if (running.cancelReason !== undefined) throw new TaskError("The task was cancelled");
  return await new Promise<FunctionResult>((resolve, reject) => {
    const task = new StepTask(running, step, inputs, resolve, reject);
    const result = executor.execute(task);
    if (result === undefined) context.started(executor);
    else resolve(result);
  });
}

/** A returned task as its executor sees it. */
class StepTask implements TaskExecution {
  readonly row: number;
  readonly attempt: number;
  readonly taskType: string;
  readonly config: Uint8Array;
  readonly grant: TaskExecution["grant"];
  readonly cpus: number;
  readonly cores: readonly number[];
  readonly label: string | undefined;
  readonly taskId: number;
  readonly execution: number;
  /** Its own is that of the task which returned it, kept by the runner. */
  readonly timeLimitMs = 0;
  readonly once = true;
  readonly sharesCores = false;

  constructor(
    private readonly running: RunningTask,
    step: ReturnedTask,
    readonly inputs: readonly DataObject[],
    private readonly resolve: (result: FunctionResult) => void,
    readonly fail: (error: unknown) => void,
  ) {
    this.row = running.row;
    this.attempt = running.attempt;
    this.taskType = step.taskType;
    this.config = step.config;
    this.grant = running.grant;
    this.cpus = running.cpus;
    this.cores = running.cores;
    this.label = running.label;
    this.taskId = running.taskId;
    this.execution = running.execution;
  }

  onCancel(callback: (reason: CancelReason) => void): void {
    this.running.onCancel(callback);
  }

  finish(result: FunctionResult): void {
    this.resolve(result);
  }

  log(level: number, text: string): void {
    this.running.log(level, text);
  }
}
