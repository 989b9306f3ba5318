/** Arrays of objects. Owns their class. Callers: array/make, slice, program outputs, native form. */
import type { ArrayObject, DataObject } from "./objects.js";
import { estimatedSizeOf, TypedValue } from "./values.js";

export class ElementArray implements ArrayObject {
  holds = 0;
  /** Bytes of all elements as far as they are known without making or serializing a value. */
  readonly estimatedSize: number;
  /**
   * Objects in it counted as often as they appear, with pieces of indexes and itself: the frames
   * of its client form. Known here as nesting one array in itself many times over would
   * otherwise be found out only by writing it.
   */
  readonly treeCount: number;
  /** Known from the start unless there is a value in it. @internal */
  exactSize: number | undefined = undefined;

  constructor(readonly elements: readonly DataObject[]) {
    let size = 0;
    let treeCount = 1;
    let isExact = true;
    for (let i = 0; i < elements.length; i++) {
      const element = elements[i];
      size += estimatedSizeOf(element);
      treeCount += treeCountOf(element);
      if (element instanceof TypedValue) isExact = false;
      else if (element instanceof ElementArray && element.exactSize === undefined) isExact = false;
    }
    this.estimatedSize = size;
    if (isExact) this.exactSize = size;
    this.treeCount = treeCount;
  }

  /** Bytes of all elements. */
  get size(): number {
    return this.exactSize ?? measure(this);
  }

  get kind(): "array" {
    return "array";
  }
  get length(): number {
    return this.elements.length;
  }
}

/** With a stack of its own: arrays may be nested deeper than the call stack allows. */
function measure(array: ElementArray): number {
  const open = [{ array, next: 0, size: 0 }];
  for (;;) {
    const top = open[open.length - 1];
    if (top.next < top.array.elements.length) {
      const element = top.array.elements[top.next];
      if (element instanceof ElementArray && element.exactSize === undefined) {
        open.push({ array: element, next: 0, size: 0 });
      } else {
        top.size += element.size;
        top.next++;
      }
      continue;
    }
    top.array.exactSize = top.size;
    open.pop();
    if (open.length === 0) return top.size;
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
