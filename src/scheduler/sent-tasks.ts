/**
 * What has been sent to workers, as it is counted in their loads: from the assignment of a task until its
 * worker has it no more. Owns the order of these steps; what is counted is in worker-load.ts. Part of Scheduler.
 */
import { expectInputs, expectNoInputs } from "./expected-inputs.js";
import type { Scheduler } from "./scheduler.js";
import { TaskFlag } from "./task-state.js";
import { LARGE_BYTES } from "./transfers.js";
import type { WorkerLoad } from "./worker-load.js";

export class SentTasks {
  constructor(private readonly scheduler: Scheduler) {}

  /** The task was sent to the worker. */
  add(row: number, load: WorkerLoad): void {
    const { scheduler } = this;
    const { tasks, classes, estimates, light } = scheduler;
    const taskClass = classes.list[tasks.taskClass[row]];
    const bytes = estimates.memoryBytes(row, taskClass);
    if (bytes >= LARGE_BYTES) load.memory.expect(row, bytes);
    if (taskClass.light) {
      load.light.assigned++;
      if (load.openAt >= 0 && load.light.room === 0) light.close(load);
      if (bytes >= LARGE_BYTES) load.loadChanged();
      return;
    }
    load.heavyAssigned++;
    load.heavySent.push(row);
    if (tasks.unfinished[row] > 0) load.countAhead(scheduler.variantOf(row), 1);
    else this.take(row, load);
    expectInputs(scheduler, row, load);
  }

  /** The last input of a task that was sent ahead is finished (`there`), or one is not any more. */
  inputsChanged(row: number, load: WorkerLoad, there: boolean): void {
    const { scheduler } = this;
    if (scheduler.classes.list[scheduler.tasks.taskClass[row]].light) return;
    load.countAhead(scheduler.variantOf(row), there ? -1 : 1);
    // Those that were there when it was sent are counted.
    expectNoInputs(scheduler, row, load);
    expectInputs(scheduler, row, load);
    if (there) this.take(row, load);
    else this.giveBack(row, load);
  }

  /** The worker has started it. If it was wanted back: it did not hear of that in time, and will not answer. */
  started(row: number): void {
    const { tasks, workers } = this.scheduler;
    if (!(tasks.flags[row] & TaskFlag.retracting)) return;
    tasks.flags[row] &= ~TaskFlag.retracting;
    workers[tasks.worker[row]]?.retract(this.scheduler.variantOf(row), -1);
  }

  /** The worker does not have the task any more. */
  remove(row: number, load: WorkerLoad): void {
    const { scheduler } = this;
    const { tasks, classes, light } = scheduler;
    const wasExpected = load.memory.expectNoMore(row);
    if (classes.list[tasks.taskClass[row]].light) {
      load.light.finished();
      if (load.openAt < 0) light.roomChanged(load);
      if (wasExpected) load.loadChanged();
      return;
    }
    const variant = scheduler.variantOf(row);
    load.heavyAssigned--;
    if (tasks.unfinished[row] > 0) load.countAhead(variant, -1);
    else this.giveBack(row, load);
    if (tasks.flags[row] & TaskFlag.retracting) load.retract(variant, -1);
  }

  private take(row: number, load: WorkerLoad): void {
    const { estimates, guide } = this.scheduler;
    const variant = this.scheduler.variantOf(row);
    if (guide.isPlanned(row)) load.takePlanned(row, variant);
    load.take(variant, estimates.nowMs);
    this.countWork(row, load, variant.cpus);
  }

  private giveBack(row: number, load: WorkerLoad): void {
    const variant = this.scheduler.variantOf(row);
    load.giveBackPlanned(row);
    load.giveBack(variant);
    this.countWork(row, load, -variant.cpus);
  }

  private countWork(row: number, load: WorkerLoad, cpus: number): void {
    const { tasks, classes, estimates } = this.scheduler;
    const declaredMs = estimates.declaredMs(row);
    if (declaredMs >= 0) load.work.addDeclared(declaredMs * cpus);
    else load.work.add(classes.list[tasks.taskClass[row]], cpus);
  }
}
