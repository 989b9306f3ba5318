/** Room `worker-core`: queue, cores, inputs and fetches of a worker as a state machine without I/O. */
export * from "./outbox.js";
export * from "./worker-core.js";
export { ObjectFetch, RowEntry, TaskState, WorkerTask } from "./worker-task.js";
