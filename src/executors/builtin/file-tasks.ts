/** Built-in tasks with files of the user: loom/data/open and loom/data/save. */
import { isAbsolute } from "node:path";
import {
  type BytesObject,
  type DataObject,
  openFile,
  plainObject,
  writeObjectFile,
} from "../../object-store/index.js";
import type { TaskExecution } from "../contract.js";
import { bytesInput, checkInputCount, failure, textConfig } from "./checks.js";

/** Config: path. Opens only; the content is read where it is needed. */
export function open(task: TaskExecution): DataObject {
  checkInputCount(task, 0);
  return openFile(textConfig(task, "the path of a file"));
}

/** Config: absolute path. The result is empty. */
export function save(task: TaskExecution): Promise<DataObject> {
  checkInputCount(task, 1);
  const path = textConfig(task, "the absolute path to save to");
  if (!isAbsolute(path)) {
    throw failure(task, `the path "${path}" is relative, it must be absolute`);
  }
  return saveTo(bytesInput(task, 0), path);
}

async function saveTo(input: BytesObject, path: string): Promise<DataObject> {
  await writeObjectFile(input, path);
  return plainObject(new Uint8Array(0));
}
