/** Room `executors`: one contract, several ways to execute a task. */
export { BuiltinExecutor } from "./builtin/builtin-executor.js";
export * from "./contract.js";
export * from "./extension/index.js";
export * from "./functions/index.js";
export { ProgramExecutor, type ProgramExecutorOptions } from "./program/program-executor.js";
export { TaskGrant } from "./task-grant.js";
