/**
 * Ready tasks that hold resources while they run. Decides which one starts next: the one with the
 * highest priority, of equal ones the one assigned first. While it does not fit, others may pass
 * (backfilling). Those that take away what it waits for may do so {@link MAX_PASSED_OVER} times:
 * then what becomes free is kept for it, and only tasks that leave enough for it pass.
 *
 * One heap per request: only the first task of each is looked at.
 */
import type { ResourceSlots } from "./resource-slots.js";
import type { WorkerRequest } from "./worker-request.js";
import { startsBefore, type WorkerTask } from "./worker-task.js";

/** So often may tasks that delay it start before one that does not fit. */
export const MAX_PASSED_OVER = 64;

export class RequestQueue {
  /** Requests with tasks in their heaps, and some that were emptied since. */
  private readonly active: WorkerRequest[] = [];
  /** Nothing may start until something changes: no need to look again. */
  private stalled = true;

  constructor(private readonly slots: ResourceSlots) {}

  push(task: WorkerTask): void {
    const request = task.request!;
    request.ready.push(task);
    if (!request.isQueued) {
      request.isQueued = true;
      this.active.push(request);
    }
    this.stalled = false;
  }

  /** A task inside is not ready any more. */
  taskGone(task: WorkerTask): void {
    task.request!.ready.taskGone();
    this.stalled = false;
  }

  /** Resources have become free. */
  resourcesFreed(): void {
    this.stalled = false;
  }

  /** Removes and returns the task to start now, if there is one. */
  next(): WorkerTask | undefined {
    if (this.stalled) return undefined;
    const { active } = this;
    let best: WorkerTask | undefined;
    for (let i = 0; i < active.length; i++) {
      const head = this.headAt(i);
      if (head === undefined) {
        i--;
        continue;
      }
      if (best !== undefined && startsBefore(best, head)) continue;
      if (this.slots.fits(active[i]) && !this.isKeptBack(head)) best = head;
    }
    if (best === undefined) {
      this.stalled = true;
      return undefined;
    }
    const request = best.request!;
    if (active.length > 1) this.countPassedOver(best);
    request.ready.shift();
    return best;
  }

  /**
   * Removes and returns the first task like `leader`, which runs, to share what that one holds. None
   * if another task is to have some of it before.
   */
  nextLike(leader: WorkerTask): WorkerTask | undefined {
    const request = leader.request!;
    const task = request.ready.head();
    if (task === undefined || task.taskType !== leader.taskType) return undefined;
    for (const other of this.active) {
      if (other === request || !other.sharesResource(request)) continue;
      const head = other.ready.head();
      if (head !== undefined && startsBefore(head, task)) return undefined;
    }
    request.ready.shift();
    return task;
  }

  /** All tasks inside. For checks. */
  tasks(): WorkerTask[] {
    return this.active.flatMap((request) => request.ready.tasks());
  }

  /** The first task of an active request; one without any is taken out. */
  private headAt(i: number): WorkerTask | undefined {
    const { active } = this;
    const head = active[i].ready.head();
    if (head !== undefined) return head;
    active[i].isQueued = false;
    const last = active.pop()!;
    if (i < active.length) active[i] = last;
    return undefined;
  }

  /** Something is kept for a task before this one, which would not be left enough. */
  private isKeptBack(task: WorkerTask): boolean {
    for (const request of this.active) {
      const head = request.ready.head();
      if (head === undefined || head.passedOver < MAX_PASSED_OVER) continue;
      if (startsBefore(head, task) && this.slots.delays(task.request!, request)) return true;
    }
    return false;
  }

  private countPassedOver(task: WorkerTask): void {
    for (const request of this.active) {
      const head = request.ready.head();
      if (head === undefined || head === task || !startsBefore(head, task)) continue;
      if (this.slots.delays(task.request!, request)) head.passedOver++;
    }
  }
}
