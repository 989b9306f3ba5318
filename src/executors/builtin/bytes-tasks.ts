/** Built-in tasks that make bytes: loom/data/const and loom/data/merge, the hottest of all. */
import {
  allocateBytes,
  copyBytes,
  copyInto,
  type DataObject,
  isInMemory,
  plainObject,
  readChunks,
} from "../../object-store/index.js";
import type { TaskExecution } from "../contract.js";
import { bytesInput, checkInputCount } from "./checks.js";

/** Merges of files with a bigger result read them without blocking. */
const BLOCKING_BYTES = 1024 * 1024;

/** Config: the bytes. */
export function constant(task: TaskExecution): DataObject {
  checkInputCount(task, 0);
  const { config } = task;
  // The config is a part of a network frame: keeping it must not keep much more than itself.
  const keep = config.length > 64 && 2 * config.length >= config.buffer.byteLength;
  return plainObject(keep ? config : copyBytes(config));
}

/** Config: the delimiter between the inputs. */
export function merge(task: TaskExecution): DataObject | Promise<DataObject> {
  const { inputs, config } = task;
  const count = inputs.length;
  let total = count > 1 ? config.length * (count - 1) : 0;
  for (let i = 0; i < count; i++) total += bytesInput(task, i).size;
  const result = total <= 64 ? new Uint8Array(total) : allocateBytes(total, "the result");
  if (total > BLOCKING_BYTES && !inputsInMemory(task)) return mergeFiles(task, result);
  let at = 0;
  for (let i = 0; i < count; i++) {
    if (i > 0 && config.length > 0) {
      copyInto(result, at, config, 0, config.length);
      at += config.length;
    }
    const bytes = bytesInput(task, i).bytes();
    copyInto(result, at, bytes, 0, bytes.length);
    at += bytes.length;
  }
  return plainObject(result);
}

function inputsInMemory(task: TaskExecution): boolean {
  return task.inputs.every((_, i) => isInMemory(bytesInput(task, i)));
}

async function mergeFiles(task: TaskExecution, result: Uint8Array): Promise<DataObject> {
  let at = 0;
  for (let i = 0; i < task.inputs.length; i++) {
    if (i > 0) {
      result.set(task.config, at);
      at += task.config.length;
    }
    for await (const chunk of readChunks(bytesInput(task, i))) {
      result.set(chunk, at);
      at += chunk.length;
    }
  }
  return plainObject(result);
}
