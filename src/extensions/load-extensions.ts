/**
 * Imports the modules of extensions. Owns where they are looked for and what is said when one can't be
 * loaded: one line with its name and the cause. Called by the command line of workers, and by
 * function processes for their tasks in pools.
 */
import { existsSync, readFileSync, statSync } from "node:fs";
import { resolve } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import type { TransformFailure } from "esbuild";
import { LoomError, messageOf } from "../base/index.js";
import { defineExtension, type Extension, isExtension, kindOf } from "./define-extension.js";
import { packageSpecifier, registerModuleHooks } from "./module-hooks.js";

/** An extension and the name under which it was asked for: a path or a package. */
export interface LoadedExtension {
  readonly specifier: string;
  readonly extension: Extension;
}

/** A position in a file, as stacks have it. */
const PLACE = /(?<!node:[^\s]*)(?:file:\/\/)?(\/[^\s():]+:\d+(?::\d+)?)/g;
const OWN_CODE = fileURLToPath(new URL("..", import.meta.url));

/**
 * Loads one after the other.
 * @param specifiers paths relative to `folder` (JavaScript, or TypeScript through tsx), file URLs, or names
 * of packages that can be imported from there
 * @param folder default: the current directory
 * @throws LoomError("usage") with one line that names the extension and the cause
 */
export async function loadExtensions(
  specifiers: readonly string[],
  folder: string = process.cwd(),
): Promise<LoadedExtension[]> {
  const modules = specifiers.map((specifier) => ({
    specifier,
    path: pathOf(specifier, folder),
  }));
  if (modules.length === 0) return [];
  const typescript = modules.some(({ path }) => path !== undefined && /\.[cm]?tsx?$/.test(path));
  await registerModuleHooks({ typescript });
  const loaded: LoadedExtension[] = [];
  for (const { specifier, path } of modules) {
    const extension = await load(specifier, path, folder);
    const { prefix } = extension;
    const other = loaded.find((before) => before.extension.prefix === prefix);
    if (other !== undefined) {
      throw new LoomError(
        "usage",
        `extensions "${other.specifier}" and "${specifier}" have the same prefix "${prefix}"; a worker takes one of them`,
      );
    }
    loaded.push({ specifier, extension });
  }
  return loaded;
}

async function load(
  specifier: string,
  path: string | undefined,
  folder: string,
): Promise<Extension> {
  let exports: { default?: unknown };
  try {
    exports = (await import(
      path === undefined ? packageSpecifier(specifier, folder) : pathToFileURL(path).href
    )) as typeof exports;
  } catch (error) {
    throw await problem(specifier, path, folder, error);
  }
  const found = exports.default;
  if (!isExtension(found)) {
    const what =
      found === undefined
        ? "it has no default export"
        : `its default export is ${kindOf(found)} that defineExtension did not make`;
    throw notLoaded(specifier, `${what}; it needs "export default defineExtension({ ... })"`);
  }
  try {
    return checkedAgain(found);
  } catch (error) {
    throw notLoaded(specifier, messageOf(error), error);
  }
}

/** Another version of HyperLoom may have made it: what this one relies on is checked here. */
function checkedAgain({ prefix, taskTypes, dataTypes }: Extension): Extension {
  const byName = <T>(types: ReadonlyMap<string, T>) =>
    Object.fromEntries([...types].map(([symbol, type]) => [symbol.slice(prefix.length + 1), type]));
  return defineExtension({ prefix, taskTypes: byName(taskTypes), dataTypes: byName(dataTypes) });
}

/** The file; undefined: the specifier is the name of a package. */
function pathOf(specifier: string, folder: string): string | undefined {
  if (specifier === "") throw notLoaded(specifier, "the path is empty");
  const isUrl = specifier.startsWith("file:");
  const path = isUrl ? fileURLToPath(specifier) : resolve(folder, specifier);
  const isFile = existsSync(path) && statSync(path).isFile();
  if (isFile) return path;
  // With a dot and without: `ext.js` is more likely a file that is missing than a package.
  if (!isUrl && !/^\.{0,2}(\/|$)/.test(specifier) && !/\.[cm]?[jt]sx?$/.test(specifier)) {
    return undefined;
  }
  const reason = existsSync(path) ? `${path} is not a file` : `there is no file ${path}`;
  throw notLoaded(specifier, reason);
}

/** @param path undefined for a package, which was looked for in `folder` */
async function problem(
  specifier: string,
  path: string | undefined,
  folder: string,
  error: unknown,
): Promise<LoomError> {
  const { code, name, message, stack = "" } = (error ?? {}) as NodeJS.ErrnoException;
  if (path === undefined && code === "ERR_MODULE_NOT_FOUND" && message.includes(specifier)) {
    const file = resolve(folder, specifier);
    return notLoaded(specifier, `there is no file ${file} and no such package in ${folder}`, error);
  }
  if (!(error instanceof Error)) return notLoaded(specifier, `it threw ${String(error)}`, error);
  if (error instanceof LoomError || code === "ERR_MODULE_NOT_FOUND") {
    return notLoaded(specifier, message, error);
  }
  const places = [...stack.matchAll(PLACE)].map(([, place]) => place);
  let place = places.find((candidate) => !candidate.startsWith(OWN_CODE));
  // Node tells it only when it prints the error itself.
  if (place === undefined && error instanceof SyntaxError && path !== undefined) {
    place = await findSyntaxError(path);
  }
  const where = place === undefined || message.includes(place) ? "" : ` (${place})`;
  return notLoaded(specifier, `${name}: ${message}${where}`, error);
}

/** Where the file can't be parsed, if it is this one. */
async function findSyntaxError(path: string): Promise<string | undefined> {
  const { transform } = await import("esbuild");
  try {
    await transform(readFileSync(path, "utf8"), { loader: "js", logLevel: "silent" });
    return undefined;
  } catch (error) {
    const [first] = (error as TransformFailure).errors ?? [];
    const location = first?.location;
    return location ? `${path}:${location.line}:${location.column + 1}` : undefined;
  }
}

function notLoaded(specifier: string, reason: string, cause?: unknown): LoomError {
  const text = `extension "${specifier}" can't be loaded: ${reason}`;
  return new LoomError("usage", text, cause === undefined ? undefined : { cause });
}
