/** Room `server-core`: tasks, clients' holds, workers, recovery: events -> effects. No I/O. */
export type { CoreOptions } from "./core-state.js";
export { tasksInCopies } from "./expansion/index.js";
export type { FailureCause } from "./giving-up.js";
export type { Interventions } from "./interventions.js";
export type { LabelCount } from "./label-counts.js";
export type { ServerOutbox } from "./outbox.js";
export type { ClientRecord, PlanRecord, WorkerRecord } from "./records.js";
export type { ResultPlace } from "./result-place.js";
export { ServerCore } from "./server-core.js";
export type { FailureDetails } from "./task-failure.js";
export type { PlanRefusal, SymbolTable } from "./task-kinds.js";
export { NONE, TaskTable } from "./task-table.js";
export type { UnableTasks } from "./unable-tasks.js";
export { checkedResources } from "./worker-resources.js";
