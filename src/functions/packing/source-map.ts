/**
 * Source maps: reading, writing, and text that is put together from pieces of a mapped text.
 * Owns the format (https://tc39.es/ecma426/); names are dropped. Used by the rest of packing.
 */

/** From here on in its line, text comes from this place. Lines and columns begin with 0. */
export interface Segment {
  readonly column: number;
  readonly source: number;
  readonly sourceLine: number;
  readonly sourceColumn: number;
}

/** The segments of each line, in order of their columns. */
export type Mappings = readonly (readonly Segment[])[];

/** The part of a source map that is used here. */
export interface SourceMapJson {
  readonly sources: readonly (string | null)[];
  readonly sourcesContent?: readonly (string | null)[];
  readonly sourceRoot?: string;
  readonly mappings: string;
}

const DIGITS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
const VALUES = new Map([...DIGITS].map((digit, value) => [digit, value]));

export function decodeMappings(mappings: string): Segment[][] {
  let source = 0;
  let sourceLine = 0;
  let sourceColumn = 0;
  return mappings.split(";").map((line) => {
    let column = 0;
    const segments: Segment[] = [];
    for (const text of line === "" ? [] : line.split(",")) {
      const fields = decodeNumbers(text);
      column += fields[0] ?? 0;
      if (fields.length < 4) continue;
      source += fields[1];
      sourceLine += fields[2];
      sourceColumn += fields[3];
      segments.push({ column, source, sourceLine, sourceColumn });
    }
    return segments;
  });
}

export function encodeMappings(mappings: Mappings): string {
  let last: Segment = { column: 0, source: 0, sourceLine: 0, sourceColumn: 0 };
  return mappings
    .map((segments) => {
      let column = 0;
      return segments
        .map((segment) => {
          const text =
            encodeNumber(segment.column - column) +
            encodeNumber(segment.source - last.source) +
            encodeNumber(segment.sourceLine - last.sourceLine) +
            encodeNumber(segment.sourceColumn - last.sourceColumn);
          column = segment.column;
          last = segment;
          return text;
        })
        .join(",");
    })
    .join(";");
}

/** Where the text at this place comes from: its segment, or undefined before the line's first. */
export function findSegment(mappings: Mappings, line: number, column: number): Segment | undefined {
  return mappings[line]?.findLast((segment) => segment.column <= column);
}

/** From offsets in the text to lines and columns. */
export function positionsIn(text: string): (offset: number) => { line: number; column: number } {
  const starts = [0];
  for (let at = text.indexOf("\n"); at !== -1; at = text.indexOf("\n", at + 1)) starts.push(at + 1);
  return (offset) => {
    let line = 0;
    let end = starts.length;
    while (end - line > 1) {
      const middle = (line + end) >> 1;
      if (starts[middle] <= offset) line = middle;
      else end = middle;
    }
    return { line, column: offset - starts[line] };
  };
}

/** The offset of a line and column. */
export function offsetOf(text: string, line: number, column: number): number {
  let start = 0;
  for (let i = 0; i < line; i++) start = text.indexOf("\n", start) + 1;
  return start + column;
}

/** The map in a `data:` URL; undefined for any other URL and for what can't be read. */
export function readInlineMap(url: string): SourceMapJson | undefined {
  const match = /^data:application\/json[^,]*?(;base64)?,(.*)$/s.exec(url);
  if (match === null) return undefined;
  try {
    const text =
      match[1] === undefined
        ? decodeURIComponent(match[2])
        : Buffer.from(match[2], "base64").toString();
    const map = JSON.parse(text) as SourceMapJson;
    return typeof map.mappings === "string" && Array.isArray(map.sources) ? map : undefined;
  } catch {
    return undefined;
  }
}

/** In two parts: tools that look for it in files must not find it in this one. */
export const MAP_COMMENT = `//# ${"sourceMappingURL"}=`;

/** The comment that ends a script with its map. */
export function inlineMapComment(sources: readonly string[], mappings: string): string {
  const json = JSON.stringify({ version: 3, sources, names: [], mappings });
  const data = Buffer.from(json).toString("base64");
  return `${MAP_COMMENT}data:application/json;base64,${data}\n`;
}

/** Text with its mappings, put together from new text and stretches of a mapped one. */
export class MappedText {
  text = "";
  readonly mappings: Segment[][] = [[]];

  /** Adds text that comes from nowhere. */
  add(text: string): this {
    this.text += text;
    for (let i = text.split("\n").length; i > 1; i--) this.mappings.push([]);
    return this;
  }

  /** Adds `text.slice(start, end)` with its mappings. */
  addRange(text: string, mappings: Mappings, start: number, end: number): this {
    let line = text.slice(0, start).split("\n").length - 1;
    // The column in `text` where the next piece begins.
    let from = start - (text.lastIndexOf("\n", start - 1) + 1);
    text
      .slice(start, end)
      .split("\n")
      .forEach((piece, i) => {
        if (i > 0) this.add("\n");
        const shift = this.text.length - (this.text.lastIndexOf("\n") + 1) - from;
        const target = this.mappings[this.mappings.length - 1];
        // The segment in which the piece begins may have begun before it.
        const first = findSegment(mappings, line, from);
        if (first !== undefined && first.column < from) {
          target.push({ ...first, column: from + shift });
        }
        for (const segment of mappings[line] ?? []) {
          if (segment.column < from || segment.column >= from + piece.length) continue;
          target.push({ ...segment, column: segment.column + shift });
        }
        this.text += piece;
        line++;
        from = 0;
      });
    return this;
  }
}

function decodeNumbers(text: string): number[] {
  const numbers: number[] = [];
  let value = 0;
  let shift = 0;
  for (const digit of text) {
    const bits = VALUES.get(digit) ?? 0;
    value += (bits & 31) * 2 ** shift;
    shift += 5;
    if ((bits & 32) !== 0) continue;
    numbers.push(value % 2 === 1 ? -(value - 1) / 2 : value / 2);
    value = 0;
    shift = 0;
  }
  return numbers;
}

function encodeNumber(number: number): string {
  let rest = number < 0 ? -number * 2 + 1 : number * 2;
  let text = "";
  do {
    const bits = rest % 32;
    rest = Math.floor(rest / 32);
    text += DIGITS[rest > 0 ? bits + 32 : bits];
  } while (rest > 0);
  return text;
}
