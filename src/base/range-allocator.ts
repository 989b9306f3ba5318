/**
 * Hands out ranges of dense integers (rows of a table) and takes them back. Sizes are
 * rounded up to one of eight classes per power of two, so that a freed range fits the next
 * request of about its size: at most 1/8 is wasted, allocation and release are O(1).
 */
export class RangeAllocator {
  /** All ranges are below this. */
  end = 0;
  private readonly free = new Map<number, number[]>();

  /** Start of a range of at least `count` integers. */
  allocate(count: number): number {
    const size = roundUp(count);
    const start = this.free.get(size)?.pop();
    if (start !== undefined) return start;
    const fresh = this.end;
    this.end += size;
    return fresh;
  }

  /** `start` and `count` as at allocate(). */
  release(start: number, count: number): void {
    const size = roundUp(count);
    const list = this.free.get(size);
    if (list === undefined) this.free.set(size, [start]);
    else list.push(start);
  }
}

function roundUp(count: number): number {
  if (count <= 8) return 8;
  const step = 2 ** (Math.floor(Math.log2(count)) - 3);
  return Math.ceil(count / step) * step;
}
