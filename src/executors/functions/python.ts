/**
 * Python functions: `loom/py/call` in Python processes, `loom/py/value` here. Owns the choice of the
 * interpreter and the check whether it can be used. Called by the worker.
 */
import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { messageOf } from "../../base/index.js";
import { copyBytes, type DataObject, plainObject, valueObject } from "../../object-store/index.js";
import { type Executor, TaskError, type TaskExecution } from "../contract.js";
import type { FunctionKind } from "./function-pool.js";

const MAIN = fileURLToPath(new URL("../../../python/function_process/main.py", import.meta.url));
const CHECK_LIMIT_MS = 20_000;

/** The interpreter that is taken when the worker is not told one. */
export function defaultPython(): string {
  return process.env.LOOM_PYTHON || "python3";
}

/** Why the interpreter can't execute functions; undefined: it can. */
export function findPythonProblem(python: string): Promise<string | undefined> {
  return new Promise((resolve) => {
    execFile(python, [MAIN, "--check"], { timeout: CHECK_LIMIT_MS }, (error, stdout, stderr) => {
      if (error !== null) {
        const missing = (error as NodeJS.ErrnoException).code === "ENOENT";
        const detail = stderr.trim().split("\n").at(-1) || messageOf(error);
        resolve(
          missing
            ? `there is no Python interpreter "${python}"; install Python 3.9 or newer, or name one with --python`
            : `the Python interpreter "${python}" can't be used: ${detail}`,
        );
        return;
      }
      try {
        resolve((JSON.parse(stdout) as { error?: string }).error);
      } catch {
        resolve(`"${python}" does not answer like a Python interpreter`);
      }
    });
  });
}

/** How a pool executes `loom/py/call`. */
export function pythonFunctions(python: string): FunctionKind {
  return {
    language: "Python",
    command: python,
    args: ["-u", MAIN],
    env: {},
    taskTypes: ["loom/py/call"],
    functionOf,
    firstArgument: 1,
  };
}

function functionOf(task: TaskExecution): DataObject {
  const object = task.inputs[0];
  if (object === undefined) {
    throw new TaskError(
      "loom/py/call: the first input must be the function (a Python object), there is no input",
    );
  }
  if (object.kind === "value" && object.type === "loom/pyobj") return object;
  const what = object.kind === "value" ? `a value (${object.type})` : `of kind ${object.kind}`;
  throw new TaskError(
    `loom/py/call: the first input must be the function (a Python object), it is ${what}`,
  );
}

/** `loom/py/value`: its config is the pickled value. */
export class PythonValueExecutor implements Executor {
  readonly taskTypes = ["loom/py/value"];

  execute(task: TaskExecution): DataObject {
    if (task.inputs.length > 0) {
      throw new TaskError(`loom/py/value: takes no inputs, got ${task.inputs.length}`);
    }
    // A copy: the config is part of a frame that many tasks came in.
    return valueObject("loom/pyobj", plainObject(copyBytes(task.config)));
  }

  async close(): Promise<void> {
    // Nothing runs here that would have to be ended.
  }
}
