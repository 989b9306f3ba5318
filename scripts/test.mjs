/**
 * `npm test [-- FILTER…]`: setup, all tests, and a last line "N passed, N failed". Exits with
 * 1 when a test failed, a file could not be collected, an error was unhandled or something
 * was left behind (vitest-setup.mjs looks for that).
 */
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));

function run(script, args, env) {
  const { status } = spawnSync(process.execPath, [join(root, script), ...args], {
    cwd: root,
    stdio: "inherit",
    env: { ...process.env, ...env },
  });
  return status ?? 1;
}

function readCounts(file) {
  try {
    return JSON.parse(readFileSync(file, "utf8"));
  } catch {
    return { passed: 0, failed: 0 }; // vitest did not get as far as that
  }
}

function finish({ passed, failed }) {
  console.log(`${passed} passed, ${failed} failed`);
  process.exit(failed === 0 ? 0 : 1);
}

if (run("scripts/setup.mjs", []) !== 0) finish({ passed: 0, failed: 1 });

const folder = mkdtempSync(join(tmpdir(), "loom-counts-"));
const countsFile = join(folder, "counts.json");
const status = run(
  "node_modules/vitest/vitest.mjs",
  [
    "run",
    "--reporter=default",
    "--reporter=./scripts/count-reporter.mjs",
    ...process.argv.slice(2),
  ],
  { LOOM_TEST_COUNTS: countsFile },
);
const counts = readCounts(countsFile);
rmSync(folder, { recursive: true });
if (status !== 0 && counts.failed === 0) {
  console.log("No test failed, but the run did (an unhandled error or a leak, above).");
  counts.failed = 1;
}
finish(counts);
