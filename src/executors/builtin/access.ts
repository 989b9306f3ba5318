/** Built-in tasks that take parts of arrays, indexes and values of extensions: loom/base/get and loom/base/slice. */
import {
  type ArrayObject,
  arrayObject,
  copyBytes,
  type DataObject,
  type IndexObject,
  isInMemory,
  type PlainObject,
  plainObject,
  type ValueObject,
} from "../../object-store/index.js";
import type { TaskExecution } from "../contract.js";
import {
  checkInputCount,
  checkNumbers,
  failure,
  kindName,
  numberAt,
  numberText,
} from "./checks.js";

/** Parts up to this size are copied, so that they don't keep something big in memory. */
const COPIED_BYTES = 4096;

/** Config: u64 index. */
export function get(task: TaskExecution): DataObject {
  checkInputCount(task, 1);
  checkNumbers(task, 1, "the index");
  const input = task.inputs[0];
  const index = numberAt(task.config, 0);
  if (!hasElements(input)) {
    throw failure(task, `the input is ${kindName(input)}; only arrays and indexes have elements`);
  }
  if (index >= input.length) {
    throw failure(
      task,
      `index ${numberText(task.config, 0)} is out of range, the object has length ${input.length}`,
    );
  }
  if (input.kind === "value") return input.element(index);
  return input.kind === "array" ? input.elements[index] : ownIfSmall(input.piece(index));
}

/** Config: u64 start, u64 end, both clamped to the length. */
export function slice(task: TaskExecution): DataObject {
  checkInputCount(task, 1);
  checkNumbers(task, 2, "start and end");
  const input = task.inputs[0];
  if (!hasElements(input)) {
    throw failure(task, `the input is ${kindName(input)}; only arrays and indexes can be sliced`);
  }
  const end = Math.min(numberAt(task.config, 1), input.length);
  const start = Math.min(numberAt(task.config, 0), end);
  if (input.kind === "array") return arrayObject(input.elements.slice(start, end));
  if (input.kind === "value") return input.slice(start, end);
  return ownIfSmall(input.join(start, end));
}

type WithElements = ArrayObject | IndexObject | ValueObject;

/** Values of extensions have what their type says; those of languages have none. */
export function hasElements(input: DataObject): input is WithElements {
  if (input.kind === "value") return !input.type.startsWith("loom/");
  return input.kind === "array" || input.kind === "index";
}

function ownIfSmall(part: PlainObject): PlainObject {
  if (part.size > COPIED_BYTES) return part;
  if (part.size === 0) return plainObject(new Uint8Array(0));
  return isInMemory(part) ? plainObject(copyBytes(part.bytes())) : part;
}
