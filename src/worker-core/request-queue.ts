/**
 * Ready tasks that hold resources while they run. Decides which one starts next: the one with the
 * highest priority, of equal ones the one assigned first. While it does not fit, others may pass
 * (backfilling). Those that take away what it waits for may do so MAX_PASSED_OVER times:
 * then what becomes free is kept for it, and only tasks that leave enough for it pass.
 *
 * One heap per request: only the first task of each is looked at, and of requests only some
 * (request-order.ts), as there may be a new one for each file of a user.
 */
import { RequestOrder } from "./request-order.js";
import type { ResourceSlots } from "./resource-slots.js";
import type { WorkerRequest } from "./worker-request.js";
import { startsBefore, type WorkerTask } from "./worker-task.js";

/** So often may tasks that delay it start before one that does not fit. */
const MAX_PASSED_OVER = 64;

export class RequestQueue {
  /** Of requests with tasks in their heaps: placed by the first of them. */
  readonly order: RequestOrder;
  /** Nothing may start until something changes: no need to look again. */
  private stalled = true;

  constructor(slots: ResourceSlots, maxPassedOver = MAX_PASSED_OVER) {
    this.order = new RequestOrder(slots, maxPassedOver);
  }

  push(task: WorkerTask): void {
    const request = task.request!;
    request.ready.push(task);
    const first = request.place.head;
    if (first === undefined || startsBefore(task, first)) this.order.place(request, task);
    this.stalled = false;
  }

  /** A task inside is not ready any more. */
  taskGone(task: WorkerTask): void {
    const request = task.request!;
    request.ready.taskGone();
    if (request.place.head === task) this.placeAgain(request);
    this.stalled = false;
  }

  /** Resources have become free. */
  resourcesFreed(): void {
    this.stalled = false;
  }

  /** Removes and returns the task to start now, if there is one. */
  next(): WorkerTask | undefined {
    if (this.stalled) return undefined;
    const task = this.order.findStartable();
    if (task === undefined) {
      this.stalled = true;
      return undefined;
    }
    this.order.countPassedOver(task);
    this.shift(task.request!);
    return task;
  }

  /**
   * Removes and returns the first task like `leader`, which runs, to share what that one holds. None
   * if another task is to have some of it before.
   */
  nextLike(leader: WorkerTask): WorkerTask | undefined {
    const request = leader.request!;
    const task = request.place.head;
    if (task === undefined || task.taskType !== leader.taskType) return undefined;
    if (this.order.isSharedBefore(task)) return undefined;
    // What was kept for it is there for others now.
    if (request.place.isKept) this.stalled = false;
    this.shift(request);
    return task;
  }

  /** All tasks inside. For checks. */
  tasks(): WorkerTask[] {
    return this.order.requests().flatMap((request) => request.ready.tasks());
  }

  private shift(request: WorkerRequest): void {
    request.ready.shift();
    this.placeAgain(request);
  }

  private placeAgain(request: WorkerRequest): void {
    this.order.place(request, request.ready.head());
  }
}
