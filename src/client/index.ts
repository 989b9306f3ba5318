/** Room `client`: Client, Future, `tasks`. What users import comes through src/index.ts. */
export type { WaitOptions } from "./abort.js";
export { Client, type ConnectOptions, type FuturesOf, type SubmitOptions } from "./client.js";
export type { ClusterStatus, TaskCounts, WorkerStatus } from "./cluster-status.js";
export { Future, type TaskLike, type ValueOf, type ValuesOf } from "./future.js";
export type { OutputStream, ProgramOutput } from "./program-output.js";
export type { ClusterStats, LogLine, Progress } from "./reports.js";
export type { FutureStatus } from "./result-state.js";
export type { Command, NamedInputs, RunOptions, RunValue } from "./run-task.js";
export { TaskFailed, type TaskFailure } from "./task-failed.js";
export { type BytesTask, type Pieces, tasks } from "./tasks.js";
