/** Room `graph`: tasks, resource requests, plans. Pure: no I/O, no clock. */
export * from "./build-plan.js";
export { describeTask } from "./describe-task.js";
export * from "./requested-amounts.js";
export * from "./resource-request.js";
export * from "./task.js";
export { MAX_PRIORITY, type TaskHints } from "./task-hints.js";
export * from "./worker-resource.js";
export * from "./worker-resources.js";
