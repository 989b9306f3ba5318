/** Whether a task may go to an idle worker, apart from how long that takes. Asked by what moves tasks. */
import { gatheredAt } from "./gathering.js";
import { onlyAdds } from "./placement.js";
import type { Scheduler } from "./scheduler.js";
import type { TaskClass } from "./task-class.js";
import { ableFor } from "./worker-index.js";
import type { WorkerLoad } from "./worker-load.js";

/** Whether the thief could start the ready task now, if it had the data, and nothing says where it has to be. */
export function couldTake(
  scheduler: Scheduler,
  row: number,
  taskClass: TaskClass,
  thief: WorkerLoad,
): boolean {
  const { shape } = taskClass;
  // The plan knows better, unless it has failed.
  if (scheduler.guide.isPlanned(row) && !scheduler.guide.isOverdue) return false;
  if (!ableFor(shape, thief)) return false;
  const gathered = gatheredAt(scheduler, row, taskClass);
  if (gathered !== undefined && gathered !== thief) return false;
  const bytes = scheduler.estimates.memoryBytes(row, taskClass);
  if (onlyAdds(scheduler.tasks, row, bytes) && !thief.mayAdd(bytes)) return false;
  return shape.kind.variants.some((one) => thief.couldServe(one) && thief.fits(one));
}
