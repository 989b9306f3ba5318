/**
 * When the rows of a forgotten plan may be used again: only after every worker has
 * answered a ping that was sent after the last message about them. Until then a worker may still
 * fetch, hold or report an object by its old row, which would be taken for the new one.
 */
import type { ServerOutbox } from "./outbox.js";
import type { TaskTable } from "./task-table.js";

interface Rows {
  readonly firstRow: number;
  readonly taskCount: number;
  readonly firstEdge: number;
  readonly edgeCount: number;
}

export class RowRetirement {
  /** Forgotten since the ping that is on its way was sent. */
  private next: Rows[] = [];
  /** Waiting for that ping's answers. */
  private current: Rows[] = [];
  /** Workers that have not answered it. Empty ⇔ `current` is empty. */
  private readonly silent = new Set<number>();
  private serial = 0;

  constructor(
    private readonly table: TaskTable,
    private readonly outbox: ServerOutbox,
  ) {}

  retire(rows: Rows): void {
    this.next.push(rows);
  }

  /** Sends the next ping, if there is something to wait for and no ping on its way. */
  advance(workers: Iterable<number>): void {
    if (this.silent.size > 0 || this.next.length === 0) return;
    this.current = this.next;
    this.next = [];
    this.serial = (this.serial + 1) >>> 0;
    for (const worker of workers) {
      this.silent.add(worker);
      this.outbox.ping(worker, this.serial);
    }
    if (this.silent.size === 0) this.release();
  }

  /** The worker has answered a ping. */
  answered(worker: number, serial: number): void {
    if (serial === this.serial) this.workerGone(worker);
  }

  /** The worker will not answer any more, nor say anything else. */
  workerGone(worker: number): void {
    if (this.silent.delete(worker) && this.silent.size === 0) this.release();
  }

  private release(): void {
    for (const { firstRow, taskCount, firstEdge, edgeCount } of this.current) {
      this.table.releaseRows(firstRow, taskCount);
      this.table.releaseEdges(firstEdge, edgeCount);
    }
    this.current = [];
  }
}
