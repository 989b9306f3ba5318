/** A task with a request has ended: who learns of its execution time. Part of Scheduler. */
import type { Scheduler } from "./scheduler.js";
import { TaskFlag } from "./task-state.js";
import type { WorkerLoad } from "./worker-load.js";

/** Of one execution: its time, 0 if it did not finish, what was expected, and whether the plan goes by that. */
export interface MeasuredDuration {
  readonly ms: number;
  readonly estimateMs: number;
  readonly wasPlanned: boolean;
}

export function noteDuration(
  { classes, tasks, guide, ranking, nowMs }: Scheduler,
  row: number,
  load: WorkerLoad,
  { ms, estimateMs, wasPlanned }: MeasuredDuration,
): void {
  const taskClass = classes.list[tasks.taskClass[row]];
  if (tasks.flags[row] & TaskFlag.started) taskClass.durations.ended(nowMs, ms);
  if (ms <= 0) return;
  load.heavyFinished = true;
  if (taskClass.known) load.addDuration(ms, estimateMs);
  if (wasPlanned) guide.noteDuration(ms, estimateMs);
  taskClass.durations.add(ms);
  ranking.estimateChanged(taskClass.index, nowMs);
}
