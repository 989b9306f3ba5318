/**
 * Checks of inputs and configs that the built-in tasks share; every failure names the task type,
 * the value and the limit.
 */
import { counted } from "../../base/index.js";
import { type BytesObject, type DataObject, isBytes } from "../../object-store/index.js";
import { TaskError, type TaskExecution } from "../contract.js";

const U64_BYTES = 8;

export function failure(task: TaskExecution, message: string): TaskError {
  return new TaskError(`${task.taskType}: ${message}`);
}

export function checkInputCount(task: TaskExecution, count: number): void {
  if (task.inputs.length === count) return;
  const takes = count === 0 ? "no inputs" : counted(count, "input");
  throw failure(task, `takes ${takes}, got ${task.inputs.length}`);
}

/** Throws unless the config has `count` numbers of 64 bits, called `names`. */
export function checkNumbers(task: TaskExecution, count: number, names: string): void {
  const expected = count * U64_BYTES;
  if (task.config.length === expected) return;
  throw failure(
    task,
    `the config has ${task.config.length} bytes, it must be ${expected}: ${names} as u64`,
  );
}

export function checkNoConfig(task: TaskExecution): void {
  if (task.config.length === 0) return;
  throw failure(task, `takes no config, got ${task.config.length} bytes`);
}

/** Input `i` as something with bytes; fails the task if it is an array. */
export function bytesInput(task: TaskExecution, i: number): BytesObject {
  const input = task.inputs[i];
  if (isBytes(input)) return input;
  const what =
    input.kind === "array" ? `an array of length ${input.length}` : `a value (${input.type})`;
  throw failure(
    task,
    `input ${i} is ${what}; only objects with bytes (plain, file, index) can be used`,
  );
}

/** How messages call an object. */
export function kindName(object: DataObject): string {
  if (object.kind === "value") return `a value (${object.type})`;
  return object.kind === "array" || object.kind === "index"
    ? `an ${object.kind}`
    : `a ${object.kind} object`;
}

/** Number `i` of the config; above 2^53 not exact, but still above every length. */
export function numberAt(config: Uint8Array, i: number): number {
  const at = i * U64_BYTES;
  return u32At(config, at + 4) * 2 ** 32 + u32At(config, at);
}

/** Number `i` of the config as text, exact. */
export function numberText(config: Uint8Array, i: number): string {
  const at = i * U64_BYTES;
  return ((BigInt(u32At(config, at + 4)) << 32n) | BigInt(u32At(config, at))).toString();
}

function u32At(bytes: Uint8Array, at: number): number {
  return (bytes[at] | (bytes[at + 1] << 8) | (bytes[at + 2] << 16) | (bytes[at + 3] << 24)) >>> 0;
}

/** The config as text called `what`; fails the task if it is empty or not UTF-8. */
export function textConfig(task: TaskExecution, what: string): string {
  if (task.config.length === 0) throw failure(task, `the config is empty, it must be ${what}`);
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(task.config);
  } catch {
    throw failure(task, `the config is not valid UTF-8, it must be ${what}`);
  }
}
