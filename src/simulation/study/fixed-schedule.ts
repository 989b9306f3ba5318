/** A scheduler that gives a schedule made beforehand, all of it at time 0. */
import type { StudyScheduler } from "./study-scheduler.js";

/** Columns by task. */
export interface FixedAssignment {
  readonly worker: ArrayLike<number>;
  /** Higher first. Default 0 for all: in the order of preparation. */
  readonly priority?: ArrayLike<number>;
  /** See StudyAnswer.assign. Default: none blocks others. */
  readonly blocking?: ArrayLike<number>;
}

/**
 * Follows a fixed assignment.
 * @example
 * simulateStudy(graph, cluster, fixedSchedule({ worker: plan.worker, priority: plan.priority }))
 */
export function fixedSchedule(assignment: FixedAssignment): StudyScheduler {
  const { worker, priority, blocking } = assignment;
  let given = false;
  return {
    decide(_news, answer) {
      if (given) return;
      given = true;
      for (let task = 0; task < worker.length; task++) {
        answer.assign(
          task,
          worker[task],
          priority?.[task] ?? 0,
          blocking?.[task] ?? Number.NEGATIVE_INFINITY,
        );
      }
    },
  };
}
