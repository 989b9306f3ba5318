/**
 * `npm run check`, Python part: ruff on everything, mypy on the client package. Prints nothing
 * when there is nothing to say. The packages come from `setup.mjs --dev`.
 */
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { findPython, hasDevelopmentPackages } from "./python-environment.mjs";

const folder = fileURLToPath(new URL("../python", import.meta.url));
/** Elsewhere nothing is documented for users, and what is first-party can't be told. */
const ELSEWHERE = ["--config", "ruff.toml", "../examples", "../test"];
const COMMANDS = [
  ["ruff", "check", "--quiet", "."],
  ["ruff", "format", "--check", "--quiet", "."],
  ["ruff", "check", "--quiet", "--ignore", "D1,I001", ...ELSEWHERE],
  ["ruff", "format", "--check", "--quiet", ...ELSEWHERE],
  ...(existsSync(join(folder, "loom"))
    ? [["mypy", "--strict", "--no-error-summary", "-p", "loom"]]
    : []),
];

if (!hasDevelopmentPackages()) {
  console.log("check: Python is not checked, there is no Python environment");
  process.exit(0);
}
let failed = false;
for (const command of COMMANDS) {
  const { status } = spawnSync(findPython(), ["-m", ...command], { cwd: folder, stdio: "inherit" });
  if (status === 0) continue;
  failed = true;
  console.error(`check: ${command.join(" ")} (in python/) failed`);
}
process.exit(failed ? 1 : 0);
