/** Which functions a worker can execute, and why not others. Called by start-worker.ts. */
import {
  type Executor,
  extensionPreload,
  FunctionPool,
  type FunctionPoolOptions,
  findPythonProblem,
  javascriptFunctions,
  PythonValueExecutor,
  pythonFunctions,
} from "../executors/index.js";
import type { LoadedExtension } from "../extensions/index.js";

const PYTHON_TYPES = ["loom/py/call", "loom/py/value"];

/** Executors of functions, and what is not offered, as "TYPE: reason". */
export interface FunctionExecutors {
  readonly executors: readonly Executor[];
  readonly unavailable: string[];
}

/**
 * @param python the interpreter, or "none"
 * @param extensions whose values functions in JavaScript can unwrap
 */
export async function functionExecutors(
  python: string,
  extensions: readonly LoadedExtension[],
  options: FunctionPoolOptions,
): Promise<FunctionExecutors> {
  const preload = extensionPreload(extensions);
  const javascript = new FunctionPool(javascriptFunctions(preload), options);
  const problem =
    python === "none"
      ? "the worker was started with --python none"
      : await findPythonProblem(python);
  if (problem !== undefined) {
    options.logger.info(`Python functions are not offered: ${problem}`);
    return {
      executors: [javascript],
      unavailable: PYTHON_TYPES.map((type) => `${type}: ${problem}`),
    };
  }
  const pool = new FunctionPool(pythonFunctions(python), options);
  return { executors: [javascript, pool, new PythonValueExecutor()], unavailable: [] };
}
