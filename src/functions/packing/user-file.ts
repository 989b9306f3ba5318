/**
 * The file that a function stands in: its text as JavaScript, parsed, with the way back to
 * the positions that its author sees. Owns finding the original of what was executed (behind tsx,
 * vitest or a compiler) and one analysis per file and process.
 */
import { readFileSync } from "node:fs";
import { dirname, extname, resolve } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import type { Loader } from "esbuild";
import { messageOf } from "../../base/index.js";
import { executedNames } from "./executed-names.js";
import { refused } from "./function-source.js";
import type { InspectedFunction } from "./inspect-function.js";
import { esbuild } from "./libraries.js";
import {
  decodeMappings,
  findSegment,
  MAP_COMMENT,
  type Mappings,
  readInlineMap,
  type Segment,
  type SourceMapJson,
} from "./source-map.js";
import { parse, type Syntax } from "./syntax.js";

/** First line of packed code: its originals may not be at hand where it runs. */
export const PACKED_MARK = "/* packed by hyperloom */";

/** A place in a file, from 0. */
export interface Place {
  readonly line: number;
  readonly column: number;
}

export interface UserFile {
  readonly path: string;
  /** For `import.meta.url`. */
  readonly url: string;
  readonly isModule: boolean;
  /** It was packed before: imports were resolved then, the worker has what is left. */
  readonly packed: boolean;
  /** The text as JavaScript. */
  readonly syntax: Syntax;
  /** From `syntax.text` to the places that {@link findUserFile} gives. */
  readonly placeMappings: Mappings;
  /** From `syntax.text` to `sources`: what stack traces show. */
  readonly mappings: Mappings;
  /** URLs. */
  readonly sources: readonly string[];
  /**
   * How the identifier at this offset of `syntax.text` was called when it was executed: loaders
   * rename variables that hide others, each in its own way. Undefined if that can't be told.
   */
  readonly executedNameAt: (offset: number) => string | undefined;
}

const LOADERS: Readonly<Record<string, Loader>> = {
  ".js": "js",
  ".mjs": "js",
  ".cjs": "js",
  ".jsx": "jsx",
  ".ts": "ts",
  ".mts": "ts",
  ".cts": "ts",
  ".tsx": "tsx",
};

/** Node 20 is the oldest that workers run on. */
export const TARGET = "node20";

interface Original {
  readonly path: string;
  readonly text: string;
  readonly loader: Loader;
}

const files = new Map<string, UserFile>();

/** A stretch of the author's text in which the function's head begins. */
export interface Stretch {
  readonly from: Place;
  readonly to: Place;
}

/** The file of the function, and about where the function is in its author's text. */
export function findUserFile(
  { script, line, column }: InspectedFunction,
  name: string,
): { file: UserFile; stretch: Stretch } {
  const path = pathOf(script.url);
  const packed = script.source.startsWith(PACKED_MARK);
  const map = readInlineMap(script.sourceMapUrl);
  const executed = map && decodeMappings(map.mappings);
  const segment = executed && findSegment(executed, line, column);
  const original = map && segment && !packed ? findOriginal(map, segment.source, path) : undefined;
  const found = original !== undefined && segment !== undefined;
  const stretch = found
    ? { from: placeOf(segment), to: placeOf(nextSegment(executed, line, column, segment)) }
    : { from: { line, column }, to: { line, column } };
  const key = `${script.url}\n${segment?.source}\n${script.source}`;
  let file = files.get(key);
  if (file === undefined) {
    // What was executed: plain JavaScript, or code whose original can't be read.
    const text = original ?? { path, text: script.source, loader: "js" };
    const analysis = analyse(text, name);
    const mapped = map !== undefined && executed !== undefined && original === undefined;
    file = {
      ...analysis,
      // The packed code's own is nowhere.
      url: packed && map !== undefined ? sourceUrls(map, path)[0] : analysis.url,
      isModule: script.isModule,
      packed,
      mappings: mapped ? compose(analysis.placeMappings, executed) : analysis.placeMappings,
      sources: mapped ? sourceUrls(map, path) : [analysis.url],
      executedNameAt: executedNames(
        analysis.syntax.text,
        analysis.placeMappings,
        script.source,
        found && executed !== undefined ? { executed, source: segment.source } : undefined,
      ),
    };
    files.set(key, file);
  }
  return { file, stretch };
}

/** Maps have no segment for many things; the function may be anywhere before the next one. */
function nextSegment(
  executed: Mappings | undefined,
  line: number,
  column: number,
  segment: Segment,
): Segment {
  const next =
    executed?.[line]?.find((one) => one.column > column) ??
    executed?.slice(line + 1).find((one) => one.length > 0)?.[0];
  const later =
    next !== undefined &&
    next.source === segment.source &&
    (next.sourceLine - segment.sourceLine || next.sourceColumn - segment.sourceColumn) > 0;
  return later ? next : segment;
}

function placeOf(segment: Segment): Place {
  return { line: segment.sourceLine, column: segment.sourceColumn };
}

/** Where the text of an executed script comes from. */
export function originOf(script: InspectedFunction["script"]) {
  const path = pathOf(script.url);
  const map = readInlineMap(script.sourceMapUrl);
  if (map === undefined) {
    const find = (line: number, column: number): Segment => ({
      column,
      source: 0,
      sourceLine: line,
      sourceColumn: column,
    });
    return { sources: [pathToFileURL(path).href], find };
  }
  const mappings = decodeMappings(map.mappings);
  return {
    sources: sourceUrls(map, path),
    find: (line: number, column: number) => findSegment(mappings, line, column),
  };
}

function analyse({ path, text, loader }: Original, name: string) {
  const url = pathToFileURL(path).href;
  const file = JSON.stringify(path);
  const folder = JSON.stringify(dirname(path));
  try {
    const { outputFiles } = esbuild().buildSync({
      stdin: { contents: withoutMap(text), resolveDir: dirname(path), sourcefile: path, loader },
      bundle: false,
      write: false,
      outfile: `${path}.js`,
      sourcemap: "external",
      sourcesContent: false,
      charset: "utf8",
      platform: "node",
      // Nothing is rewritten for older engines here: that moves declarations (top-level `using`).
      target: "esnext",
      logLevel: "silent",
      define: {
        "import.meta.url": JSON.stringify(url),
        "import.meta.filename": file,
        "import.meta.dirname": folder,
        __filename: file,
        __dirname: folder,
      },
    });
    const [mapFile, codeFile] = outputFiles;
    const mappings = decodeMappings((JSON.parse(mapFile.text) as SourceMapJson).mappings);
    return { path, url, syntax: parse(codeFile.text), placeMappings: mappings };
  } catch (error) {
    throw refused(name, `stands in ${path}, which can't be read: ${messageOf(error)}`, error);
  }
}

/** Follows the first mappings' places through the second ones. */
function compose(first: Mappings, second: Mappings): Mappings {
  return first.map((segments) =>
    segments.flatMap((segment) => {
      const target = findSegment(second, segment.sourceLine, segment.sourceColumn);
      return target === undefined ? [] : [{ ...target, column: segment.column }];
    }),
  );
}

function findOriginal(map: SourceMapJson, index: number, script: string): Original | undefined {
  const source = map.sources[index];
  if (source === null || source === undefined) return undefined;
  const path = sourcePath(map, source, script);
  const loader = LOADERS[extname(path)];
  if (loader === undefined) return undefined;
  const text = map.sourcesContent?.[index] ?? findText(path);
  return text === undefined ? undefined : { path, text, loader };
}

function sourceUrls(map: SourceMapJson, script: string): string[] {
  return map.sources.map((source) => pathToFileURL(sourcePath(map, source, script)).href);
}

function sourcePath(map: SourceMapJson, source: string | null, script: string): string {
  if (source?.startsWith("file:")) return fileURLToPath(source);
  return resolve(dirname(script), map.sourceRoot ?? "", source ?? "");
}

function findText(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return undefined;
  }
}

/** Also for code that was evaluated: then a file that isn't there, in the current directory. */
function pathOf(url: string): string {
  if (url.startsWith("file:")) return fileURLToPath(url.replace(/[?#].*$/, ""));
  if (url.startsWith("/")) return url;
  return resolve("evaluated-code.js");
}

/** esbuild would follow a map in the text, and places would be those of another file. */
function withoutMap(text: string): string {
  return text.replace(new RegExp(`^${MAP_COMMENT}.*$`, "gm"), "");
}
