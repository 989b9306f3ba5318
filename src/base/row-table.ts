/**
 * Values by row number, where rows are dense and come in runs, as those of the server's task
 * table. Pages of an array beat a Map several times (no hashing, neighbours share cache lines,
 * deleting leaves nothing behind); the pages are in a Map, as one worker may see few of very
 * many rows. Used by the worker's tables.
 */
const PAGE_BITS = 8;
const PAGE_SIZE = 1 << PAGE_BITS;

class Page<T> {
  used = 0;
  readonly values: (T | undefined)[] = new Array(PAGE_SIZE).fill(undefined);

  constructor(readonly number: number) {}
}

/** A Map from row (an unsigned 32-bit number) to T; undefined is no value. */
export class RowTable<T> {
  private readonly pages = new Map<number, Page<T>>();
  /** The page used last: mostly the next one too. */
  private last: Page<T> | undefined;
  private count = 0;

  /** Rows that have a value. */
  get size(): number {
    return this.count;
  }

  get(row: number): T | undefined {
    const page = this.findPage(row);
    return page === undefined ? undefined : page.values[row & (PAGE_SIZE - 1)];
  }

  set(row: number, value: T): void {
    let page = this.findPage(row);
    if (page === undefined) {
      page = new Page(row >>> PAGE_BITS);
      this.pages.set(page.number, page);
      this.last = page;
    }
    const at = row & (PAGE_SIZE - 1);
    if (page.values[at] === undefined) {
      page.used++;
      this.count++;
    }
    page.values[at] = value;
  }

  /** Removes the row's value; false if it had none. */
  delete(row: number): boolean {
    const page = this.findPage(row);
    const at = row & (PAGE_SIZE - 1);
    if (page === undefined || page.values[at] === undefined) return false;
    page.values[at] = undefined;
    page.used--;
    this.count--;
    if (page.used === 0) {
      this.pages.delete(page.number);
      this.last = undefined;
    }
    return true;
  }

  clear(): void {
    this.pages.clear();
    this.last = undefined;
    this.count = 0;
  }

  /** All values, in no order. */
  *values(): IterableIterator<T> {
    for (const page of this.pages.values()) {
      for (const value of page.values) if (value !== undefined) yield value;
    }
  }

  private findPage(row: number): Page<T> | undefined {
    const number = row >>> PAGE_BITS;
    const { last } = this;
    if (last !== undefined && last.number === number) return last;
    const page = this.pages.get(number);
    if (page !== undefined) this.last = page;
    return page;
  }
}
