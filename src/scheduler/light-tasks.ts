/**
 * Hands out light tasks (without a request). Ready ones with inputs queue at the worker that
 * holds these, others go in runs of neighbours to all workers with room: a run's dependents
 * have their inputs together. An idle worker takes over from the longest queue.
 */
import { missingBytes } from "./placement.js";
import type { Scheduler } from "./scheduler.js";
import type { TaskClass, TaskShape } from "./task-class.js";
import { TaskFlag, TaskState } from "./task-state.js";
import { LARGE_BYTES } from "./transfers.js";
import type { WorkerLoad } from "./worker-load.js";

/** Fewer light tasks than this in a worker's own queue are not worth moving. */
const WORTH_MOVING = 64;
/** Tasks looked at each time to move them, where few may. */
const LOOKED_AT = 4096;
/**
 * Short tasks go out together, about so much work to one worker: less costs more in messages to many workers,
 * and in transfers between them, than it gains.
 */
const RUN_MS = 1;
/** Of tasks that take no measurable time: some microseconds each, with all that belongs to them. */
const LONGEST_RUN = 256;
/** Of tasks that nothing is known of. */
const UNKNOWN_RUN = 16;
/** How often full windows are looked at. */
const BLOCKED_INTERVAL_MS = 10;

export class LightTasks {
  /** Workers with room, in no order; `openAt` is their position. */
  private readonly open: WorkerLoad[] = [];
  private nextOpen = 0;
  private lastBlockedMs = 0;
  /** Where moving tasks was broken off the last time. */
  private firstThief = 0;

  constructor(private readonly scheduler: Scheduler) {}

  /** The worker's window or what it has been sent has changed. */
  roomChanged(load: WorkerLoad): void {
    if (load.light.room > 0) {
      if (load.openAt < 0) {
        load.openAt = this.open.length;
        this.open.push(load);
      }
    } else if (load.openAt >= 0) {
      this.close(load);
    }
  }

  close(load: WorkerLoad): void {
    const at = load.openAt;
    if (at < 0) return;
    const last = this.open.pop()!;
    if (last !== load) {
      this.open[at] = last;
      last.openAt = at;
    }
    load.openAt = -1;
  }

  /** Sends what queues at the worker, as far as there is room. */
  serveLocal(load: WorkerLoad): void {
    const { scheduler } = this;
    const queue = load.localLight;
    if (queue.length === 0) return;
    // assign() may append to the queue: a task that is sent makes the next of its chain placeable.
    for (let room = load.light.room; queue.length > 0 && room > 0 && scheduler.budget > 0; room--) {
      scheduler.serveQueued(queue.popFront(), load);
    }
    if (queue.length > 0) load.light.full();
  }

  /**
   * Sends ready tasks of these shapes that may go anywhere, by priority; of equal priority those first of which
   * none were sent lately. Takes shapes without any out of the set.
   */
  serve(readyShapes: Set<number>): void {
    const shapes: TaskShape[] = [];
    for (const index of readyShapes) {
      const shape = this.scheduler.classes.shapes[index];
      if (!shape.light) continue;
      if (shape.ready.length > 0) shapes.push(shape);
      else readyShapes.delete(index);
    }
    if (shapes.length > 1) shapes.sort((a, b) => b.priority - a.priority);
    for (const shape of shapes) {
      const before = shape.ready.length;
      this.serveShape(shape);
      if (shape.ready.length === before) continue;
      readyShapes.delete(shape.index);
      if (shape.ready.length > 0) readyShapes.add(shape.index);
    }
  }

  private serveShape(shape: TaskShape): void {
    const { scheduler, open } = this;
    const { tasks, classes } = scheduler;
    const { ready } = shape;
    if (open.length === 0 || scheduler.index.ableOf(shape, scheduler.alive).length === 0) return;
    const first = classes.list[tasks.taskClass[ready.front()]];
    const run = Math.max(Math.ceil(ready.length / open.length), worthTogether(first));
    for (let tried = 0; tried < open.length && ready.length > 0 && scheduler.budget > 0; ) {
      if (this.nextOpen >= open.length) this.nextOpen = 0;
      const load = open[this.nextOpen];
      if (!load.offers(shape.taskType) || !load.mayAdd(0)) {
        this.nextOpen++;
        tried++;
        continue;
      }
      let room = Math.min(load.light.room, run);
      while (room > 0 && ready.length > 0) {
        const row = ready.popFront();
        if (tasks.state[row] !== TaskState.ready || tasks.flags[row] & TaskFlag.queued) continue;
        const taskClass = classes.list[tasks.taskClass[row]];
        if (taskClass.shape !== shape) continue;
        const bytes = scheduler.estimates.memoryBytes(row, taskClass);
        if (bytes >= LARGE_BYTES && !load.mayAdd(bytes)) {
          ready.pushFront(row);
          break;
        }
        scheduler.assign(row, load);
        room--;
      }
      if (ready.length > 0 && room === 0) load.light.full();
      // What it was sent may have made more placeable here: depth first.
      scheduler.serveLocal(load);
      if (load.openAt >= 0) {
        this.nextOpen++;
        tried++;
      }
    }
  }

  /** Windows that are full while nothing finishes grow after a while. */
  noteBlocked(nowMs: number): void {
    if (nowMs - this.lastBlockedMs < BLOCKED_INTERVAL_MS) return;
    this.lastBlockedMs = nowMs;
    const { alive, classes } = this.scheduler;
    const waiting = classes.shapes.filter(({ light, ready }) => light && ready.length > 0);
    for (const load of alive) {
      if (load.light.room > 0) continue;
      const wanted = load.localLight.length > 0 || waiting.some((s) => load.offers(s.taskType));
      if (!wanted) continue;
      load.light.blocked(nowMs);
      this.roomChanged(load);
      this.scheduler.mark(load);
    }
  }

  /** An idle worker takes ready tasks from the longest queue that is not sent yet. */
  rebalance(): void {
    const { scheduler } = this;
    const { alive, tasks, classes } = scheduler;
    let from: WorkerLoad | undefined;
    for (const load of alive) {
      if (load.localLight.length > (from?.localLight.length ?? WORTH_MOVING)) from = load;
    }
    if (from === undefined) return;
    const queue = from.localLight;
    const { firstThief } = this;
    this.firstThief = 0;
    let looks = LOOKED_AT;
    for (let i = 0; i < alive.length; i++) {
      const thief = alive[(firstThief + i) % alive.length];
      if (thief === from || thief.light.assigned * 4 > thief.light.size) continue;
      if (looks <= 0) {
        this.firstThief = firstThief + i;
        break;
      }
      const backlogMs = queue.length / from.light.ratePerMs;
      let count = Math.min(thief.light.room, queue.length >> 1);
      let kept = 0;
      const keep: number[] = [];
      while (count > 0 && kept < WORTH_MOVING && queue.length > 0) {
        const row = queue.popBack();
        const { shape } = classes.list[tasks.taskClass[row]];
        if (tasks.state[row] !== TaskState.ready) {
          // Not ready: its inputs are being made at `from`. Not waiting: stale.
          if (tasks.state[row] === TaskState.waiting) keep.push(row);
          else tasks.flags[row] &= ~TaskFlag.queued;
          kept++;
          continue;
        }
        const transferMs = scheduler.estimates.transferMs(
          thief,
          missingBytes(scheduler, row, thief.index),
        );
        if (!thief.offers(shape.taskType) || transferMs > backlogMs) {
          keep.push(row);
          kept++;
          continue;
        }
        tasks.flags[row] &= ~TaskFlag.queued;
        scheduler.assign(row, thief);
        count--;
      }
      looks -= kept;
      while (keep.length > 0) queue.pushBack(keep.pop()!);
    }
  }
}

/** How many light tasks of a class are sent to one worker rather than to several. */
function worthTogether(taskClass: TaskClass): number {
  if ((taskClass.resultBytes ?? 0) >= LARGE_BYTES) return 1;
  if (taskClass.known) {
    return Math.min(LONGEST_RUN, Math.max(1, Math.floor(RUN_MS / taskClass.durationMs)));
  }
  return taskClass.isInstant ? LONGEST_RUN : UNKNOWN_RUN;
}
