/**
 * Bundles the pages (browser code) of src/ into one script and one style sheet each. Owns the list of
 * pages. Run by build.mjs as a program, `build-pages.mjs SRC DIST`: its own build has no promises.
 */
import { existsSync, readFileSync } from "node:fs";
import { join, resolve, sep } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

/** Entry points in src/, and what they become in dist/ (.js and .css). */
const PAGES = [
  { entry: "report/page/main.ts", output: "report/page/bundle" },
  { entry: "dashboard/page/main.ts", output: "dashboard/page/bundle" },
];

/** Packages that are in the bundles, whose licences want to be told with them. */
const BUNDLED = ["uplot", "@dagrejs/dagre", "@dagrejs/graphlib"];

function licences() {
  const modules = fileURLToPath(new URL("../node_modules", import.meta.url));
  const texts = BUNDLED.map((name) => {
    const text = readFileSync(join(modules, name, "LICENSE"), "utf8").trim();
    return `${name}\n\n${text}`;
  });
  return `/*! This file has parts of these packages:\n\n${texts.join("\n\n")}\n*/`;
}

/**
 * Pages use constants of rooms that also have code for Node: only what a page uses gets in, modules are taken
 * to have no side effects but for the pages' own.
 */
function onlyWhatIsUsed(source) {
  return {
    name: "only-what-is-used",
    setup(builder) {
      builder.onResolve({ filter: /^node:/ }, ({ path }) => ({
        path,
        external: true,
        sideEffects: false,
      }));
      builder.onResolve({ filter: /^\.\.?\// }, async ({ path, pluginData, ...rest }) => {
        if (pluginData === "resolved") return undefined;
        const result = await builder.resolve(path, { ...rest, pluginData: "resolved" });
        const inside = result.path.startsWith(source) && !result.path.includes(`${sep}page${sep}`);
        if (inside) result.sideEffects = false;
        return result;
      });
    },
  };
}

/** Bundles all pages of `source` (src/) into `target` (dist/); esbuild prints what is wrong. */
async function buildPages(source, target) {
  for (const { entry, output } of PAGES) {
    if (!existsSync(join(source, entry))) continue;
    const { metafile } = await build({
      entryPoints: [join(source, entry)],
      outfile: join(target, `${output}.js`),
      bundle: true,
      minify: true,
      metafile: true,
      format: "iife",
      platform: "browser",
      target: ["chrome110", "firefox113", "safari16.4"],
      legalComments: "none",
      footer: { js: licences() },
      logLevel: "warning",
      plugins: [onlyWhatIsUsed(source + sep)],
    });
    for (const { imports } of Object.values(metafile.outputs)) {
      const [first] = imports.filter(({ external }) => external);
      if (first !== undefined) {
        throw new Error(`${entry} uses ${first.path}, which browsers do not have`);
      }
    }
  }
}

const [source, target] = process.argv.slice(2);
await buildPages(resolve(source), resolve(target)).catch((error) => {
  // esbuild has printed its own already.
  if (error.errors === undefined) console.error(error.message);
  process.exitCode = 1;
});
