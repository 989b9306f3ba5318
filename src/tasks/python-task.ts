/**
 * Tasks that call Python functions. Owns how a function is named for the worker's Python and the
 * tasks that give functions; part of `tasks`.
 */
import { LoomError } from "../base/index.js";
import {
  isTaskInput,
  type ResourceRequest,
  requestOf,
  Task,
  type TaskHints,
  type TaskInput,
} from "../graph/index.js";
import type { InputTask } from "./input-task.js";
import { pickleCall, pickleTuple } from "./pickle.js";

/** Options of `tasks.python` and `tasks.pythonSource`. */
export interface PythonOptions extends TaskHints {
  /** Given to the function after the direct arguments. Default: none. */
  inputs?: readonly InputTask[] | undefined;
  /**
   * Direct arguments: null, booleans, numbers, bigints, strings, Uint8Arrays, and arrays, Maps and
   * plain objects of those. Default: none.
   */
  args?: readonly unknown[] | undefined;
  /** The function's first argument is the context. Default false. */
  context?: boolean | undefined;
  /** Shown in errors, traces and status. Default: the function's name. */
  label?: string | undefined;
  /** Cores that the call holds; 0: none. Default 1. */
  cpus?: number | undefined;
  /** Resources that the call holds, instead of `cpus`; see `resources()` and `anyOf()`. */
  request?: ResourceRequest | undefined;
  /** The call fails when it has run for so many milliseconds. Default 0: no limit. */
  timeLimitMs?: number | undefined;
}

/** Options of `tasks.pythonSource`. */
export interface PythonSourceOptions extends PythonOptions {
  /** Name of the function that the source defines. */
  function: string;
}

const NAME = /^[\p{ID_Start}_]\p{ID_Continue}*(\.[\p{ID_Start}_]\p{ID_Continue}*)*$/u;
/** Sources below are sent with each plan; that costs less than to remember them. */
const KEPT_BYTES = 4096;
const MAX_FUNCTIONS = 256;

export function pythonTask<T = Buffer>(name: string, options: PythonOptions = {}): Task<T> {
  const [module, fn, ...more] = String(name).split(":");
  if (!NAME.test(module) || !NAME.test(fn ?? "") || more.length > 0) {
    throw new LoomError(
      "usage",
      `tasks.python("${name}"): a Python function is named "package.module:function"`,
    );
  }
  return callTask(fn, functionTask("by_name", [name], options), options);
}

export function pythonSourceTask<T = Buffer>(
  source: string,
  options: PythonSourceOptions,
): Task<T> {
  const name = options?.function;
  if (typeof source !== "string" || typeof name !== "string" || !NAME.test(name)) {
    throw new LoomError(
      "usage",
      'tasks.pythonSource needs Python source and the name of a function in it: tasks.pythonSource("def f(): ...", { function: "f" })',
    );
  }
  return callTask(name, functionTask("source", [source, name], options), options);
}

function callTask<T>(name: string, fn: Task, options: PythonOptions): Task<T> {
  const inputs: TaskInput[] = [fn];
  for (const input of options.inputs ?? []) {
    if (!isTaskInput(input)) {
      throw new LoomError(
        "usage",
        `input ${inputs.length} of the Python function "${name}" is neither a task nor a future; direct arguments are given as args`,
      );
    }
    inputs.push(input);
  }
  const args = options.args ?? [];
  const config = args.length === 0 ? new Uint8Array(0) : pickleTuple(args, `${name}: args`);
  const { label = name, timeLimitMs, priority, expectedMs, expectedBytes } = options;
  return new Task<T>("loom/py/call", config, inputs, {
    request: requestOf(options, `the Python function "${name}"`),
    label,
    timeLimitMs,
    priority,
    expectedMs,
    expectedBytes,
  });
}

/** Equal functions have one task, so that a plan contains it once. */
const functionTasks = new Map<string, Task>();

function functionTask(by: "by_name" | "source", args: string[], options: PythonOptions): Task {
  const context = options.context === true;
  const key = JSON.stringify([by, args, context]);
  let task = functionTasks.get(key);
  if (task === undefined) {
    const pickle = pickleCall("hyperloom_functions", by, args, context);
    task = new Task("loom/py/value", pickle, [], { label: `function ${args.at(-1)}` });
    task.kept = pickle.length > KEPT_BYTES;
    // Programs that make sources by the thousand must not keep them all.
    if (functionTasks.size === MAX_FUNCTIONS) functionTasks.clear();
    functionTasks.set(key, task);
  }
  return task;
}
