/**
 * Which large objects are on their way because a task was sent that needs them. Called by the scheduler;
 * what is done with it is in transfers.ts.
 */
import type { Scheduler } from "./scheduler.js";
import { TaskState } from "./task-state.js";
import { LARGE_BYTES } from "./transfers.js";
import type { WorkerLoad } from "./worker-load.js";

/** A task with 100,000 inputs costs no more than others. */
const INPUTS_CONSIDERED = 64;

/** Large inputs that the worker does not have are on their way to it from now on. */
export function expectInputs(scheduler: Scheduler, row: number, load: WorkerLoad): void {
  const { tasks, transfers } = scheduler;
  const start = tasks.inputStart[row];
  const end = start + Math.min(tasks.inputCount[row], INPUTS_CONSIDERED);
  for (let edge = start; edge < end; edge++) {
    const input = tasks.edgeInput[edge];
    const bytes = tasks.size[input];
    if (bytes < LARGE_BYTES || tasks.state[input] !== TaskState.finished) continue;
    if (!tasks.holds(load.index, input)) transfers.begin(input, bytes, load);
  }
}

/** The task, which has not finished, does not wait there for its inputs any more. */
export function expectNoInputs(
  { tasks, transfers }: Scheduler,
  row: number,
  load: WorkerLoad,
): void {
  if (load.incomingBytes === 0) return;
  const start = tasks.inputStart[row];
  const end = start + Math.min(tasks.inputCount[row], INPUTS_CONSIDERED);
  for (let edge = start; edge < end; edge++) transfers.cancel(tasks.edgeInput[edge], load);
}
