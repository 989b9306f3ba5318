/** Arrays of objects. Owns their class. Callers: array/make, slice, program outputs, native form. */
import type { ArrayObject, DataObject } from "./objects.js";

export class ElementArray implements ArrayObject {
  holds = 0;
  /** Bytes of all elements. */
  readonly size: number;
  /**
   * Objects in it counted as often as they appear, with pieces of indexes and itself: the frames
   * of its client form. Known here as nesting one array in itself many times over would
   * otherwise be found out only by writing it.
   */
  readonly treeCount: number;

  constructor(readonly elements: readonly DataObject[]) {
    let size = 0;
    let treeCount = 1;
    for (let i = 0; i < elements.length; i++) {
      const element = elements[i];
      size += element.size;
      treeCount += treeCountOf(element);
    }
    this.size = size;
    this.treeCount = treeCount;
  }

  get kind(): "array" {
    return "array";
  }
  get length(): number {
    return this.elements.length;
  }
}

/** Objects in `object` counted with itself, its pieces, and everything nested in it. */
export function treeCountOf(object: DataObject): number {
  if (object instanceof ElementArray) return object.treeCount;
  return object.kind === "index" ? object.length + 1 : 1;
}

/** An array of these objects; keeps `elements`, which must not change any more. */
export function arrayObject(elements: readonly DataObject[]): ArrayObject {
  return new ElementArray(elements);
}
