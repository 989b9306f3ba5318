/** An answer of the scheduler that has not been applied yet: its parts in the order given. */
import type { StudyAnswer } from "./study-scheduler.js";

const ASSIGN = 0;
const WITHDRAW = 1;
const PREFETCH = 2;
const FIELDS = 5;

export class PendingAnswer implements StudyAnswer {
  /** Flat: kind, task or object, worker, priority, blocking. */
  private readonly parts: number[] = [];

  assign(task: number, worker: number, priority: number, blocking: number): void {
    this.parts.push(ASSIGN, task, worker, priority, blocking);
  }

  withdraw(task: number): void {
    this.parts.push(WITHDRAW, task, 0, 0, 0);
  }

  prefetch(object: number, worker: number, priority: number): void {
    this.parts.push(PREFETCH, object, worker, priority, 0);
  }

  /** Hands all parts on, once. */
  applyTo(target: StudyAnswer): void {
    const { parts } = this;
    for (let at = 0; at < parts.length; at += FIELDS) {
      const [kind, number, worker, priority, blocking] = parts.slice(at, at + FIELDS);
      if (kind === ASSIGN) target.assign(number, worker, priority, blocking);
      else if (kind === WITHDRAW) target.withdraw(number);
      else target.prefetch(number, worker, priority);
    }
    parts.length = 0;
  }
}
