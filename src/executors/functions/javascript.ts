/** JavaScript functions: `loom/js/call` in Node processes. Called by the worker. */
import { fileURLToPath } from "node:url";
import type { DataObject } from "../../object-store/index.js";
import { TaskError, type TaskExecution } from "../contract.js";
import type { ExtensionPreload } from "../extension/index.js";
import type { FunctionKind } from "./function-pool.js";

const MAIN = fileURLToPath(new URL("../../../dist/function-process/main.js", import.meta.url));

/**
 * How a pool executes `loom/js/call`.
 * @param preload lets functions unwrap values of extensions
 */
export function javascriptFunctions(preload: ExtensionPreload): FunctionKind {
  return {
    language: "JavaScript",
    command: process.execPath,
    args: [...preload.args, MAIN],
    env: preload.env,
    taskTypes: ["loom/js/call"],
    functionOf,
    firstArgument: 1,
    overlaps: true,
  };
}

function functionOf(task: TaskExecution): DataObject {
  const object = task.inputs[0];
  if (object?.kind === "plain" || object?.kind === "file") return object;
  const what =
    object === undefined
      ? "there is no input"
      : object.kind === "value"
        ? `it is a value (${object.type})`
        : `it is of kind ${object.kind}`;
  throw new TaskError(`loom/js/call: the first input must be the function's code, ${what}`);
}
