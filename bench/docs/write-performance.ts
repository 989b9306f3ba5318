/**
 * `npm run bench:docs`: writes docs/performance.md and docs/images/performance-*.svg from
 * bench/results/*.json. The same results give the same text.
 */
import { mkdirSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { performancePage } from "./performance-page.js";
import { readResultFiles } from "./result-files.js";

const RESULTS = fileURLToPath(new URL("../results", import.meta.url));
const DOCS = fileURLToPath(new URL("../../docs", import.meta.url));

try {
  const { markdown, images } = await performancePage(readResultFiles(RESULTS));
  const folder = join(DOCS, "images");
  mkdirSync(folder, { recursive: true });
  for (const name of readdirSync(folder)) {
    // Of a section that is not there any more.
    if (name.startsWith("performance-") && !images.has(name)) rmSync(join(folder, name));
  }
  for (const [name, svg] of images) writeFileSync(join(folder, name), svg);
  writeFileSync(join(DOCS, "performance.md"), markdown);
  console.log(`Written: docs/performance.md, ${[...images.keys()].join(", ")}`);
} catch (error) {
  console.error(`bench:docs: ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = 1;
}
