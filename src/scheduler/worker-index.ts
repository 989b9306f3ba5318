/**
 * Finds the least loaded worker for a shape of tasks without looking at all workers. For requests of cores
 * workers with as many cores and the same task types have a heap together; a shape that asks for more than cores
 * has a heap of its own for each variant, of all workers that could serve it.
 */
import type { RequestVariant } from "./request-kind.js";
import type { TaskShape } from "./task-class.js";
import { WorkerHeap } from "./worker-heap.js";
import type { WorkerLoad } from "./worker-load.js";

/**
 * Shapes with heaps of their own, at least, before those are looked for that have no ready tasks: each change of a
 * worker's load is told to all of its heaps, and there may be a new request for each file of a user.
 */
const MANY_OWN_HEAPS = 64;

/** Workers with the same resources and the same task types. */
export interface AlikeWorkers {
  /** One of them, to ask what all could do. */
  readonly example: WorkerLoad;
  readonly members: ReadonlySet<WorkerLoad>;
}

interface Group {
  readonly example: WorkerLoad;
  readonly heap: WorkerHeap;
}

export class WorkerIndex {
  /** By cores and types. */
  private readonly groups = new Map<string, Group>();
  /** By all that they have, and the key of each. */
  private readonly alikes = new Map<string, Set<WorkerLoad>>();
  private readonly signatures = new Map<WorkerLoad, string>();
  /** Shapes that have heaps of their own. */
  private readonly ownHeaps = new Set<TaskShape>();
  /** With so many of them the next look is worth it. */
  private ownHeapsLimit = MANY_OWN_HEAPS;
  /** Changes with the set of groups. */
  private version = 0;
  /** The largest result that had to wait for memory: where there is no room for it memory is short. */
  private wantedBytes = 0;

  /** @param taskTypes symbol numbers of the task types it offers */
  add(load: WorkerLoad, taskTypes: readonly number[]): void {
    const types = [...taskTypes].sort((a, b) => a - b).join();
    const key = `${load.cpus} ${types}`;
    let group = this.groups.get(key);
    if (group === undefined) {
      const heap = new WorkerHeap((other) => this.place(other, other.relative, other.relative < 1));
      group = { example: load, heap };
      this.groups.set(key, group);
      this.version++;
    }
    join(load, group.heap);
    for (const shape of this.ownHeaps) joinOwn(load, shape);
    const signature = `${JSON.stringify(load.resources)} ${types}`;
    this.signatures.set(load, signature);
    const alike = this.alikes.get(signature);
    if (alike === undefined) this.alikes.set(signature, new Set([load]));
    else alike.add(load);
  }

  remove(load: WorkerLoad): void {
    for (const heap of load.heaps) heap.remove(load);
    load.heaps.length = 0;
    for (const [key, group] of this.groups) {
      if (group.heap.length > 0) continue;
      this.groups.delete(key);
      this.version++;
    }
    const signature = this.signatures.get(load)!;
    this.signatures.delete(load);
    const alike = this.alikes.get(signature)!;
    alike.delete(load);
    if (alike.size === 0) this.alikes.delete(signature);
  }

  /** All workers, in groups of alike ones. */
  get alike(): readonly AlikeWorkers[] {
    return Array.from(this.alikes.values(), (members) => {
      const [example] = members;
      return { example, members };
    });
  }

  /**
   * Heaps of the workers that could execute the shape, those with something free first. Where several
   * variants can be served a worker is in several.
   */
  ableOf(shape: TaskShape, alive: readonly WorkerLoad[]): readonly WorkerHeap[] {
    if (shape.ableVersion === this.version) return shape.able;
    if (shape.kind.light || shape.kind.cpusOnly) {
      shape.able = [...this.groups.values()]
        .filter(({ example }) => ableFor(shape, example))
        .map(({ heap }) => heap);
    } else if (!this.ownHeaps.has(shape)) {
      if (this.ownHeaps.size >= this.ownHeapsLimit) this.forgetIdleHeaps(alive);
      this.ownHeaps.add(shape);
      shape.able = shape.kind.variants.map(
        (one) => new WorkerHeap((load) => this.place(load, load.loadFor(one), load.fits(one))),
      );
      for (const load of alive) joinOwn(load, shape);
    }
    shape.ableVersion = this.version;
    return shape.able;
  }

  /** Shapes without ready tasks lose their heaps; they get new ones when they are needed again. */
  private forgetIdleHeaps(alive: readonly WorkerLoad[]): void {
    const forgotten = new Set<WorkerHeap>();
    for (const shape of this.ownHeaps) {
      if (shape.heavy.length > 0) continue;
      this.ownHeaps.delete(shape);
      for (const heap of shape.able) forgotten.add(heap);
      shape.able = [];
      shape.ableVersion = -1;
    }
    this.ownHeapsLimit = Math.max(MANY_OWN_HEAPS, 2 * this.ownHeaps.size);
    if (forgotten.size === 0) return;
    for (const load of alive) {
      const { heaps } = load;
      let kept = 0;
      for (const heap of heaps) if (!forgotten.has(heap)) heaps[kept++] = heap;
      heaps.length = kept;
    }
  }

  /** A task with so large a result was held back. True: other workers may be the first of their heaps now. */
  wantMemory(bytes: number, alive: readonly WorkerLoad[]): boolean {
    if (bytes <= this.wantedBytes) return false;
    this.wantedBytes = bytes;
    for (const load of alive) load.loadChanged();
    return true;
  }

  /**
   * Place of a worker in a heap: those that have room come first, by the share that is taken, then those
   * that have not. Of both, those whose memory is short come last.
   */
  private place({ memory }: WorkerLoad, share: number, hasRoom: boolean): number {
    const isShort = !memory.hasRoomFor(this.wantedBytes);
    if (hasRoom) return (isShort ? 1 : 0) + share;
    return (isShort ? 1e6 : 2) + share;
  }

  /** Number of workers that could execute the shape, now or later. */
  countAble(shape: TaskShape, alive: readonly WorkerLoad[]): number {
    const heaps = this.ableOf(shape, alive);
    const count = heaps.reduce((sum, { length }) => sum + length, 0);
    if (count === 0 || shape.kind.variants.length < 2) return count;
    return alive.filter((load) => ableFor(shape, load)).length;
  }
}

/** Whether the worker could execute tasks of the shape in some variant. */
export function ableFor(shape: TaskShape, load: WorkerLoad): boolean {
  if (!load.offers(shape.taskType)) return false;
  const { variants } = shape.kind;
  return variants.length === 0 || variants.some((variant) => load.couldServe(variant));
}

function joinOwn(load: WorkerLoad, { taskType, kind, able }: TaskShape): void {
  if (!load.offers(taskType)) return;
  kind.variants.forEach((variant: RequestVariant, i) => {
    if (load.couldServe(variant)) join(load, able[i]);
  });
}

function join(load: WorkerLoad, heap: WorkerHeap): void {
  heap.add(load);
  load.heaps.push(heap);
}
