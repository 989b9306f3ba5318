/**
 * `npm run docs`: the reference of both APIs, as HTML: reference/typescript by typedoc (options:
 * typedoc.json), reference/python by pdoc. Every warning is an error. With a folder as argument
 * it writes there (the test does).
 */
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { findPython, hasDevelopmentPackages } from "./python-environment.mjs";

const root = fileURLToPath(new URL("..", import.meta.url));
/** Modules, classes, methods, functions, packages; not magic methods and constructors. */
const PUBLIC_DOCSTRINGS = "--select=D100,D101,D102,D103,D104";
const target = resolve(root, process.argv[2] ?? "reference");

function run(program, args, env) {
  const options = { cwd: root, stdio: "inherit", env: { ...process.env, ...env } };
  return spawnSync(program, args, options).status === 0;
}

function writeTypescript() {
  const typedoc = join(root, "scripts", "typedoc", "node_modules", "typedoc", "bin", "typedoc");
  const args = ["--out", join(target, "typescript"), "--logLevel", "Warn"];
  return run(process.execPath, [typedoc, ...args]);
}

function writePython() {
  if (!existsSync(join(root, "python", "loom"))) return true;
  if (!hasDevelopmentPackages()) {
    console.log("docs: no Python reference, there is no Python environment");
    return true;
  }
  const env = { PYTHONPATH: join(root, "python"), PYTHONWARNINGS: "error" };
  const documented = run(findPython(), [
    "-m",
    "ruff",
    "check",
    "--quiet",
    PUBLIC_DOCSTRINGS,
    "python/loom",
  ]);
  const args = ["-m", "pdoc", "-o", join(target, "python"), "loom"];
  return run(findPython(), args, env) && documented;
}

const typescriptDone = writeTypescript();
const pythonDone = writePython();
process.exit(typescriptDone && pythonDone ? 0 : 1);
