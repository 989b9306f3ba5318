/**
 * When not to spread: tasks with large results that one task takes all of. Their results have to come to one place
 * in the end; where that takes longer than to make them there, they wait for cores there. Asked by placement
 * and by what moves tasks.
 */
import { onlyAdds } from "./placement.js";
import type { Scheduler } from "./scheduler.js";
import type { TaskClass } from "./task-class.js";
import { LARGE_BYTES } from "./transfers.js";
import { ableFor } from "./worker-index.js";
import type { WorkerLoad } from "./worker-load.js";

/** A result's way must take so many times as long as its share of the cores there: estimates are what they are. */
const CLEARLY = 2;
/** The same while the bandwidth is only assumed: where nothing is spread it would never be measured. */
const BEYOND_DOUBT = 3;
/** Inputs of the user for each core: fewer do not fill a worker, and may as well be made beside each other elsewhere. */
const MANY_PER_CORE = 4;
/** Inputs of the user that are asked where they are. */
const SIBLINGS = 4;

/** The worker where the results meet, if the ready task with a request should wait for cores there. */
export function gatheredAt(
  scheduler: Scheduler,
  row: number,
  taskClass: TaskClass,
): WorkerLoad | undefined {
  const { estimates, tasks, transfers, workers } = scheduler;
  const edge = tasks.userHead[row];
  // With several users the result goes to several places anyway.
  if (edge < 0 || tasks.nextUser[edge] >= 0) return undefined;
  const user = tasks.edgeUser[edge];
  const inputs = tasks.inputCount[user];
  if (inputs < MANY_PER_CORE) return undefined;
  const bytes = estimates.resultBytes(row, taskClass);
  if (bytes < LARGE_BYTES) return undefined;
  const start = tasks.inputStart[user];
  for (let i = 0; i < Math.min(inputs, SIBLINGS); i++) {
    const sibling = tasks.edgeInput[start + i];
    const load = sibling === row ? undefined : workers[tasks.worker[sibling]];
    if (load === undefined) continue;
    const coreMs = (estimates.durationMs(row, taskClass) * load.slowness) / load.cpus;
    const cpus = Math.max(1, scheduler.variantOf(row).cpus);
    const times = transfers.isMeasured ? CLEARLY : BEYOND_DOUBT;
    if (bytes / transfers.network.bytesPerMs < times * cpus * coreMs) return undefined;
    if (inputs < MANY_PER_CORE * load.cpus || !ableFor(taskClass.shape, load)) return undefined;
    const memoryBytes = estimates.memoryBytes(row, taskClass);
    if (onlyAdds(tasks, row, memoryBytes) && !load.mayAdd(memoryBytes)) return undefined;
    return load;
  }
  return undefined;
}
