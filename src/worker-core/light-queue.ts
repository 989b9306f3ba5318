/**
 * Ready tasks that need no core, in the order in which they became ready: they are started
 * at once, so the order of assignment would cost a heap and gain nothing. A ring.
 */
import { TaskState, type WorkerTask } from "./worker-task.js";

export class LightQueue {
  private ring: (WorkerTask | undefined)[] = new Array(1024).fill(undefined);
  private first = 0;
  private count = 0;

  push(task: WorkerTask): void {
    if (this.count === this.ring.length) this.grow();
    this.ring[(this.first + this.count) & (this.ring.length - 1)] = task;
    this.count++;
  }

  /** Removes and returns the first task that is still ready. */
  shift(): WorkerTask | undefined {
    while (this.count > 0) {
      const task = this.ring[this.first]!;
      this.ring[this.first] = undefined;
      this.first = (this.first + 1) & (this.ring.length - 1);
      this.count--;
      if (task.state === TaskState.ready) return task;
    }
    return undefined;
  }

  /** All tasks inside that are ready. For checks. */
  tasks(): WorkerTask[] {
    return this.ring.filter((task) => task?.state === TaskState.ready) as WorkerTask[];
  }

  private grow(): void {
    const { ring, first, count } = this;
    const bigger: (WorkerTask | undefined)[] = new Array(ring.length * 2).fill(undefined);
    for (let i = 0; i < count; i++) bigger[i] = ring[(first + i) & (ring.length - 1)];
    this.ring = bigger;
    this.first = 0;
  }
}
