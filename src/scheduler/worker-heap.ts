/**
 * Workers by load, the least loaded first; equal ones by index. A binary heap that knows
 * where each worker is, so that a changed load costs a logarithm of their number.
 */
import type { WorkerLoad } from "./worker-load.js";

export class WorkerHeap {
  private readonly loads: WorkerLoad[] = [];
  private readonly keys: number[] = [];
  /** By worker index; -1: not inside. */
  private positions = new Int32Array(16).fill(-1);

  /** @param loadOf how loaded a worker is: less than 1, it has something free */
  constructor(private readonly loadOf: (load: WorkerLoad) => number) {}

  get length(): number {
    return this.loads.length;
  }

  /** The least loaded worker; undefined: there is none. */
  least(): WorkerLoad | undefined {
    return this.loads[0];
  }

  add(load: WorkerLoad): void {
    if (load.index >= this.positions.length) {
      const grown = new Int32Array(2 * load.index).fill(-1);
      grown.set(this.positions);
      this.positions = grown;
    }
    const at = this.loads.length;
    this.put(at, load, this.loadOf(load));
    this.rise(at);
  }

  remove(load: WorkerLoad): void {
    const at = this.positionOf(load);
    if (at < 0) return;
    this.positions[load.index] = -1;
    const last = this.loads.pop()!;
    const key = this.keys.pop()!;
    if (at === this.loads.length) return;
    this.put(at, last, key);
    this.rise(at);
    this.sink(this.positions[last.index]);
  }

  /** The worker's load has changed. */
  update(load: WorkerLoad): void {
    const at = this.positionOf(load);
    if (at < 0) return;
    const key = this.loadOf(load);
    const before = this.keys[at];
    if (key === before) return;
    this.keys[at] = key;
    if (key < before) this.rise(at);
    else this.sink(at);
  }

  private positionOf(load: WorkerLoad): number {
    return load.index < this.positions.length ? this.positions[load.index] : -1;
  }

  private put(at: number, load: WorkerLoad, key: number): void {
    this.loads[at] = load;
    this.keys[at] = key;
    this.positions[load.index] = at;
  }

  private before(a: number, b: number): boolean {
    const difference = this.keys[a] - this.keys[b];
    return difference < 0 || (difference === 0 && this.loads[a].index < this.loads[b].index);
  }

  private swap(a: number, b: number): void {
    const load = this.loads[a];
    const key = this.keys[a];
    this.put(a, this.loads[b], this.keys[b]);
    this.put(b, load, key);
  }

  private rise(start: number): void {
    let at = start;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!this.before(at, parent)) return;
      this.swap(at, parent);
      at = parent;
    }
  }

  private sink(start: number): void {
    let at = start;
    for (;;) {
      let least = at;
      const left = 2 * at + 1;
      if (left < this.loads.length && this.before(left, least)) least = left;
      if (left + 1 < this.loads.length && this.before(left + 1, least)) least = left + 1;
      if (least === at) return;
      this.swap(at, least);
      at = least;
    }
  }
}
