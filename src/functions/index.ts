/** Room `functions`: what functions get and give, how their code travels, `jsTask`. */
export type { Context, TaskLog, TaskResource, TaskResources } from "./context.js";
export type { Data, ElementOf } from "./data.js";
export { encodeArguments, encodeFunctionObject } from "./function-object.js";
export { type JsTaskOptions, jsTask } from "./js-task.js";
export { type JsTaskParts, jsTaskSymbol } from "./js-task-symbol.js";
export type {
  FunctionResult,
  JsTask,
  TaskArgument,
  TaskArguments,
  TaskValue,
} from "./js-task-types.js";
