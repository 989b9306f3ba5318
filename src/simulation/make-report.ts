/** Gathers the report of a simulation that has ended. Called by the simulation. */
import { lowerBounds } from "./lower-bound.js";
import type { SimulationReport } from "./report.js";
import type { Simulation } from "./simulation.js";

/**
 * @param finishedMs when all tasks were finished; undefined: they were not
 * @param reason why not
 */
export function makeReport(
  simulation: Simulation,
  finishedMs: number | undefined,
  reason: string | undefined,
): SimulationReport {
  const { core, server, workers, fetches } = simulation;
  const { time, progress, workload } = core;
  const makespanMs = finishedMs ?? core.nowMs;
  const specs = workers.map(({ spec }) => spec);
  const lowerBound = lowerBounds(workload, specs);
  const failed = server.failedTasks;
  return {
    workload: {
      name: workload.name,
      tasks: workload.taskCount,
      inputs: workload.inputStart[workload.taskCount],
    },
    completed: finishedMs !== undefined && failed === 0,
    reason: reason ?? (failed > 0 ? server.firstFailure : undefined),
    makespanMs,
    lowerBound,
    ratio: lowerBound.ms === 0 ? 1 : makespanMs / lowerBound.ms,
    utilisation: share(time.usefulMs, time.totalMs),
    coreTimeMs: {
      total: time.totalMs,
      useful: time.usefulMs,
      overhead: time.overheadMs,
      repeated: time.repeatedMs,
      aborted: time.abortedMs,
      unfinished: time.unfinishedMs,
      idleTransfers: time.idleTransfersMs,
      idleReady: time.idleReadyMs,
      idleNoWork: time.idleNoWorkMs,
    },
    tasks: {
      executed: progress.executed,
      repeated: progress.repeated,
      failed,
      firstFailure: failed > 0 ? server.firstFailure : undefined,
    },
    transfers: {
      count: fetches.count,
      bytes: fetches.bytes,
      aborted: fetches.aborted,
      failed: fetches.failures,
    },
    memory: {
      highWaterBytes: workers.reduce((most, { use }) => Math.max(most, use.highWaterBytes), 0),
      workersOverLimit: workers.filter(({ use }) => use.overLimit > 0).length,
    },
    server: {
      turns: server.turns,
      busyMs: server.busyMs,
      assignments: server.assignments,
      retractions: server.retractions,
      prefetches: server.prefetches,
      cancellations: server.cancellations,
      messagesIn: server.messagesIn,
      framesIn: server.framesIn,
      framesOut: server.framesOut,
    },
    workers: workers.map((worker) => {
      const thereMs = Math.min(worker.diedAtMs ?? makespanMs, makespanMs) - worker.joinedAtMs;
      return {
        worker: worker.index,
        cpus: worker.spec.cpus,
        joinedAtMs: worker.joinedAtMs,
        diedAtMs: worker.diedAtMs,
        utilisation: share(worker.use.busyCoreMs, thereMs * worker.spec.cpus),
        lightUtilisation: share(worker.use.lightMs, thereMs),
        tasks: worker.use.runs,
        lightTasks: worker.use.lightTasks,
        highWaterBytes: worker.use.highWaterBytes,
      };
    }),
    events: simulation.events,
  };
}

function share(part: number, whole: number): number {
  return whole <= 0 ? 0 : part / whole;
}
