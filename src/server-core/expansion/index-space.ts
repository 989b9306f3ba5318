/**
 * All indices that the copies of a task have. A task downstream of dslices and dgets (its sources)
 * has a copy for each element of each of them; a source that is copied itself has elements of its own
 * in each copy, another number each time. So the indices are the leaves of a tree, one level for each
 * source; tasks with the same sources share a tree. Leaves are not kept: those of one parent are a
 * block, and copies of a task for one block are neighbouring rows.
 *
 * Owns the tree. Who opens its nodes is expansion.ts, who looks up rows is copies.ts.
 */
import { NONE } from "../task-table.js";
import type { Collector, Copies, Crossing } from "./dynamic-plan.js";

export class IndexSpace {
  /** Tasks with a copy for each index, in the order of the plan. */
  readonly members: Copies[] = [];
  /** Needs of copies of this space that end with the block of their index, */
  readonly immediate: Crossing[] = [];
  /** and those that end when the space is complete. */
  readonly late: Crossing[] = [];
  /** Tasks that collect copies of this space. */
  readonly collectors: Collector[] = [];
  /** Nodes whose number of children is not known yet. */
  unopened = 1;
  /** Leaves that exist. */
  leafCount = 0;
  /** By node: number of children, NONE while it is not known. */
  readonly count: number[] = [NONE];
  /** By node: its first child; on the last level the number of its block. */
  private readonly first: number[] = [NONE];
  private readonly parent: number[] = [NONE];
  /** By block: its node. */
  private readonly blockNode: number[] = [];

  /** @param sources numbers of sources, ascending: each comes after those it is downstream of */
  constructor(readonly sources: readonly number[]) {}

  get depth(): number {
    return this.sources.length;
  }

  get isComplete(): boolean {
    return this.unopened === 0;
  }

  /** The source of the last level. */
  get lastSource(): number {
    return this.sources[this.depth - 1];
  }

  /** A node's child. */
  child(node: number, i: number): number {
    return this.first[node] + i;
  }

  /** The node on the last level for these coordinates (by source); NONE if it is not there yet. */
  findNode(coordinates: Int32Array): number {
    let node = 0;
    for (let level = 0; level < this.depth - 1; level++) {
      if (this.count[node] === NONE) return NONE;
      node = this.first[node] + coordinates[this.sources[level]];
    }
    return node;
  }

  /** The block for these coordinates; NONE if it is not there yet. */
  findBlock(coordinates: Int32Array): number {
    const node = this.findNode(coordinates);
    return node === NONE || this.count[node] === NONE ? NONE : this.first[node];
  }

  /** Length of a block. */
  blockLength(block: number): number {
    return this.count[this.blockNode[block]];
  }

  get blockCount(): number {
    return this.blockNode.length;
  }

  /** A node above the last level gets its children. */
  openInner(node: number, count: number): void {
    this.count[node] = count;
    this.first[node] = this.count.length;
    for (let i = 0; i < count; i++) {
      this.count.push(NONE);
      this.first.push(NONE);
      this.parent.push(node);
    }
    this.unopened += count - 1;
  }

  /** A node of the last level gets its leaves; returns the number of their block. */
  openLast(node: number, count: number): number {
    const block = this.blockNode.length;
    this.count[node] = count;
    this.first[node] = block;
    this.blockNode.push(node);
    this.unopened--;
    this.leafCount += count;
    return block;
  }

  /** Writes the coordinates of a block's elements, all but the last one. */
  readCoordinates(block: number, coordinates: Int32Array): void {
    let node = this.blockNode[block];
    for (let level = this.depth - 2; level >= 0; level--) {
      const parent = this.parent[node];
      coordinates[this.sources[level]] = node - this.first[parent];
      node = parent;
    }
  }
}
