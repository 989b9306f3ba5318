/**
 * The node of a function in its author's file. Owns the comparison of the place that the
 * engine knows with the file's functions: places may be off by a little, since not every loader's
 * map has a segment exactly there.
 */
import { type FunctionShape, kindOf, refused, sameShape, shapeOf } from "./function-source.js";
import { findSegment, positionsIn } from "./source-map.js";
import { isFunction, type Range, type RangedFunction, type RangedNode, walk } from "./syntax.js";
import type { Place, UserFile } from "./user-file.js";

/** Text that is the function: its node, for methods with their name and keywords. */
export type FoundFunction = Range;

interface Candidate extends Range {
  /** In the author's text. */
  readonly head: Place;
  readonly body: Place;
}

export function findFunction(
  file: UserFile,
  place: Place,
  shape: FunctionShape,
  name: string,
): FoundFunction {
  const candidates = candidatesIn(file, shape);
  const around = candidates.filter(
    ({ head, body }) => compare(head, place) <= 0 && compare(place, body) <= 0,
  );
  // Of nested ones the innermost, which begins last.
  const found =
    around.sort((a, b) => compare(b.head, a.head))[0] ??
    candidates
      .filter(({ head }) => head.line === place.line)
      .sort((a, b) => distance(a.head, place) - distance(b.head, place))[0];
  if (found !== undefined) return found;
  throw refused(
    name,
    `can't be found in ${file.path} at line ${place.line + 1}; if the file has changed since the program was started, start it again`,
  );
}

/** All functions of the file that have this shape. */
function candidatesIn(file: UserFile, shape: FunctionShape): Candidate[] {
  const { text, program } = file.syntax;
  const placeOf = placesOf(file);
  const candidates: Candidate[] = [];
  const add = (range: Range, fn: RangedFunction, isMethod: boolean) => {
    if (!sameShape(shapeOf(fn, kindOf(fn, isMethod)), shape)) return;
    const head = placeOf(range.start);
    const body = placeOf((fn.body as RangedNode).start);
    if (head !== undefined && body !== undefined) {
      candidates.push({ start: range.start, end: range.end, head, body });
    }
  };
  const methods = new Set<RangedNode>();
  walk(program, (node) => {
    if (node.type === "Property" && node.method) {
      methods.add(node.value as RangedNode);
      add(node, node.value as RangedFunction, true);
    } else if (node.type === "MethodDefinition") {
      methods.add(node.value as RangedNode);
      // `fn.toString()` of a static method has no `static`, and an object's method can't.
      const keyword = node.static ? /^static\s+/.exec(text.slice(node.start, node.end)) : null;
      const start = node.start + (keyword?.[0].length ?? 0);
      add({ start, end: node.end }, node.value as RangedFunction, true);
    } else if (isFunction(node) && !methods.has(node)) {
      add(node, node, false);
    }
    return undefined;
  });
  return candidates;
}

/** From offsets in the text to places of the author. */
function placesOf({ syntax, placeMappings }: UserFile) {
  const positionOf = positionsIn(syntax.text);
  return (offset: number): Place | undefined => {
    const { line, column } = positionOf(offset);
    const segment = findSegment(placeMappings, line, column);
    return segment && { line: segment.sourceLine, column: segment.sourceColumn };
  };
}

function compare(a: Place, b: Place): number {
  return a.line - b.line || a.column - b.column;
}

function distance(a: Place, b: Place): number {
  return Math.abs(a.column - b.column);
}
