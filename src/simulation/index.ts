/** Room `simulation`: graphs of tasks executed on virtual time. No I/O, no clock, no chance. */

export * from "./amounts.js";
export { type Costs, DEFAULT_COSTS, NO_COSTS } from "./costs.js";
export {
  type Fault,
  type FaultRate,
  readFault,
  readFaultRate,
} from "./faults.js";
export { GENERATORS, type Generator, generate } from "./generators/index.js";
export { readGraphFile, type TaskGraph } from "./graph-file.js";
export { graphWorkload } from "./graph-workload.js";
export type { LowerBounds } from "./lower-bound.js";
export type { Information } from "./plan-columns.js";
export { Random } from "./random.js";
export type { SimulationReport, WorkerReport } from "./report.js";
export { Simulation, type SimulationOptions, simulate } from "./simulation.js";
export * from "./study/index.js";
export { readWorkers, type WorkerSpec } from "./worker-spec.js";
export {
  LIGHT,
  type TaskKind,
  type TaskRequest,
  type Workload,
  WorkloadBuilder,
} from "./workload.js";
