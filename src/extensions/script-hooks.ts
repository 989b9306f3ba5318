/**
 * Module hooks for scripts and extensions, in Node's hook thread; registered after tsx's, so they
 * are asked first. Two things that users' modules need wherever they are: "hyperloom" resolves to
 * this package, and a .ts file with import or export is an ES module (top-level await) even where the
 * package.json says "commonjs", as `npm init` writes it. And a package can be imported from a folder
 * that has no module in it. Loaded by module-hooks.ts.
 */
import { existsSync, readFileSync } from "node:fs";
import type { ResolveFnOutput, ResolveHook } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

/** `loom-package:`, a name and the URL of the folder to look from, as URL components. */
const PACKAGE = /^loom-package:([^?]*)\?from=(.*)$/;

export const resolve: ResolveHook = async (specifier, context, nextResolve) => {
  const [, name, folder] = PACKAGE.exec(specifier) ?? [];
  if (name !== undefined) {
    const parentURL = decodeURIComponent(folder);
    return nextResolve(decodeURIComponent(name), { ...context, parentURL });
  }
  const resolved = await resolveWithFallback(specifier, context, nextResolve);
  const path = resolved.url.startsWith("file:") ? fileURLToPath(resolved.url) : "";
  if (/\.tsx?$/.test(path) && resolved.format !== "module" && isModule(path)) {
    return { ...resolved, format: "module" };
  }
  return resolved;
};

async function resolveWithFallback(
  specifier: string,
  context: Parameters<ResolveHook>[1],
  nextResolve: Parameters<ResolveHook>[2],
): Promise<ResolveFnOutput> {
  try {
    return await nextResolve(specifier, context);
  } catch (error) {
    if (!/^hyperloom(\/|$)/.test(specifier)) throw error;
    // A package may import itself by name: resolve as if this file had asked.
    return nextResolve(specifier, { ...context, parentURL: import.meta.url });
  }
}

/** Whether no package.json says that it isn't, or it is written as one all the same. */
function isModule(path: string): boolean {
  if (!saysCommonJs(path)) return true;
  return /^\s*(import|export)\s*[\w{*"']/m.test(readFileSync(path, "utf8"));
}

/** Whether the package.json that governs `path` says "commonjs". */
function saysCommonJs(path: string): boolean {
  for (let folder = dirname(path); ; folder = dirname(folder)) {
    const file = join(folder, "package.json");
    if (existsSync(file)) {
      return (JSON.parse(readFileSync(file, "utf8")) as { type?: string }).type === "commonjs";
    }
    if (dirname(folder) === folder) return false;
  }
}
