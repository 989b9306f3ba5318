/**
 * The worker's part of loom/scheduler/dslice and loom/scheduler/dget: they only count. The server, which
 * learns the number with the end of the task, makes the tasks that take the elements.
 */
import type { DataObject } from "../../object-store/index.js";
import type { TaskExecution } from "../contract.js";
import { hasElements } from "./access.js";
import { checkInputCount, checkNoConfig, failure, kindName } from "./checks.js";
import { u64Object } from "./collect.js";

/** The number of elements, as u64. */
export function countForSlices(task: TaskExecution): DataObject {
  checkInputCount(task, 1);
  checkNoConfig(task);
  const input = task.inputs[0];
  if (!hasElements(input)) {
    throw failure(task, `the input is ${kindName(input)}; only arrays and indexes have elements`);
  }
  return u64Object(input.length);
}

/** The same; nothing can be made of no elements. */
export function countForGets(task: TaskExecution): DataObject {
  const count = countForSlices(task);
  const input = task.inputs[0];
  if (input.length === 0) {
    throw failure(task, `the input is empty (${kindName(input)}), it has no element to get`);
  }
  return count;
}
