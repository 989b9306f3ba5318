/**
 * The built-in task types: cheap work on data objects, done in the worker itself. Owns the table
 * from type name to function and how errors become task failures. Caller: the worker.
 */
import { LoomError, messageOf } from "../../base/index.js";
import type { DataObject } from "../../object-store/index.js";
import { type Executor, TaskError, type TaskExecution } from "../contract.js";
import { get, slice } from "./access.js";
import { constant, merge } from "./bytes-tasks.js";
import { length, makeArray, size } from "./collect.js";
import { countForGets, countForSlices } from "./dynamic.js";
import { open, save } from "./file-tasks.js";
import { split } from "./split.js";

type Builtin = (task: TaskExecution) => DataObject | Promise<DataObject>;

/** A Map, as task types come from the network: `toString` must not be found in it. */
const BUILTINS = new Map<string, Builtin>([
  ["loom/data/const", constant],
  ["loom/data/merge", merge],
  ["loom/data/open", open],
  ["loom/data/split", split],
  ["loom/data/save", save],
  ["loom/base/get", get],
  ["loom/base/slice", slice],
  ["loom/base/size", size],
  ["loom/base/length", length],
  ["loom/array/make", makeArray],
  ["loom/scheduler/dslice", countForSlices],
  ["loom/scheduler/dget", countForGets],
]);

/**
 * Executes the built-in task types except programs and Python. Everything but save and work on
 * big files is done when execute() returns.
 */
export class BuiltinExecutor implements Executor {
  readonly taskTypes: readonly string[] = [...BUILTINS.keys()];
  readonly runsInWorker = true;

  execute(task: TaskExecution): DataObject | Promise<DataObject> {
    const builtin = BUILTINS.get(task.taskType);
    if (builtin === undefined) {
      throw new TaskError(`${task.taskType}: this is not a built-in task type`);
    }
    try {
      const result = builtin(task);
      return result instanceof Promise ? result.catch((error) => rethrow(task, error)) : result;
    } catch (error) {
      return rethrow(task, error);
    }
  }

  async close(): Promise<void> {
    // Nothing runs here that would have to be ended.
  }
}

/** Failures of objects and files become failures of the task, with its type's name. */
function rethrow(task: TaskExecution, error: unknown): never {
  if (error instanceof LoomError && error.code === "task" && !(error instanceof TaskError)) {
    throw new TaskError(`${task.taskType}: ${messageOf(error)}`, undefined, { cause: error });
  }
  throw error;
}
