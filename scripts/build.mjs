/**
 * Compiles src/ into dist/ when a source is newer than the last build. Owns: dist/. Called by
 * `npm run build` (always builds), setup.mjs and the tests (build when needed).
 */
import { spawnSync } from "node:child_process";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));
const dist = join(root, "dist");
/** Its modification time is the start of the last build. */
const stamp = join(dist, ".built");
const BIN_FILES = ["loom.js", "loom-server.js", "loom-worker.js"];

/** Whether dist/ is missing or older than something it is made of. */
export function buildIsStale() {
  if (!existsSync(stamp)) return true;
  const built = statSync(stamp).mtimeMs;
  const inputs = ["src", "tsconfig.json", "tsconfig.build.json", "package-lock.json"];
  return inputs.some((input) => newestChange(join(root, input)) > built);
}

/** Latest modification in a tree; a folder's own time tells of deleted files. */
function newestChange(path) {
  const stat = statSync(path);
  let newest = stat.mtimeMs;
  if (stat.isDirectory()) {
    for (const entry of readdirSync(path)) {
      newest = Math.max(newest, newestChange(join(path, entry)));
    }
  }
  return newest;
}

/** Compiles; the compiler's messages go to this process's output. True when without error. */
export function build() {
  const started = new Date();
  const compiler = join(root, "node_modules", "typescript", "bin", "tsc");
  const { status } = spawnSync(process.execPath, [compiler, "-p", "tsconfig.build.json"], {
    cwd: root,
    stdio: "inherit",
  });
  mkdirSync(dist, { recursive: true });
  removeOutputsWithoutSource(dist, join(root, "src"));
  for (const file of BIN_FILES) {
    const path = join(dist, "cli", file);
    if (existsSync(path)) chmodSync(path, 0o755);
  }
  if (status !== 0) {
    rmSync(stamp, { force: true });
    return false;
  }
  writeFileSync(stamp, "");
  utimesSync(stamp, started, started);
  return true;
}

/** A deleted source must not live on as a module that can still be imported. */
function removeOutputsWithoutSource(outFolder, sourceFolder) {
  for (const entry of readdirSync(outFolder, { withFileTypes: true })) {
    const out = join(outFolder, entry.name);
    if (entry.isDirectory()) {
      const source = join(sourceFolder, entry.name);
      if (existsSync(source)) removeOutputsWithoutSource(out, source);
      else rmSync(out, { recursive: true });
    } else {
      const source = entry.name.replace(/(\.d\.ts|\.js)(\.map)?$/, ".ts");
      if (source !== entry.name && !existsSync(join(sourceFolder, source))) rmSync(out);
    }
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) process.exit(build() ? 0 : 1);
