/**
 * Runs the Python tests and counts them; what they leave behind fails them, as in
 * vitest-setup.mjs. Called by test.mjs.
 */
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { delimiter, join } from "node:path";
import { fileURLToPath } from "node:url";
import { beginRun, reportLeftovers } from "./leftovers.mjs";
import { findPython, hasDevelopmentPackages } from "./python-environment.mjs";
import "./use-python.mjs";

const root = fileURLToPath(new URL("..", import.meta.url));

/**
 * Runs pytest with these arguments; without any, on all tests. Resolves with its exit status,
 * undefined when the tests are skipped; counts are written to `countsFile`.
 */
export async function runPytest(args, countsFile) {
  if (!existsSync(join(root, "python", "tests"))) return undefined;
  if (!hasDevelopmentPackages()) {
    console.log("\nPython tests are skipped: no Python environment (the warning at the start).");
    return undefined;
  }
  console.log("\npytest");
  const run = beginRun();
  const { status } = spawnSync(
    findPython(),
    // -rs: lists skipped tests with their reasons.
    [
      "-m",
      "pytest",
      "-q",
      "-rs",
      "-p",
      "count_tests",
      ...(args.length > 0 ? args : ["python/tests"]),
    ],
    {
      cwd: root,
      stdio: "inherit",
      env: {
        ...process.env,
        ...run.env,
        LOOM_TEST_COUNTS: countsFile,
        PYTHONPATH: [join(root, "scripts"), process.env.PYTHONPATH].filter(Boolean).join(delimiter),
      },
    },
  );
  const leftovers = await run.end();
  reportLeftovers(leftovers);
  return leftovers.length > 0 ? 1 : (status ?? 1);
}
