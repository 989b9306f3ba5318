/**
 * Numbers ordered by a key, largest first, of equal keys the lowest number: what waits at one
 * worker. An array kept in order: moving some hundred numbers is faster than the pointers of a
 * heap, and any of them can be taken. Called by the evaluator.
 */
export class OrderedList {
  size = 0;
  items = new Int32Array(16);
  private keys = new Float64Array(16);

  clear(): void {
    this.size = 0;
  }

  add(item: number, key: number): void {
    if (this.size === this.items.length) this.grow();
    const { items, keys, size } = this;
    let low = 0;
    let high = size;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (keys[middle] > key || (keys[middle] === key && items[middle] < item)) low = middle + 1;
      else high = middle;
    }
    items.copyWithin(low + 1, low, size);
    keys.copyWithin(low + 1, low, size);
    items[low] = item;
    keys[low] = key;
    this.size++;
  }

  removeAt(index: number): void {
    this.items.copyWithin(index, index + 1, this.size);
    this.keys.copyWithin(index, index + 1, this.size);
    this.size--;
  }

  private grow(): void {
    const items = new Int32Array(this.items.length * 2);
    items.set(this.items);
    this.items = items;
    const keys = new Float64Array(items.length);
    keys.set(this.keys);
    this.keys = keys;
  }
}
