/**
 * How full a worker's memory is, as far as it was told, and will be when what it has been sent has
 * finished. Owns the decision whether it may begin a task that only adds to it. Part of WorkerLoad.
 */

/** The share of a worker's memory that objects may fill; programs and functions need some too. */
const SHARE_FOR_OBJECTS = 0.7;

export class WorkerMemory {
  /** Bytes of objects in memory, as reported last. */
  private usedBytes = 0;
  /** Estimated bytes of the results of the tasks that were sent: each, by row, and their sum. */
  private readonly expected = new Map<number, number>();
  private expectedBytes = 0;
  private readonly limitBytes: number;

  /** @param totalBytes the worker's memory; Infinity: not known */
  constructor(totalBytes: number) {
    this.limitBytes = totalBytes * SHARE_FOR_OBJECTS;
  }

  reported(bytes: number): void {
    this.usedBytes = bytes;
  }

  /** The task of the row was sent, its result will probably have so many bytes in memory. */
  expect(row: number, bytes: number): void {
    this.expectNoMore(row);
    this.expected.set(row, bytes);
    this.expectedBytes += bytes;
  }

  /**
   * The task is not there any more. Estimates may have changed: what was expected of it counts. False: nothing
   * was.
   */
  expectNoMore(row: number): boolean {
    const bytes = this.expected.size === 0 ? undefined : this.expected.get(row);
    if (bytes === undefined) return false;
    this.expected.delete(row);
    this.expectedBytes = this.expected.size === 0 ? 0 : this.expectedBytes - bytes;
    return true;
  }

  /** Whether a result of so many bytes more would fit. */
  hasRoomFor(bytes: number): boolean {
    return this.usedBytes + this.expectedBytes + bytes <= this.limitBytes;
  }

  /** Bytes of results that may come to those that are there. */
  get freeBytes(): number {
    return Math.max(0, this.limitBytes - this.usedBytes);
  }
}
