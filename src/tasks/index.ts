/** Room `tasks`: the functions that make tasks of built-in types and of Python functions. */
export type { BytesTask, InputTask, Pieces } from "./input-task.js";
export type { PythonOptions, PythonSourceOptions } from "./python-task.js";
export type { Command, NamedInputs, RunOptions, RunValue } from "./run-task.js";
export { tasks } from "./tasks.js";
