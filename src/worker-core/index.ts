/** Room `worker-core`: queue, cores, inputs and fetches of a worker as a state machine without I/O. */

export { MAX_ASYNC_LIGHT } from "./light-tasks.js";
export * from "./outbox.js";
export type { TaskHolding } from "./task-holding.js";
export * from "./worker-core.js";
export { ObjectFetch, RowEntry, TaskState, WorkerTask } from "./worker-task.js";
