/** Room `graph`: tasks, resource requests, plans. Pure: no I/O, no clock. */
export * from "./build-plan.js";
export * from "./resource-request.js";
export * from "./task.js";
