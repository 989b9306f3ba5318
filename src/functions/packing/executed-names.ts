/**
 * Names of variables as they were when the code ran. Owns the way from our JavaScript of a file,
 * over its author's text, to the script that was executed: esbuild, which makes the former, and
 * the loader of the latter may both have renamed variables.
 */
import { type Mappings, offsetOf, positionsIn } from "./source-map.js";

const IDENTIFIER = /[\p{ID_Start}$_][\p{ID_Continue}$\u200c\u200d]*/uy;

/**
 * @param mappings from `text` to the author's text
 * @param origin how the executed script came from the author's text; undefined: it is that text
 */
export function executedNames(
  text: string,
  mappings: Mappings,
  script: string,
  origin: { executed: Mappings; source: number } | undefined,
): (offset: number) => string | undefined {
  const positionOf = positionsIn(text);
  let places: Map<string, number> | undefined;
  return (offset) => {
    const { line, column } = positionOf(offset);
    const segment = mappings[line]?.find((one) => one.column === column);
    if (segment === undefined) return undefined;
    const { sourceLine, sourceColumn } = segment;
    if (origin === undefined)
      return identifierAt(script, offsetOf(script, sourceLine, sourceColumn));
    places ??= placesBack(script, origin.executed, origin.source);
    const place = places.get(`${sourceLine}:${sourceColumn}`);
    return place === undefined ? undefined : identifierAt(script, place);
  };
}

/** From places in the author's text to offsets of identifiers in the executed one. */
function placesBack(script: string, executed: Mappings, source: number): Map<string, number> {
  const places = new Map<string, number>();
  let start = 0;
  for (const segments of executed) {
    for (const segment of segments) {
      if (segment.source !== source) continue;
      const offset = start + segment.column;
      if (identifierAt(script, offset) === undefined) continue;
      places.set(`${segment.sourceLine}:${segment.sourceColumn}`, offset);
    }
    start = script.indexOf("\n", start) + 1;
  }
  return places;
}

function identifierAt(text: string, offset: number): string | undefined {
  IDENTIFIER.lastIndex = offset;
  return IDENTIFIER.exec(text)?.[0];
}
