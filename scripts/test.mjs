/**
 * `npm test [-- FILTER…]`: setup, all tests (vitest, then pytest), and a last line "N passed, N
 * failed". With filters: pytest with those that begin with python/, vitest with the others. Exits
 * with 1 when a test failed, a file could not be collected, an error was unhandled or something
 * was left behind (leftovers.mjs looks for that).
 */
import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { runPytest } from "./pytest.mjs";

const root = fileURLToPath(new URL("..", import.meta.url));

function run(script, args, env) {
  const { status } = spawnSync(process.execPath, [join(root, script), ...args], {
    cwd: root,
    stdio: "inherit",
    env: { ...process.env, ...env },
  });
  return status ?? 1;
}

function runVitest(filters, countsFile) {
  const reporters = ["--reporter=default", "--reporter=./scripts/count-reporter.mjs"];
  return run("node_modules/vitest/vitest.mjs", ["run", ...reporters, ...filters], {
    LOOM_TEST_COUNTS: countsFile,
  });
}

/** Counts of a runner that ended with this status; at least one failure unless all went well. */
function countsOf(runner, status, file) {
  let counts = { passed: 0, failed: 0 };
  if (status === undefined) return counts; // skipped
  // A runner that crashed, or was ended by a test, has written no counts.
  const isComplete = existsSync(file);
  if (isComplete) counts = JSON.parse(readFileSync(file, "utf8"));
  if (counts.failed > 0 || (status === 0 && isComplete)) return counts;
  console.log(`No test of ${runner} failed, but the run did (an error, a crash or a leak, above).`);
  return { ...counts, failed: 1 };
}

function finish(parts) {
  const sum = (name) => parts.reduce((total, counts) => total + counts[name], 0);
  console.log(`${sum("passed")} passed, ${sum("failed")} failed`);
  process.exit(sum("failed") === 0 ? 0 : 1);
}

if (run("scripts/setup.mjs", ["--dev"]) !== 0) finish([{ passed: 0, failed: 1 }]);

const filters = process.argv.slice(2);
const forPytest = filters.filter((filter) => filter.startsWith("python/"));
const forVitest = filters.filter((filter) => !filter.startsWith("python/"));
const folder = mkdtempSync(join(tmpdir(), "loom-counts-"));
const parts = [];
if (filters.length === 0 || forVitest.length > 0) {
  const file = join(folder, "vitest.json");
  parts.push(countsOf("vitest", runVitest(forVitest, file), file));
}
if (filters.length === 0 || forPytest.length > 0) {
  const file = join(folder, "pytest.json");
  parts.push(countsOf("pytest", await runPytest(forPytest, file), file));
}
rmSync(folder, { recursive: true });
finish(parts);
