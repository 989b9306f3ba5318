/** Room `server-core`: tasks, clients' holds, workers, recovery: events -> effects. No I/O. */
export type { CoreOptions } from "./core-state.js";
export type { FailureCause } from "./giving-up.js";
export type { ServerOutbox } from "./outbox.js";
export type { ClientRecord, WorkerRecord } from "./records.js";
export { type ResultPlace, ServerCore } from "./server-core.js";
export type { PlanRefusal, SymbolTable } from "./submit.js";
export type { FailureDetails } from "./task-failure.js";
export { NONE, TaskTable } from "./task-table.js";
