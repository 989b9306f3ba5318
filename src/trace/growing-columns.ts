/**
 * Columns that grow, while a trace is read or a page is open: typed arrays that are replaced by longer ones.
 */

export type Column =
  | Uint8Array
  | Uint16Array
  | Int16Array
  | Uint32Array
  | Int32Array
  | Float32Array
  | Float64Array;

/** A longer copy. */
export function longer<T extends Column>(column: T, length: number): T {
  const make = column.constructor as new (length: number) => T;
  const copy = new make(length);
  copy.set(column);
  return copy;
}

/** Columns with an entry each for the same things, by name. */
export class GrowingColumns<C extends { [name: string]: Column }> {
  count = 0;
  private capacity: number;

  /** @param columns all of one length, above 0; they are replaced in this very object */
  constructor(readonly columns: C) {
    this.capacity = Object.values(columns)[0].length;
  }

  /** Makes room for so many more entries; gives the number of the first. */
  add(count = 1): number {
    const first = this.count;
    this.count += count;
    if (this.count > this.capacity) this.grow();
    return first;
  }

  /** The first entries go, the others take their places. */
  dropFirst(count: number): void {
    for (const column of Object.values(this.columns)) column.copyWithin(0, count, this.count);
    this.count -= count;
  }

  /** The columns without what is not used yet. */
  finish(): C {
    const { columns, count } = this;
    const finished = {} as { [name: string]: Column };
    for (const name of Object.keys(columns)) finished[name] = columns[name].subarray(0, count);
    return finished as C;
  }

  private grow(): void {
    this.capacity = Math.max(this.count, 2 * this.capacity);
    const columns = this.columns as { [name: string]: Column };
    for (const name of Object.keys(columns)) columns[name] = longer(columns[name], this.capacity);
  }
}
