/** Room `scheduler`: a view of tasks and workers -> assignments. No I/O. */
export * from "./scheduler.js";
export * from "./task-class.js";
export * from "./task-state.js";
export * from "./task-view.js";
export * from "./worker-load.js";
