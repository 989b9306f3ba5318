/**
 * Which task a row of the server's table was, at the end of the trace and before: rows are used again. Called
 * while a trace is read, and to join what workers say with it.
 */
import type { TaskColumns } from "./task-columns.js";

const PAGE_BITS = 12;
const PAGE_ROWS = 1 << PAGE_BITS;

export class TaskRows {
  private readonly pages = new Map<number, Int32Array<ArrayBuffer>>();
  private lastNumber = -1;
  private lastPage = new Int32Array(0);
  /** Of rows that were used several times: all their tasks, in order. Made when they are asked for. */
  private readonly earlier = new Map<number, number[]>();

  /** The row's task now; -1: none. */
  find(row: number): number {
    const page = this.findPage(row >>> PAGE_BITS);
    return page === undefined ? -1 : page[row & (PAGE_ROWS - 1)];
  }

  set(row: number, task: number): void {
    const number = row >>> PAGE_BITS;
    let page = this.findPage(number);
    if (page === undefined) {
      page = new Int32Array(PAGE_ROWS).fill(-1);
      this.pages.set(number, page);
    }
    page[row & (PAGE_ROWS - 1)] = task;
  }

  /** The task that had this attempt; -1: none. */
  findByAttempt(tasks: TaskColumns, row: number, attempt: number): number {
    const { firstAttempt } = tasks;
    const last = this.find(row);
    if (last === -1 || firstAttempt[last] <= attempt) return last;
    return this.search(tasks, row, (task) => firstAttempt[task] <= attempt);
  }

  /** The row's task at the time; the first one if it had none yet; -1: it never had one. */
  findByTime(tasks: TaskColumns, row: number, timeMs: number): number {
    const { submittedMs } = tasks;
    const last = this.find(row);
    if (last === -1 || submittedMs[last] <= timeMs || tasks.previous[last] === -1) return last;
    const task = this.search(tasks, row, (each) => submittedMs[each] <= timeMs);
    return task === -1 ? this.earlierTasks(tasks, row)[0] : task;
  }

  /** The last of the row's tasks that is early enough: those before it are too. */
  private search(tasks: TaskColumns, row: number, isEarly: (task: number) => boolean): number {
    const list = this.earlierTasks(tasks, row);
    let low = 0;
    let high = list.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (isEarly(list[middle])) low = middle + 1;
      else high = middle;
    }
    return low === 0 ? -1 : list[low - 1];
  }

  private earlierTasks({ previous }: TaskColumns, row: number): number[] {
    let list = this.earlier.get(row);
    if (list === undefined) {
      list = [];
      for (let task = this.find(row); task !== -1; task = previous[task]) list.push(task);
      list.reverse();
      this.earlier.set(row, list);
    }
    return list;
  }

  private findPage(number: number): Int32Array<ArrayBuffer> | undefined {
    if (number === this.lastNumber) return this.lastPage;
    const page = this.pages.get(number);
    if (page !== undefined) {
      this.lastNumber = number;
      this.lastPage = page;
    }
    return page;
  }
}
