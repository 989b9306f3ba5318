/**
 * The code of loaded functions by the file name under which it was compiled, to find the user's
 * file and line for a position in it. Source maps are parsed when the first error needs them.
 */
import { SourceMap } from "node:module";
import { dirname, resolve } from "node:path";
import { fileURLToPath } from "node:url";

/** Such a name with a position in a stack. */
const POSITION = /(hyperloom-function-\d+-[\w$.-]*\.js)(?::(\d+))?(?::(\d+))?/g;
const INLINE_MAP =
  /\/\/[#@] sourceMappingURL=data:application\/json(?:;charset=[\w-]+)?(;base64)?,([^\s]*)\s*$/;

interface CodeFile {
  readonly code: string;
  /** URL of the user's file. */
  readonly url: string | undefined;
  readonly owner: object;
  /** null: there is none. */
  map?: SourceMap | null;
}

const files = new Map<string, CodeFile>();
let counter = 0;

/**
 * Registers code and gives it a file name. The name is relative: what the code imports is then
 * resolved from the current directory.
 * @param owner what `findCodeOwner` gives for errors in this code
 */
export function registerCode(
  functionName: string,
  code: string,
  url: string | undefined,
  owner: object,
): string {
  const name = functionName.replace(/[^\w$.-]/g, "_").slice(0, 60);
  const file = `hyperloom-function-${++counter}-${name}.js`;
  files.set(file, { code, url, owner });
  return file;
}

export function forgetCode(file: string): void {
  files.delete(file);
}

/** Whose code is the first of ours in a stack. */
export function findCodeOwner(stack: string): object | undefined {
  for (const [, file] of stack.matchAll(POSITION)) {
    const found = files.get(file);
    if (found !== undefined) return found.owner;
  }
  return undefined;
}

/** Replaces positions in the code of functions by those in the files that people wrote. */
export function mapPositions(text: string): string {
  return text.replace(POSITION, (whole, file: string, line?: string, column?: string) => {
    const found = files.get(file);
    if (found === undefined || line === undefined) return whole;
    return originOf(found, Number(line), Number(column ?? 1)) ?? whole;
  });
}

function originOf(file: CodeFile, line: number, column: number): string | undefined {
  file.map ??= parseMap(file.code);
  if (file.map === null) return undefined;
  const entry = file.map.findEntry(line - 1, column - 1);
  if (!("originalSource" in entry) || !entry.originalSource) return undefined;
  const source = sourcePath(entry.originalSource, file.map.payload.sourceRoot, file.url);
  return `${source}:${entry.originalLine + 1}:${entry.originalColumn + 1}`;
}

function parseMap(code: string): SourceMap | null {
  try {
    const found = INLINE_MAP.exec(code.slice(code.lastIndexOf("\n//") + 1));
    if (found === null) return null;
    const [, base64, data] = found;
    const json = base64 ? Buffer.from(data, "base64").toString() : decodeURIComponent(data);
    return new SourceMap(JSON.parse(json));
  } catch {
    // An error of the user is being described: with unmapped positions rather than not at all.
    return null;
  }
}

/** Sources may be paths or URLs; relative ones are relative to the user's file. */
function sourcePath(source: string, root: string | undefined, url: string | undefined): string {
  const rooted = root ? `${root.replace(/\/$/, "")}/${source}` : source;
  if (rooted.startsWith("file:")) return fileURLToPath(rooted);
  if (/^[a-z][\w+.-]+:/i.test(rooted) || !url?.startsWith("file:")) return rooted;
  return resolve(dirname(fileURLToPath(url)), rooted);
}
