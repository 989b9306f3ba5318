/** Built-in tasks over any number of inputs: loom/array/make, loom/base/size, loom/base/length. */
import { arrayObject, type DataObject, plainObject } from "../../object-store/index.js";
import type { TaskExecution } from "../contract.js";
import { checkNoConfig } from "./checks.js";

export function makeArray(task: TaskExecution): DataObject {
  checkNoConfig(task);
  return arrayObject(task.inputs.slice());
}

/** Sum of the sizes of all inputs, as u64. */
export function size(task: TaskExecution): DataObject {
  checkNoConfig(task);
  let sum = 0;
  for (let i = 0; i < task.inputs.length; i++) sum += task.inputs[i].size;
  return u64Object(sum);
}

/** Sum of the lengths of all inputs, as u64. */
export function length(task: TaskExecution): DataObject {
  checkNoConfig(task);
  let sum = 0;
  for (let i = 0; i < task.inputs.length; i++) sum += task.inputs[i].length;
  return u64Object(sum);
}

export function u64Object(value: number): DataObject {
  const bytes = new Uint8Array(8);
  let rest = value;
  for (let i = 0; rest > 0; i++) {
    bytes[i] = rest % 256;
    rest = Math.floor(rest / 256);
  }
  return plainObject(bytes);
}
