/** Room `client`: Client, Future. What users import comes through src/index.ts. */
export type { TaskLike, ValueOf, ValuesOf } from "../graph/index.js";
export type {
  AssignedTask,
  Causes,
  CopyCounts,
  ExplainedTask,
  Explanation,
  FailedTask,
  FinishedTask,
  ReadyTask,
  ReleasedTask,
  TaskExplanation,
  TaskFacts,
  TaskMetadata,
  WaitingTask,
  WorkerGroup,
  WorkersForTask,
} from "../protocol/index.js";
export {
  type BytesTask,
  type Command,
  type InputTask,
  type NamedInputs,
  type Pieces,
  type PythonOptions,
  type PythonSourceOptions,
  type RunOptions,
  type RunValue,
  tasks,
} from "../tasks/index.js";
export type { WaitOptions } from "./abort.js";
export { Client, type ConnectOptions, type FuturesOf, type SubmitOptions } from "./client.js";
export type {
  ClientStatus,
  ClusterStatus,
  LabelStatus,
  PlanStatus,
  RunningTask,
  TaskCounts,
  WaitingForWorkers,
  WorkerStatus,
} from "./cluster-status.js";
export type { ExecutionInfo, MemoryPoint } from "./execution-info.js";
export { Future } from "./future.js";
export type { OutputStream, ProgramOutput } from "./program-output.js";
export type { ClusterStats, LabelProgress, LogLine, Progress } from "./reports.js";
export type { FutureStatus } from "./result-state.js";
export { TaskFailed, type TaskFailure } from "./task-failed.js";
