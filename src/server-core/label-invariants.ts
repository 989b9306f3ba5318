/** That the counters of label-counts.ts say what the task table has. Called by invariants.ts. */
import { TaskFlag, TaskState } from "../scheduler/index.js";
import type { CoreState } from "./core-state.js";
import { Count, WIDTH } from "./label-counts.js";

/** Throws an Error that names the first counter that differs from what the table has. */
export function checkLabelCounts(core: CoreState): void {
  const { table } = core;
  const open = new Map<string, number>();
  const running = new Map<string, number>();
  const count = (counts: Map<string, number>, key: string) =>
    counts.set(key, (counts.get(key) ?? 0) + 1);
  let runningTasks = 0;
  for (const plan of core.plans) {
    if (plan === undefined) continue;
    const { client, firstRow, taskCount } = plan;
    for (let row = firstRow; row < firstRow + taskCount; row++) {
      const keys = [
        `plan ${core.clientPlanOf(row).index} slot ${client.labels.slotOf(table.taskClass[row])}`,
        `client ${client.handle} slot ${client.labels.slotOf(table.taskClass[row])}`,
      ];
      if (core.isOpen(row)) for (const key of keys) count(open, key);
      if (table.state[row] !== TaskState.assigned || !(table.flags[row] & TaskFlag.started))
        continue;
      for (const key of keys) count(running, key);
      runningTasks++;
      if (!core.runningSince.has(row)) throw new Error(`row ${row} runs, but not since when`);
    }
  }
  if (core.runningSince.size !== runningTasks) {
    throw new Error(`runningSince has ${core.runningSince.size} tasks, counted ${runningTasks}`);
  }
  const check = (name: string, firstSlot: number, counts: Float64Array): Float64Array => {
    const sums = new Float64Array(WIDTH);
    for (let at = 0; at < counts.length; at += WIDTH) {
      const key = `${name} slot ${firstSlot + at / WIDTH}`;
      const [total, runs, finished, failed] = counts.subarray(at, at + WIDTH);
      const left = total - finished - failed;
      for (let k = 0; k < WIDTH; k++) sums[k] += counts[at + k];
      if (left !== (open.get(key) ?? 0)) {
        throw new Error(`${key}: ${left} open tasks, counted ${open.get(key) ?? 0}`);
      }
      if (runs !== (running.get(key) ?? 0)) {
        throw new Error(`${key}: ${runs} running tasks, counted ${running.get(key) ?? 0}`);
      }
    }
    return sums;
  };
  for (const plan of core.plans) {
    if (plan === undefined || plan.copies !== undefined) continue;
    check(`plan ${plan.index}`, plan.labels.firstSlot, plan.labels.counts);
  }
  for (const client of core.clients.values()) {
    const sums = check(`client ${client.handle}`, 0, client.labels.counts);
    const { openTasks, finishedTasks, failedTasks } = client;
    const told = [openTasks + finishedTasks + failedTasks, finishedTasks, failedTasks];
    const counted = [sums[Count.total], sums[Count.finished], sums[Count.failed]];
    if (told.some((number, i) => number !== counted[i])) {
      throw new Error(`client ${client.handle}: ${told} tasks, by label ${counted}`);
    }
  }
}
