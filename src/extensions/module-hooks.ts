/**
 * What modules of users need to be imported into a process of HyperLoom: script-hooks.ts, and tsx for
 * TypeScript. Called by `loom run` and by load-extensions.ts.
 */
import { register as registerHooks } from "node:module";
import { pathToFileURL } from "node:url";

const registered = { hooks: false, typescript: false };

/** For all modules that this process imports from now on; once, however often it is called. */
export async function registerModuleHooks(options: { typescript: boolean }): Promise<void> {
  const withTypescript = options.typescript && !registered.typescript;
  if (registered.hooks && !withTypescript) return;
  if (withTypescript) {
    registered.typescript = true;
    // Its cache would stay behind in the system's temporary folder.
    process.env.TSX_DISABLE_CACHE ??= "1";
    // CommonJS first, for TypeScript in packages that say "commonjs" and are written so.
    for (const loader of ["tsx/cjs/api", "tsx/esm/api"] as const) {
      const { register } = await import(loader);
      register();
    }
  }
  registered.hooks = true;
  registerHooks("./script-hooks.js", import.meta.url);
}

/** What to import for the package of that name as seen from a folder, with the hooks registered. */
export function packageSpecifier(name: string, folder: string): string {
  const from = encodeURIComponent(pathToFileURL(`${folder}/`).href);
  return `loom-package:${encodeURIComponent(name)}?from=${from}`;
}
