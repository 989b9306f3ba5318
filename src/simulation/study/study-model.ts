/** What the study's simulator is given besides graph and scheduler, and what it reports. */
import type { TaskGraph } from "../graph-file.js";
import type { StudyScheduler } from "./study-scheduler.js";
import { StudySimulation } from "./study-simulation.js";

/** W identical workers and their network. */
export interface StudyCluster {
  readonly workerCount: number;
  /** Cores per worker. */
  readonly cores: number;
  /** What each worker sends, and receives, at once: MiB/s. */
  readonly bandwidthMiB: number;
  /** Shortest time from an applied answer to the next decision, seconds. Default 0.1. */
  readonly minDelayS?: number;
  /** Time from a decision to its application, seconds. Default 0.05. */
  readonly schedulingS?: number;
  /** Running downloads per worker. Default 4. */
  readonly maxDownloads?: number;
  /** Of these, from one source. Default 2. */
  readonly maxDownloadsPerSource?: number;
}

/** What has happened; columns by task. */
export interface StudyReport {
  /** As the study counts: until an answer applies after the end of the last task. */
  readonly makespanS: number;
  readonly startS: Float64Array;
  readonly endS: Float64Array;
  readonly worker: Int16Array;
  /** Bytes sent between workers. */
  readonly transferBytes: number;
  /** How often the scheduler was asked. */
  readonly decisions: number;
}

/**
 * Executes the graph in the study's model.
 * @throws LoomError `usage` when a task wants more cores than a worker has; `internal` when the
 *   scheduler leaves tasks that can never run
 */
export function simulateStudy(
  graph: TaskGraph,
  cluster: StudyCluster,
  scheduler: StudyScheduler,
): StudyReport {
  const complete = {
    minDelayS: 0.1,
    schedulingS: 0.05,
    maxDownloads: 4,
    maxDownloadsPerSource: 2,
    ...cluster,
  };
  return new StudySimulation(graph, complete, scheduler).run();
}
