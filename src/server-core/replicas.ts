/**
 * Further holders of objects, beside the first one in the task table: linked lists in typed
 * arrays. Only objects that were fetched by another worker have any.
 */
export class Replicas {
  private holder = new Int16Array(256);
  private next = new Int32Array(256);
  private used = 0;
  private freeHead = -1;

  /** Adds a holder to the list that begins at `head` (-1: empty); returns the new head. */
  add(head: number, worker: number): number {
    let node = this.freeHead;
    if (node >= 0) {
      this.freeHead = this.next[node];
    } else {
      if (this.used === this.holder.length) this.grow();
      node = this.used++;
    }
    this.holder[node] = worker;
    this.next[node] = head;
    return node;
  }

  has(head: number, worker: number): boolean {
    for (let node = head; node >= 0; node = this.next[node]) {
      if (this.holder[node] === worker) return true;
    }
    return false;
  }

  /** The workers on the list. */
  list(head: number): number[] {
    const workers: number[] = [];
    for (let node = head; node >= 0; node = this.next[node]) workers.push(this.holder[node]);
    return workers;
  }

  /** Removes the worker from the list; returns the new head. */
  remove(head: number, worker: number): number {
    let previous = -1;
    for (let node = head; node >= 0; node = this.next[node]) {
      if (this.holder[node] === worker) {
        const rest = this.next[node];
        this.next[node] = this.freeHead;
        this.freeHead = node;
        if (previous < 0) return rest;
        this.next[previous] = rest;
        return head;
      }
      previous = node;
    }
    return head;
  }

  /** Gives the whole list back. */
  clear(head: number): void {
    let node = head;
    while (node >= 0) {
      const rest = this.next[node];
      this.next[node] = this.freeHead;
      this.freeHead = node;
      node = rest;
    }
  }

  private grow(): void {
    const holder = new Int16Array(this.holder.length * 2);
    holder.set(this.holder);
    this.holder = holder;
    const next = new Int32Array(this.next.length * 2);
    next.set(this.next);
    this.next = next;
  }
}
