/**
 * A Python that has Dask: an environment in .cache/, made from requirements.txt at its first use, or
 * the interpreter that LOOM_DASK_PYTHON names (for Debian's python3-distributed: /usr/bin/python3).
 * Called by dask-peer.ts.
 */
import { spawnSync } from "node:child_process";
import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const REQUIREMENTS = fileURLToPath(new URL("requirements.txt", import.meta.url));
const ENVIRONMENT = fileURLToPath(new URL("../../.cache/dask", import.meta.url));
const OTHER_WAY =
  "or install Debian's python3-distributed and set LOOM_DASK_PYTHON=/usr/bin/python3";

/**
 * The interpreter. Installs Dask when it is not there yet.
 * @throws Error in one line: what is missing, and what to do
 */
export function daskPython(named = process.env.LOOM_DASK_PYTHON, folder = ENVIRONMENT): string {
  if (named !== undefined && named !== "") {
    if (spawnSync(named, ["-c", "import distributed"]).status === 0) return named;
    throw new Error(
      `--peer dask: LOOM_DASK_PYTHON=${named} cannot import distributed; name an interpreter that has Dask, or unset it`,
    );
  }
  const interpreter = join(folder, "bin", "python");
  const stamp = join(folder, "installed.txt");
  const wanted = readFileSync(REQUIREMENTS, "utf8");
  if (existsSync(stamp) && readFileSync(stamp, "utf8") === wanted) return interpreter;
  console.log("bench: installing Dask into .cache/dask (pip)");
  rmSync(folder, { recursive: true, force: true });
  step(
    "python3",
    ["-m", "venv", folder],
    `no Python environment made; install python3-venv, ${OTHER_WAY}`,
  );
  const pip = ["-m", "pip", "install", "--quiet", "--no-input", "--disable-pip-version-check"];
  step(
    interpreter,
    [...pip, "-r", REQUIREMENTS],
    `pip could not install Dask; connect to the network, ${OTHER_WAY}`,
  );
  writeFileSync(stamp, wanted);
  return interpreter;
}

function step(command: string, args: string[], problem: string): void {
  const { status, stderr } = spawnSync(command, args, { encoding: "utf8" });
  if (status === 0) return;
  const reason = stderr?.trim().split("\n").at(-1) || `${command} cannot be started`;
  throw new Error(`--peer dask: ${problem} (${reason})`);
}
