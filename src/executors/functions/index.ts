/** Functions in processes of their language; what the worker uses of it. */
export { type FunctionKind, FunctionPool, type FunctionPoolOptions } from "./function-pool.js";
export { javascriptFunctions } from "./javascript.js";
export { LineBudget } from "./line-budget.js";
export {
  defaultPython,
  findPythonProblem,
  PythonValueExecutor,
  pythonFunctions,
} from "./python.js";
export { type FunctionResult, ReturnedTask } from "./reply-reader.js";
export { SharedFiles } from "./shared-files.js";
