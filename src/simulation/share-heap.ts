/** Ends by the share that each of their transfers would get, smallest first. Called by the filling of rates. */

export class ShareHeap {
  private readonly ends: number[] = [];
  private readonly shares: number[] = [];

  get size(): number {
    return this.ends.length;
  }

  /** Of the end that pop() would return. */
  get firstShare(): number {
    return this.shares[0];
  }

  clear(): void {
    this.ends.length = 0;
    this.shares.length = 0;
  }

  push(end: number, share: number): void {
    const { ends, shares } = this;
    let at = ends.length;
    ends.push(end);
    shares.push(share);
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (shares[parent] <= share) break;
      ends[at] = ends[parent];
      shares[at] = shares[parent];
      at = parent;
    }
    ends[at] = end;
    shares[at] = share;
  }

  /** Takes out the end with the smallest share; there must be one. */
  pop(): number {
    const { ends, shares } = this;
    const first = ends[0];
    const end = ends.pop()!;
    const share = shares.pop()!;
    const count = ends.length;
    if (count === 0) return first;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= count) break;
      if (child + 1 < count && shares[child + 1] < shares[child]) child++;
      if (shares[child] >= share) break;
      ends[at] = ends[child];
      shares[at] = shares[child];
      at = child;
    }
    ends[at] = end;
    shares[at] = share;
    return first;
  }
}
