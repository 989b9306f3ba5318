/**
 * Rows by key, the largest key first; equal keys by row, the smallest first (the order in which
 * tasks were submitted). A binary heap in two typed arrays: it may hold a million rows.
 */
export class RowHeap {
  private rows = new Uint32Array(16);
  private keys = new Float64Array(16);
  private count = 0;

  get length(): number {
    return this.count;
  }

  /** The first row; the heap must not be empty. */
  top(): number {
    return this.rows[0];
  }

  topKey(): number {
    return this.keys[0];
  }

  push(row: number, key: number): void {
    if (this.count === this.rows.length) this.grow();
    const { rows, keys } = this;
    let at = this.count++;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      const parentKey = keys[parent];
      if (parentKey > key || (parentKey === key && rows[parent] <= row)) break;
      rows[at] = rows[parent];
      keys[at] = parentKey;
      at = parent;
    }
    rows[at] = row;
    keys[at] = key;
  }

  /** Removes and returns the first row; the heap must not be empty. */
  pop(): number {
    const first = this.rows[0];
    this.count--;
    if (this.count > 0) this.sink(0, this.rows[this.count], this.keys[this.count]);
    return first;
  }

  /** Gives every row a new key, or removes it where the key is NaN. */
  rekey(keyOf: (row: number, key: number) => number): void {
    let kept = 0;
    for (let i = 0; i < this.count; i++) {
      const key = keyOf(this.rows[i], this.keys[i]);
      if (Number.isNaN(key)) continue;
      this.rows[kept] = this.rows[i];
      this.keys[kept++] = key;
    }
    this.count = kept;
    for (let at = (kept >> 1) - 1; at >= 0; at--) this.sink(at, this.rows[at], this.keys[at]);
  }

  /** Row `i`, in no order. */
  at(i: number): number {
    return this.rows[i];
  }

  /** Whether the row is inside. Looks at all of them. */
  includes(row: number): boolean {
    return this.rows.subarray(0, this.count).includes(row);
  }

  clear(): void {
    this.count = 0;
  }

  /** All rows, in no order. */
  values(): number[] {
    return Array.from(this.rows.subarray(0, this.count));
  }

  /** Puts the row at `at` or below, where it belongs. */
  private sink(start: number, row: number, key: number): void {
    const { rows, keys, count } = this;
    let at = start;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= count) break;
      const right = child + 1;
      if (right < count) {
        const difference = keys[right] - keys[child];
        if (difference > 0 || (difference === 0 && rows[right] < rows[child])) child = right;
      }
      const childKey = keys[child];
      if (childKey < key || (childKey === key && rows[child] >= row)) break;
      rows[at] = rows[child];
      keys[at] = childKey;
      at = child;
    }
    rows[at] = row;
    keys[at] = key;
  }

  private grow(): void {
    const rows = new Uint32Array(this.rows.length * 2);
    const keys = new Float64Array(this.keys.length * 2);
    rows.set(this.rows);
    keys.set(this.keys);
    this.rows = rows;
    this.keys = keys;
  }
}
