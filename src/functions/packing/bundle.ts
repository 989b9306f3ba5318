/**
 * From selected code to the module that travels: pieces of the file put together, bundled with
 * what they import. Owns the module's form and esbuild's options.
 */
import { existsSync } from "node:fs";
import { dirname, extname, join, resolve } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import type { BuildFailure, Message } from "esbuild";
import { refused } from "./function-source.js";
import { esbuild } from "./libraries.js";
import type { KeptCode, Selection } from "./select-code.js";
import {
  encodeMappings,
  findSegment,
  inlineMapComment,
  MappedText,
  type SourceMapJson,
} from "./source-map.js";
import type { Range } from "./syntax.js";
import { PACKED_MARK, TARGET, type UserFile } from "./user-file.js";

export interface PackedCode {
  readonly code: string;
  /** By the names under which the code finds them in `module.captured`. */
  readonly captured: Readonly<Record<string, unknown>> | undefined;
}

/**
 * @param expression makes an expression of the function's text
 * @throws LoomError("usage") naming the import that can't be bundled
 */
export function bundle(
  file: UserFile,
  fn: Range,
  expression: { before: string; after: string },
  selection: Selection,
  external: readonly string[],
  name: string,
): PackedCode {
  const { captured, entries, inner } = nameCaptured(selection);
  const { text } = file.syntax;
  const module = new MappedText();
  if (entries !== "") module.add(`let { ${entries} } = module.captured;`);
  module.add("\n");
  for (const code of selection.kept) addCode(module, file, code);
  const [open, close] = inner === "" ? ["", ""] : [`(({ ${inner} }) => `, ")(module.captured)"];
  module.add(`export default ${open}${expression.before}`);
  module.addRange(text, file.mappings, fn.start, fn.end).add(`${expression.after}${close};\n`);
  const code = build(file, module, external, name);
  return { code, captured: Object.keys(captured).length === 0 ? undefined : captured };
}

/** No name is in both: in the text that esbuild wrote, no variable hides another one. */
function nameCaptured({ captured, closure }: Selection) {
  return {
    captured: Object.fromEntries([...captured, ...closure]) as Record<string, unknown>,
    entries: [...captured.keys()].join(", "),
    inner: [...closure.keys()].join(", "),
  };
}

function addCode(module: MappedText, file: UserFile, code: KeptCode): void {
  const { syntax, mappings } = file;
  module.add(code.keyword);
  if (code.importSource !== undefined && isHyperLoom(file, code.importSource.value)) {
    module.addRange(syntax.text, mappings, code.start, code.importSource.start);
    module.add('"hyperloom";\n');
  } else {
    module.addRange(syntax.text, mappings, code.start, code.end).add(";\n");
  }
}

/** This package, also by path, as its own tests and examples import it: workers have their own. */
function isHyperLoom(file: UserFile, specifier: string): boolean {
  if (!specifier.startsWith(".")) return false;
  const target = resolve(dirname(file.path), specifier);
  return ["src", "dist"].some((folder) => target.startsWith(join(packageRoot(), folder, "/")));
}

let root: string | undefined;
function packageRoot(): string {
  if (root === undefined) {
    root = dirname(fileURLToPath(import.meta.url));
    while (!existsSync(join(root, "package.json")) && dirname(root) !== root) root = dirname(root);
  }
  return root;
}

function build(
  file: UserFile,
  module: MappedText,
  external: readonly string[],
  name: string,
): string {
  const comment = inlineMapComment(file.sources, encodeMappings(module.mappings));
  const folder = dirname(file.path);
  // Node's rules for default imports of CommonJS packages hold in files with this ending.
  const ending = extname(file.path);
  const sourcefile = file.isModule ? `${file.path.slice(0, -ending.length)}.mjs` : file.path;
  try {
    const { outputFiles } = esbuild().buildSync({
      stdin: { contents: `${module.text}${comment}`, resolveDir: folder, sourcefile, loader: "js" },
      bundle: true,
      write: false,
      outfile: join(folder, "function.js"),
      absWorkingDir: folder,
      sourcemap: "external",
      sourcesContent: false,
      charset: "utf8",
      format: "cjs",
      platform: "node",
      target: TARGET,
      // `import()` becomes a require: the code is no file on the worker.
      supported: { "dynamic-import": false },
      minifyWhitespace: true,
      legalComments: "none",
      external: ["hyperloom", "*.node", ...external],
      ...(file.packed && { packages: "external" }),
      define: { "import.meta.url": JSON.stringify(file.url) },
      banner: { js: PACKED_MARK },
      logLevel: "silent",
    });
    const [mapFile, codeFile] = outputFiles;
    const map = JSON.parse(mapFile.text) as SourceMapJson;
    // Not relative to file.url: that of packed code is its author's.
    const base = pathToFileURL(join(folder, "/"));
    const sources = map.sources.map((source) => new URL(source ?? "", base).href);
    return codeFile.text + inlineMapComment(sources, map.mappings);
  } catch (error) {
    const messages = (error as Partial<BuildFailure>).errors;
    if (messages === undefined || messages.length === 0) throw error;
    throw importRefused(
      messages[0],
      placeOf(messages[0], module, file, sourcefile),
      external,
      name,
      error,
    );
  }
}

/** Where esbuild's message points to, as the author sees it: ` (in file:line)`. */
function placeOf(
  { location }: Message,
  { mappings }: MappedText,
  file: UserFile,
  sourcefile: string,
): string {
  if (location === null) return "";
  const { line, column } = location;
  const path = resolve(dirname(file.path), location.file);
  if (path !== sourcefile) return ` (in ${path}:${line})`;
  const segment = findSegment(mappings, line - 1, column);
  return ` (in ${file.path}${segment === undefined ? "" : `:${segment.sourceLine + 1}`})`;
}

function importRefused(
  { text }: Message,
  place: string,
  external: readonly string[],
  name: string,
  cause: unknown,
) {
  const specifier = /Could not resolve "([^"]+)"/.exec(text)?.[1];
  if (specifier !== undefined) {
    const remedy = /^\.{0,2}\//.test(specifier)
      ? "check the path"
      : "install it, or, if workers have it, name it in the option external";
    return refused(name, `imports "${specifier}"${place}, which can't be found; ${remedy}`, cause);
  }
  const remedy =
    external.length === 0
      ? "name the package in the option external, or leave that import out"
      : "leave that import out";
  return refused(name, `imports code that can't be bundled: ${text}${place}; ${remedy}`, cause);
}
