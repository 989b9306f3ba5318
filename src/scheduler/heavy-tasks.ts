/**
 * Hands out tasks with requests: the first in order (user priority, then rank) first; where it fits
 * nowhere, tasks of other shapes may go before it. Those that queue at a worker go there when it has room.
 */
import { gatheredAt } from "./gathering.js";
import { Placement } from "./placement.js";
import type { RequestVariant } from "./request-kind.js";
import { RowHeap } from "./row-heap.js";
import type { Scheduler } from "./scheduler.js";
import type { TaskShape } from "./task-class.js";
import { TaskFlag, TaskState } from "./task-state.js";
import type { WorkerLoad } from "./worker-load.js";

/** Tasks of a worker's queue that others pass at once, as they do not fit. */
const MAX_PASSED_OVER = 16;
/** Longer heaps of ready tasks are put into the order of new ranks when they have become shorter. */
const MAX_REKEYED = 1_000_000;
/** So many tasks that would fill memory are passed over in one pass, */
const MAX_SET_ASIDE = 512;
/** and so many of them are looked at again in the next one: the others are such that come behind. */
const LOOKED_AT_AGAIN = 256;
/** When memory is there again. */
const TAKEN_BACK = 4096;

export class HeavyTasks {
  private readonly placement: Placement;
  /** Shapes with ready tasks, by the key of the first of these. */
  private readonly shapeHeap = new RowHeap();
  /** Of a worker's queue, while it is served. */
  private readonly passedOver: { row: number; key: number }[] = [];
  /** Tasks that are not begun in this pass, as memory is short; */
  private readonly setAside: number[] = [];
  /** and those of earlier passes. Whether they are ready still is looked at when they leave it. */
  private readonly waitForMemory = new RowHeap();
  /** Count of rankings so far. */
  private rankings = 0;

  constructor(private readonly scheduler: Scheduler) {
    this.placement = new Placement(scheduler);
  }

  /** Sends what queues at the worker. */
  serveLocal(load: WorkerLoad): void {
    const { scheduler } = this;
    const { tasks, classes, estimates, guide } = scheduler;
    if (guide.holdsBack) return;
    this.sendAhead(load);
    const { passedOver } = this;
    const queue = load.localHeavy;
    if (load.rankedAs !== this.rankings) {
      load.rankedAs = this.rankings;
      queue.rekey((row) => scheduler.keyOf(row, classes.list[tasks.taskClass[row]]));
    }
    while (queue.length > 0 && scheduler.budget > 0) {
      const row = queue.top();
      const taskClass = classes.list[tasks.taskClass[row]];
      if (!taskClass.light && scheduler.sendable(row, load, taskClass)) {
        if (tasks.state[row] === TaskState.ready && !guide.isPlanned(row)) {
          // What its result is like may be known only now.
          const gathered = gatheredAt(scheduler, row, taskClass);
          if (gathered !== undefined && gathered !== load) {
            queue.pop();
            scheduler.budget--;
            scheduler.queueLocally(row, gathered, taskClass);
            continue;
          }
        }
        const variant = bestVariant(load, taskClass.shape.kind.variants);
        const durationMs = estimates.durationMs(row, taskClass);
        // All of a plan is sent, so that the worker may start any of it when its inputs are there.
        if (
          !guide.isPlanned(row) &&
          !load.fits(variant) &&
          !estimates.mayQueue(load, variant, durationMs, 0)
        ) {
          if (tasks.state[row] === TaskState.ready) {
            // What is too little for it is not too little for all. Where much queues, it is.
            if (load.relative >= 2 || passedOver.length >= MAX_PASSED_OVER) break;
            passedOver.push({ row, key: queue.topKey() });
            queue.pop();
            continue;
          }
          // Its plan has ended, and there is no room: it will be ready one day.
          queue.pop();
          tasks.flags[row] &= ~TaskFlag.queued;
          continue;
        }
      }
      scheduler.serveQueued(queue.pop(), load);
    }
    for (const { row, key } of passedOver) queue.push(row, key);
    passedOver.length = 0;
  }

  /** Sends what can be sent ahead of its inputs; what is ready by now may go anywhere. */
  private sendAhead(load: WorkerLoad): void {
    const { scheduler } = this;
    const { tasks, classes, estimates } = scheduler;
    const { ahead } = load;
    while (ahead.length > 0 && scheduler.budget > 0) {
      const row = ahead.popFront();
      tasks.flags[row] &= ~TaskFlag.queued;
      const taskClass = classes.list[tasks.taskClass[row]];
      if (taskClass.light) continue;
      if (tasks.state[row] === TaskState.ready) {
        scheduler.taskReady(row);
      } else if (scheduler.sendable(row, load, taskClass)) {
        const variant = bestVariant(load, taskClass.shape.kind.variants);
        const durationMs = estimates.durationMs(row, taskClass);
        if (estimates.mayGoAhead(load, variant, durationMs)) scheduler.assign(row, load);
      }
    }
  }

  /** Sends ready tasks of these shapes that may go anywhere; takes those without any out of the set. */
  serve(readyShapes: Set<number>): void {
    const { scheduler, shapeHeap, placement } = this;
    const { classes, tasks, estimates, index, alive } = scheduler;
    shapeHeap.clear();
    this.lookAgain(readyShapes);
    for (const number of readyShapes) {
      const shape = classes.shapes[number];
      if (shape.light) continue;
      if (shape.rankedAs !== this.rankings) this.rekey(shape);
      this.skipStale(shape);
      if (shape.heavy.length === 0) readyShapes.delete(number);
      else shapeHeap.push(number, shape.heavy.topKey());
    }
    while (shapeHeap.length > 0 && scheduler.budget > 0) {
      const shape = classes.shapes[shapeHeap.pop()];
      const { heavy } = shape;
      const row = heavy.top();
      const taskClass = classes.list[tasks.taskClass[row]];
      const gathered = gatheredAt(scheduler, row, taskClass);
      if (gathered !== undefined) {
        heavy.pop();
        scheduler.budget--;
        scheduler.queueLocally(row, gathered, taskClass);
        this.skipStale(shape);
        if (heavy.length > 0) shapeHeap.push(shape.index, heavy.topKey());
        continue;
      }
      placement.choose(row, taskClass);
      if (placement.worker === undefined && placement.heldBack) {
        const bytes = estimates.memoryBytes(row, taskClass);
        if (index.wantMemory(bytes, alive)) placement.choose(row, taskClass);
      }
      if (placement.worker === undefined) {
        if (!placement.heldBack || this.setAside.length >= MAX_SET_ASIDE) continue;
        // It would fill memory; one behind it may free some.
        this.setAside.push(row);
        heavy.pop();
        this.skipStale(shape);
        if (heavy.length > 0) shapeHeap.push(shape.index, heavy.topKey());
        continue;
      }
      heavy.pop();
      if (placement.hasRoom) {
        scheduler.assign(row, placement.worker, placement.variant);
      } else {
        scheduler.budget--;
        scheduler.queueLocally(row, placement.worker, taskClass);
      }
      this.skipStale(shape);
      if (heavy.length > 0) shapeHeap.push(shape.index, heavy.topKey());
    }
    for (const row of this.setAside) {
      this.waitForMemory.push(row, scheduler.keyOf(row, classes.list[tasks.taskClass[row]]));
    }
  }

  /** The first of those that wait for memory are ready as others are. */
  private lookAgain(readyShapes: Set<number>): void {
    const { scheduler, waitForMemory, setAside } = this;
    const { tasks, classes } = scheduler;
    const isShort = setAside.length > 0;
    setAside.length = 0;
    for (let n = isShort ? LOOKED_AT_AGAIN : TAKEN_BACK; n > 0 && waitForMemory.length > 0; n--) {
      const row = waitForMemory.pop();
      const taskClass = classes.list[tasks.taskClass[row]];
      if (tasks.state[row] !== TaskState.ready || taskClass.light) continue;
      taskClass.shape.heavy.push(row, scheduler.keyOf(row, taskClass));
      readyShapes.add(taskClass.shape.index);
    }
  }

  private skipStale(shape: TaskShape): void {
    const { heavy } = shape;
    const { tasks, classes } = this.scheduler;
    const { state, flags, taskClass } = tasks;
    while (heavy.length > 0) {
      const row = heavy.top();
      if (
        state[row] === TaskState.ready &&
        !(flags[row] & TaskFlag.queued) &&
        classes.list[taskClass[row]].shape === shape
      ) {
        return;
      }
      heavy.pop();
    }
  }

  /** Ready tasks get new places in the next pass. */
  ranksChanged(): void {
    this.rankings++;
  }

  private rekey(shape: TaskShape): void {
    const { scheduler } = this;
    const { tasks, classes } = scheduler;
    if (shape.heavy.length > MAX_REKEYED) return;
    shape.rankedAs = this.rankings;
    shape.heavy.rekey((row) => {
      const taskClass = classes.list[tasks.taskClass[row]];
      const here = tasks.state[row] === TaskState.ready && taskClass.shape === shape;
      return here ? scheduler.keyOf(row, taskClass) : Number.NaN;
    });
  }
}

/** The first variant that fits now; else the first that the worker could serve at all. */
export function bestVariant(load: WorkerLoad, variants: readonly RequestVariant[]): RequestVariant {
  if (variants.length === 1) return variants[0];
  const fitting = variants.find((one) => load.couldServe(one) && load.fits(one));
  return fitting ?? variants.find((one) => load.couldServe(one)) ?? variants[0];
}
