/**
 * Makes objects of what extensions return. Owns what may be returned: the same as from functions (see
 * docs/function-processes.md); anything else fails the task with a message that says what it was.
 */
import { isAnyArrayBuffer } from "node:util/types";
import { kindOf, ownBytes } from "../../extensions/index.js";
import { arrayObject, type DataObject, plainObject } from "../../object-store/index.js";
import { TaskError } from "../contract.js";
import { type FunctionResult, ReturnedTask } from "../functions/index.js";
import { ObjectData } from "./object-data.js";

/** More tasks can only be a mistake: shared ones are executed again for each of their users. */
const MAX_TASKS = 100_000;
const MAX_NESTING = 1000;
const ALLOWED = "a string, Uint8Array, array, Data, task.value(name, value), task.wrap(value)";

/** What makes something a task, whichever copy of HyperLoom made it. */
interface TaskShape {
  readonly type: string;
  readonly config: Uint8Array;
  readonly inputs: readonly unknown[];
}

/**
 * The object, or the task to be executed in place of this one.
 * @param name of the function that returned it, for messages
 * @throws TaskError naming what can't be a result
 */
export function resultOf(name: string, given: unknown): FunctionResult {
  const object = findObject(name, given, 0, "");
  if (object !== undefined) return object;
  const task = asTask(given);
  if (task !== undefined) return new TaskReader(name).read(task, 0);
  throw wrong(name, "", given, `${ALLOWED} or a Task`);
}

/** Likewise, where a task can't stand. */
export function objectOf(name: string, given: unknown): DataObject {
  const object = findObject(name, given, 0, "");
  if (object !== undefined) return object;
  throw wrong(name, "", given, ALLOWED);
}

function findObject(
  name: string,
  given: unknown,
  depth: number,
  path: string,
): DataObject | undefined {
  if (typeof given === "string") return plainObject(new TextEncoder().encode(given));
  if (given instanceof ObjectData) return given.object;
  if (given instanceof Uint8Array && !(given instanceof Uint8ClampedArray)) {
    return plainObject(ownBytes(given));
  }
  if (isAnyArrayBuffer(given)) return plainObject(ownBytes(new Uint8Array(given)));
  if (!Array.isArray(given)) return undefined;
  if (depth >= MAX_NESTING) {
    throw new TaskError(
      `${name} returned arrays nested over ${MAX_NESTING} deep, or in themselves`,
    );
  }
  const elements: DataObject[] = [];
  for (let i = 0; i < given.length; i++) {
    const element = findObject(name, given[i], depth + 1, `${path}[${i}]`);
    if (element === undefined) throw wrong(name, `${path}[${i}]`, given[i], ALLOWED);
    elements.push(element);
  }
  return arrayObject(elements);
}

class TaskReader {
  private count = 0;

  constructor(private readonly name: string) {}

  read({ type, config, inputs }: TaskShape, depth: number): ReturnedTask {
    const { name } = this;
    if (depth >= MAX_NESTING) {
      throw new TaskError(`${name} returned tasks nested over ${MAX_NESTING} deep`);
    }
    if (++this.count > MAX_TASKS) {
      throw new TaskError(
        `${name} returned a task with more than ${MAX_TASKS} tasks among its inputs (a task that several others use counts once for each); submit them from the client instead`,
      );
    }
    const read = inputs.map((input, i) => {
      if (input instanceof ObjectData) return input.object;
      const task = asTask(input);
      if (task !== undefined) return this.read(task, depth + 1);
      throw new TaskError(
        `${name} returned a task "${type}" whose input ${i} is ${describe(input)}: inputs are Data, tasks (tasks.const for a string or bytes), task.value(name, value) and task.wrap(value)`,
      );
    });
    return new ReturnedTask(type, ownBytes(config), read);
  }
}

function asTask(value: unknown): TaskShape | undefined {
  if (typeof value !== "object" || value === null) return undefined;
  const { type, config, inputs } = value as Partial<TaskShape>;
  return typeof type === "string" && config instanceof Uint8Array && Array.isArray(inputs)
    ? { type, config, inputs }
    : undefined;
}

function wrong(name: string, path: string, given: unknown, allowed: string): TaskError {
  const where = path === "" ? "" : `an array whose element ${shortened(path)} is `;
  return new TaskError(`${name} returned ${where}${describe(given)}; it may return ${allowed}`);
}

function shortened(path: string): string {
  return path.length > 60 ? `${path.slice(0, 40)}...${path.slice(-15)}` : path;
}

function describe(value: unknown): string {
  if (asTask(value) !== undefined) return "a task (in an array: use tasks.arrayMake)";
  if (typeof value !== "object" || value === null || Array.isArray(value)) return kindOf(value);
  if (typeof (value as { then?: unknown }).then === "function") return "a promise (await it)";
  if (typeof (value as { gather?: unknown }).gather === "function") {
    return "a future (it belongs to a client and means nothing on a worker)";
  }
  const name = value.constructor?.name;
  return name === undefined || name === "Object" ? "an object" : `an object of class ${name}`;
}
