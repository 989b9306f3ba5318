/**
 * Executes tasks of built-in types for their tests; objects that these use as inputs, and how results
 * are read.
 */
import { expect } from "vitest";
import { BuiltinExecutor, TaskError, type TaskExecution } from "../../src/executors/index.js";
import {
  arrayObject,
  type BytesObject,
  type DataObject,
  indexObject,
  plainObject,
} from "../../src/object-store/index.js";
import { bytesOf, textOf } from "../object-store/scratch-directory.js";
import { aTask } from "./task-execution.js";

export const executor = new BuiltinExecutor();

export function task(
  taskType: string,
  config: Uint8Array,
  inputs: readonly DataObject[],
): TaskExecution {
  return aTask({ taskType, config, inputs });
}

export const NO_CONFIG = new Uint8Array(0);

/** The result of work that must be done at once. */
export function run(taskType: string, config: Uint8Array, ...inputs: DataObject[]): DataObject {
  const result = executor.execute(task(taskType, config, inputs));
  if (result instanceof Promise) throw new Error(`${taskType} returned a promise`);
  return result;
}

/** The message of the failure; fails if there is none. */
export async function failureOf(
  taskType: string,
  config: Uint8Array,
  ...inputs: DataObject[]
): Promise<string> {
  try {
    await executor.execute(task(taskType, config, inputs));
  } catch (error) {
    expect(error).toBeInstanceOf(TaskError);
    return (error as TaskError).message;
  }
  throw new Error(`${taskType} did not fail`);
}

/** A config of whole numbers. */
export function u64(...values: (number | bigint)[]): Uint8Array {
  const bytes = new Uint8Array(8 * values.length);
  const view = new DataView(bytes.buffer);
  values.forEach((value, i) => {
    view.setBigUint64(8 * i, BigInt(value), true);
  });
  return bytes;
}

export const plain = (text: string): BytesObject => plainObject(bytesOf(text));
export const content = (object: DataObject): string => textOf((object as BytesObject).bytes());
/** The number that is the whole object. */
export const number = (object: DataObject): bigint =>
  Buffer.from((object as BytesObject).bytes()).readBigUInt64LE();

export const words = indexObject(plain("one two three"), Uint32Array.of(0, 4, 8, 13));
export const letters = arrayObject([plain("a"), plain("b"), plain("c")]);
