/**
 * The node of a function in its author's file. Owns the comparison of the place that the
 * engine knows with the file's functions: places may be off by a little, since not every loader's
 * map has a segment exactly there.
 */
import {
  type FunctionShape,
  type FunctionSource,
  kindOf,
  refused,
  sameShape,
  shapeOf,
} from "./function-source.js";
import { findSegment, positionsIn } from "./source-map.js";
import { isFunction, type Range, type RangedFunction, type RangedNode, walk } from "./syntax.js";
import type { Place, Stretch, UserFile } from "./user-file.js";

interface Candidate extends Range {
  readonly inner: number;
  /** In the author's text. */
  readonly head: Place;
  readonly body: Place;
}

/** The function's text; of methods with their name and keywords. */
export function findFunction(
  file: UserFile,
  { from, to }: Stretch,
  { shape, text }: FunctionSource,
  name: string,
): Range {
  const candidates = candidatesIn(file, shape).filter(
    ({ head, body }) => compare(head, to) <= 0 && compare(from, body) <= 0,
  );
  const executed = withoutLayout(text);
  const rank = (one: Candidate) => [
    // Nested functions in the same stretch differ in this.
    one.inner === shape.inner,
    withoutLayout(file.syntax.text.slice(one.start, one.end)) === executed,
    compare(one.head, from) <= 0,
  ];
  const [found] = candidates.sort((a, b) => {
    const [ranksA, ranksB] = [rank(a), rank(b)];
    const differs = ranksA.findIndex((is, i) => is !== ranksB[i]);
    return differs === -1
      ? compare(b.head, a.head)
      : Number(ranksB[differs]) - Number(ranksA[differs]);
  });
  if (found !== undefined) return found;
  throw refused(
    name,
    `can't be found in ${file.path} at line ${from.line + 1}; if the file has changed since the program was started, start it again`,
  );
}

function withoutLayout(text: string): string {
  return text.replace(/[\s;"'`]/g, "");
}

/** All functions of the file that have this shape. */
function candidatesIn(file: UserFile, shape: FunctionShape): Candidate[] {
  const { text, program } = file.syntax;
  const placeOf = placesOf(file);
  const candidates: Candidate[] = [];
  const add = (range: Range, fn: RangedFunction, isMethod: boolean) => {
    const own = shapeOf(fn, kindOf(fn, isMethod));
    if (!sameShape(own, shape)) return;
    const head = placeOf(range.start);
    const body = placeOf((fn.body as RangedNode).start);
    if (head !== undefined && body !== undefined) {
      candidates.push({ start: range.start, end: range.end, inner: own.inner, head, body });
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
