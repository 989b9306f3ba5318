/**
 * Compiles src/ into dist/ when a source is newer than the last build. Owns: dist/. Called by
 * `npm run build` (always builds), setup.mjs and the tests (build when needed).
 */
import { spawnSync } from "node:child_process";
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
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

/**
 * Compiles; the compiler's messages go to this process's output. True when without error.
 * Files are compiled beside dist/ and moved there one by one, so that processes which start
 * meanwhile (other tests in this checkout) read whole files.
 */
export function build() {
  const started = new Date();
  const fresh = mkdtempSync(join(root, "dist.new-"));
  try {
    const compiler = join(root, "node_modules", "typescript", "bin", "tsc");
    const { status } = spawnSync(
      process.execPath,
      [compiler, "-p", "tsconfig.build.json", "--outDir", fresh],
      { cwd: root, stdio: "inherit" },
    );
    const pages = spawnSync(
      process.execPath,
      [join(root, "scripts", "build-pages.mjs"), join(root, "src"), fresh],
      { stdio: "inherit" },
    );
    for (const file of BIN_FILES) {
      const path = join(fresh, "cli", file);
      if (existsSync(path)) chmodSync(path, 0o755);
    }
    moveChanged(fresh, dist);
    removeDeleted(fresh, dist);
    if (status === 0 && pages.status === 0) {
      writeFileSync(stamp, "");
      utimesSync(stamp, started, started);
    } else {
      rmSync(stamp, { force: true });
    }
    return status === 0 && pages.status === 0;
  } finally {
    rmSync(fresh, { recursive: true });
  }
}

/** A copy stays in `from`: removeDeleted() compares names. */
function moveChanged(from, to) {
  mkdirSync(to, { recursive: true });
  for (const entry of readdirSync(from, { withFileTypes: true })) {
    const source = join(from, entry.name);
    const target = join(to, entry.name);
    if (entry.isDirectory()) {
      moveChanged(source, target);
    } else if (!existsSync(target) || !readFileSync(source).equals(readFileSync(target))) {
      const whole = `${source}.whole`;
      copyFileSync(source, whole);
      renameSync(whole, target);
    }
  }
}

/** A deleted source must not live on as a module that can still be imported. */
function removeDeleted(from, to) {
  for (const entry of readdirSync(to, { withFileTypes: true })) {
    const source = join(from, entry.name);
    const target = join(to, entry.name);
    if (target === stamp) continue;
    if (!existsSync(source)) rmSync(target, { recursive: true, force: true });
    else if (entry.isDirectory()) removeDeleted(source, target);
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) process.exit(build() ? 0 : 1);
