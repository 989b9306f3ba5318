/** Simple schedulers of the study, to compare with what it has published. */
import type { StudyScheduler, TaskGraph } from "../../../src/simulation/index.js";

/** Longest sums of durations from each task to an end of the graph, its own included. */
export function bLevels(graph: TaskGraph): Float64Array {
  const { taskCount, order, outputStart, userStart, users, durationS } = graph;
  const levels = new Float64Array(taskCount);
  for (let i = taskCount - 1; i >= 0; i--) {
    const task = order[i];
    let below = 0;
    for (let k = userStart[outputStart[task]]; k < userStart[outputStart[task + 1]]; k++) {
      below = Math.max(below, levels[users[k]]);
    }
    levels[task] = below + durationS[task];
  }
  return levels;
}

/** Assigns tasks when they are ready, in ascending order. */
export function whenReady(
  graph: TaskGraph,
  assign: (task: number, answer: Parameters<StudyScheduler["decide"]>[1]) => void,
): StudyScheduler {
  const { taskCount, inputStart, outputStart, userStart, users } = graph;
  const missing = Array.from({ length: taskCount }, (_, t) => inputStart[t + 1] - inputStart[t]);
  let first = true;
  return {
    decide(news, answer) {
      const ready: number[] = [];
      if (first)
        for (let task = 0; task < taskCount; task++) if (missing[task] === 0) ready.push(task);
      first = false;
      for (const task of news.finished) {
        for (let k = userStart[outputStart[task]]; k < userStart[outputStart[task + 1]]; k++) {
          if (--missing[users[k]] === 0) ready.push(users[k]);
        }
      }
      for (const task of ready.sort((a, b) => a - b)) assign(task, answer);
    },
  };
}

/** Everything at worker 0, when it is ready. */
export function singleWorkerScheduler(graph: TaskGraph, priority: Float64Array): StudyScheduler {
  return whenReady(graph, (task, answer) => answer.assign(task, 0, priority[task], 0));
}
