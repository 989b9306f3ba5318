/**
 * `jsTask`: makes tasks of a JavaScript function. Owns the arguments' way into tasks and the
 * function's task, of which each builder has one; how code travels is packing's.
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
import type { Context } from "./context.js";
import { encodeArguments } from "./function-object.js";
import { jsTaskSymbol } from "./js-task-symbol.js";
import type { FunctionResult, JsTask, TaskArguments, TaskValue } from "./js-task-types.js";
import { packFunction } from "./packing/pack-function.js";
import { findObstacle } from "./packing/plain-data.js";

/** Options of {@link jsTask}. */
export interface JsTaskOptions extends TaskHints {
  /** Shown in errors, traces and status. Default: the function's name. */
  label?: string | undefined;
  /**
   * Cores that a call holds. 0: it runs beside others in its process, for functions that mostly wait
   * (for a network, a disk). Default 1.
   */
  cpus?: number | undefined;
  /** Resources that a call holds, instead of `cpus`; see `resources()` and `anyOf()`. */
  request?: ResourceRequest | undefined;
  /** The function's first parameter is a {@link Context}. Default false. */
  context?: boolean | undefined;
  /** A call fails when it has run for so many milliseconds. Default 0: no limit. */
  timeLimitMs?: number | undefined;
  /**
   * Packages that are not sent along but required on the worker, from the directory it runs in.
   * Default: none; everything that the function imports is sent with it.
   */
  external?: readonly string[] | undefined;
  /** The function's name in messages. Default: its own, or that of its variable. */
  name?: string | undefined;
}

type AnyFn = (...parameters: never[]) => unknown;

/** Smaller ones are sent with each plan; that costs less than to remember them. */
const KEPT_BYTES = 4096;

/**
 * Lets a function run on workers. Its parameters are: the {@link Context} if `context` is true,
 * then direct arguments (any values that can be cloned structurally), then inputs ({@link Data}). The
 * builder takes the same, with tasks or futures in place of data, and makes a task; it may be called
 * any number of times.
 *
 * The code that the function uses travels with it: imports, top-level functions and classes of
 * its file; other variables travel as their value at the first call, if that is plain data. See
 * docs/functions.md.
 *
 * @throws LoomError("usage") from the builder for what can't travel, and for wrong arguments
 * @example
 * const hello = jsTask((name: Data) => `Hello ${name.text()}`);
 * const repeat = jsTask((times: number, text: Data) => text.text().repeat(times));
 * const value = await client.submitOne(repeat(3, hello(tasks.const("world")))).gather();
 */
export function jsTask<P extends unknown[], R extends FunctionResult>(
  fn: (context: Context, ...parameters: P) => R | Promise<R>,
  options: JsTaskOptions & { context: true },
): JsTask<typeof fn, TaskArguments<P>, TaskValue<R>>;
export function jsTask<P extends unknown[], R extends FunctionResult>(
  fn: (...parameters: P) => R | Promise<R>,
  options?: JsTaskOptions & { context?: false | undefined },
): JsTask<typeof fn, TaskArguments<P>, TaskValue<R>>;
export function jsTask(
  fn: AnyFn,
  options: JsTaskOptions = {},
): JsTask<AnyFn, readonly unknown[], unknown> {
  if (typeof fn !== "function") {
    throw new LoomError(
      "usage",
      `jsTask needs a function, got ${fn === null ? "null" : typeof fn}`,
    );
  }
  const calls = new Calls(fn, options);
  const builder = (...parameters: unknown[]) => calls.makeTask(parameters);
  const parts = { fn, context: options.context === true };
  return Object.assign(builder, { fn, [jsTaskSymbol]: parts });
}

/** One builder's calls. */
class Calls {
  private readonly request: ResourceRequest | undefined;
  /** What packing gave, since the first call. */
  private packed: { task: Task; name: string; maxArguments: number } | undefined;

  constructor(
    private readonly fn: AnyFn,
    private readonly options: JsTaskOptions,
  ) {
    this.request = requestOf(options, `jsTask of function "${options.name ?? fn.name}"`);
  }

  private get contextArguments(): number {
    return this.options.context === true ? 1 : 0;
  }

  makeTask(parameters: readonly unknown[]): Task {
    this.packed ??= this.pack();
    const { task, name, maxArguments } = this.packed;
    const inputs: TaskInput[] = [task];
    // Inputs that are left out at the end, as optional parameters may be.
    let count = parameters.length;
    const first = parameters.findIndex(isTaskInput);
    while (first !== -1 && parameters[count - 1] === undefined) count--;
    const direct = first === -1 ? parameters.slice(0, count) : parameters.slice(0, first);
    direct.forEach((value, i) => {
      const obstacle = findObstacle(value, true);
      if (obstacle === undefined) return;
      const { path, what } = obstacle;
      const is = path === "" ? `is ${what}` : `has ${what} at ${path}`;
      throw this.wrong(`argument ${i + 1} ${is}, which can't be sent to workers`);
    });
    for (let i = direct.length; i < count; i++) {
      const input = parameters[i];
      if (!isTaskInput(input)) {
        throw this.wrong(
          `argument ${i + 1} is no task and no future, but stands after inputs; direct arguments come first`,
        );
      }
      inputs.push(input);
    }
    // Too few can't be told: JavaScript does not know which parameters are optional.
    if (count > maxArguments) {
      throw this.wrong(`it takes at most ${maxArguments} arguments, got ${count}`);
    }
    const { label, timeLimitMs, priority, expectedMs, expectedBytes } = this.options;
    return new Task("loom/js/call", encodeArguments(direct), inputs, {
      request: this.request,
      label: label ?? (name === "" ? undefined : name),
      timeLimitMs,
      priority,
      expectedMs,
      expectedBytes,
    });
  }

  private pack() {
    const { fn, options } = this;
    const { bytes, name, maxArguments } = packFunction(fn, {
      name: options.name ?? "",
      context: options.context === true,
      external: options.external ?? [],
    });
    const task = new Task("loom/data/const", bytes, []);
    task.kept = bytes.length > KEPT_BYTES;
    return { task, name, maxArguments: maxArguments - this.contextArguments };
  }

  private wrong(problem: string): LoomError {
    const name = this.packed?.name || this.options.name || this.fn.name;
    const what = name === "" ? "the function of a jsTask" : `function "${name}"`;
    return new LoomError("usage", `${what}: ${problem}`);
  }
}
