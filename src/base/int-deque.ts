/** A double-ended queue of 32-bit integers in a ring buffer: no allocation per element. */
export class IntDeque {
  private items = new Int32Array(16);
  private head = 0;
  private count = 0;

  get length(): number {
    return this.count;
  }

  pushBack(value: number): void {
    if (this.count === this.items.length) this.grow();
    this.items[(this.head + this.count) & (this.items.length - 1)] = value;
    this.count++;
  }

  pushFront(value: number): void {
    if (this.count === this.items.length) this.grow();
    this.head = (this.head - 1) & (this.items.length - 1);
    this.items[this.head] = value;
    this.count++;
  }

  /** The first element; the deque must not be empty. */
  front(): number {
    return this.items[this.head];
  }

  /** Removes and returns the first element; the deque must not be empty. */
  popFront(): number {
    const value = this.items[this.head];
    this.head = (this.head + 1) & (this.items.length - 1);
    this.count--;
    return value;
  }

  /** Removes and returns the last element; the deque must not be empty. */
  popBack(): number {
    this.count--;
    return this.items[(this.head + this.count) & (this.items.length - 1)];
  }

  /** Element `i` counted from the front. */
  at(i: number): number {
    return this.items[(this.head + i) & (this.items.length - 1)];
  }

  /** Whether the value is inside. Looks at all of them. */
  includes(value: number): boolean {
    for (let i = 0; i < this.count; i++) if (this.at(i) === value) return true;
    return false;
  }

  private grow(): void {
    const bigger = new Int32Array(this.items.length * 2);
    for (let i = 0; i < this.count; i++) bigger[i] = this.at(i);
    this.items = bigger;
    this.head = 0;
  }
}
