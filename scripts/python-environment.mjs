/**
 * The Python environment `.venv` of this checkout: with what running needs ("run": demo,
 * bench) or also what tests, checks and docs need ("dev"). Python is optional: where the
 * environment cannot be made, one warning says why and the rest goes on without.
 * Called by setup.mjs; findPython() by everything that starts Python.
 */
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import {
  existsSync,
  linkSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));
const environment = join(root, ".venv");
const interpreter = join(environment, "bin", "python");
/** JSON: the checkout's path, and for each set a hash of what it was installed from. */
const stampFile = join(environment, ".loom-setup.json");
/** Holds the pid of who installs; left by a dead process, the environment is made anew. */
const lockFile = join(root, ".cache", "python-environment.pid");
const WAIT_FOR_OTHER_MS = 600_000;

/** Files that say what is installed; with a pyproject.toml, its package is installed, too. */
const REQUIREMENTS = {
  run: ["requirements.txt"],
  dev: ["requirements.txt", "requirements-dev.txt", "pyproject.toml"],
};

const UNREACHABLE =
  /NewConnectionError|Connection(Refused|Reset)?Error|Max retries|timed? ?out|name resolution|Network is unreachable|ProxyError/i;

/** The environment's interpreter if it has at least what running needs. */
export function findPython() {
  return readStamp()?.run !== undefined ? interpreter : undefined;
}

/** Whether the environment also has what tests, checks and docs need. */
export function hasDevelopmentPackages() {
  return readStamp()?.dev !== undefined;
}

/** Makes or updates the environment if it lacks something of the set ("run" or "dev"). */
export function ensurePython(set) {
  const wanted = hashOf(set);
  if (wanted === undefined) return; // a checkout without Python parts
  if (readStamp()?.[set] === wanted && !existsSync(lockFile)) return;
  const problem = findProblemOfPython() ?? install(set, wanted);
  if (problem === undefined) return;
  const consequence =
    findPython() === undefined
      ? "Python functions, and tests of them, need it; everything else works"
      : "the older one is used";
  const verb = findPython() === undefined ? "made" : "updated";
  process.stderr.write(`setup: no Python environment ${verb}: ${problem} (${consequence})\n`);
}

/** Undefined: no environment, or it is broken, interrupted or was made for another path. */
function readStamp() {
  if (!existsSync(interpreter)) return undefined; // also: its base interpreter is gone
  try {
    const stamp = JSON.parse(readFileSync(stampFile, "utf8"));
    return stamp.root === root ? stamp : undefined;
  } catch {
    return undefined;
  }
}

function hashOf(set) {
  const files = REQUIREMENTS[set].map((name) => join(root, "python", name)).filter(existsSync);
  if (files.length === 0) return undefined;
  const hash = createHash("sha256");
  for (const file of files) hash.update(`${file.slice(root.length)}\0`).update(readFileSync(file));
  return hash.digest("hex");
}

function findProblemOfPython() {
  const script = "import sys; print(*sys.version_info[:2])";
  const { status, stdout } = python(["-c", script]);
  if (status !== 0) {
    return "there is no python3; install Python 3 with venv (Debian: python3 and python3-venv)";
  }
  const project = join(root, "python", "pyproject.toml");
  const minimum = existsSync(project)
    ? /^requires-python\s*=\s*"\s*>=\s*3\.(\d+)/m.exec(readFileSync(project, "utf8"))?.[1]
    : undefined;
  const [major, minor] = stdout.trim().split(" ").map(Number);
  if (minimum !== undefined && (major < 3 || minor < Number(minimum))) {
    return `python3 is Python ${major}.${minor}; install Python 3.${minimum} or newer`;
  }
  return undefined;
}

/** What went wrong, or undefined. */
function install(set, wanted) {
  const interrupted = lock();
  try {
    const stamp = readStamp();
    if (!interrupted && stamp?.[set] === wanted) return undefined; // another process did it
    console.log("setup: installing Python packages into .venv (pip)");
    const isNew = !existsSync(interpreter) || interrupted || wasMoved();
    if (isNew) rmSync(environment, { recursive: true, force: true });
    const problem = (isNew ? makeEnvironment() : undefined) ?? installPackages(set);
    if (problem === undefined) {
      // The run set is part of the dev set.
      const sets = set === "dev" ? { run: hashOf("run"), dev: wanted } : { run: wanted };
      const before = isNew ? {} : stamp;
      writeFileSync(stampFile, JSON.stringify({ ...before, root, ...sets }));
    } else if (isNew) {
      rmSync(environment, { recursive: true, force: true });
    }
    return problem;
  } finally {
    if (findPidIn(lockFile) === process.pid) rmSync(lockFile);
  }
}

/** Waits for another process that installs. True when one died at it. */
function lock() {
  mkdirSync(join(root, ".cache"), { recursive: true });
  const deadline = Date.now() + WAIT_FOR_OTHER_MS;
  // Linked, not written: the lock is never there without the pid in it.
  const own = `${lockFile}.${process.pid}`;
  writeFileSync(own, String(process.pid));
  try {
    for (let waits = false; !isLinked(own, lockFile); waits = true) {
      const pid = findPidIn(lockFile);
      if (pid === undefined) continue; // it has just finished
      if (!isAlive(pid) || Date.now() > deadline) {
        if (replacesLockOf(pid, own)) return true;
        continue;
      }
      if (!waits) console.log(`setup: process ${pid} is installing Python packages; waiting`);
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 200);
    }
    return false;
  } finally {
    rmSync(own, { force: true });
  }
}

function isLinked(from, to) {
  try {
    linkSync(from, to);
    return true;
  } catch (error) {
    if (error.code === "EEXIST") return false;
    throw error;
  }
}

/**
 * Puts `own` in the place of the lock of `pid`: of several processes that find that one dead only one does. The lock
 * changes hands by a rename, and only in the hands of who holds the claim.
 */
function replacesLockOf(pid, own) {
  const claim = `${lockFile}.claim`;
  if (!isLinked(own, claim)) {
    const claimant = findPidIn(claim);
    if (claimant !== undefined && !isAlive(claimant)) rmSync(claim, { force: true });
    return false;
  }
  try {
    if (findPidIn(lockFile) !== pid) return false; // another was faster
    renameSync(own, lockFile);
    return true;
  } finally {
    rmSync(claim, { force: true });
  }
}

function findPidIn(file) {
  try {
    return Number(readFileSync(file, "utf8"));
  } catch {
    return undefined;
  }
}

function isAlive(pid) {
  try {
    return pid > 0 && process.kill(pid, 0);
  } catch {
    return false;
  }
}

/** Made by this script at another path: scripts and editable packages in it point there. */
function wasMoved() {
  return existsSync(stampFile) && readStamp() === undefined;
}

function makeEnvironment() {
  if (python(["-m", "venv", environment]).status === 0) return undefined;
  // Debian without python3-venv lacks ensurepip: then the system's pip installs into it.
  const { status, stderr } = python(["-m", "venv", "--without-pip", environment]);
  if (status === 0 && python(["-m", "pip", "--version"]).status === 0) return undefined;
  const cause = status === 0 ? "it has neither ensurepip nor pip" : lastLine(stderr);
  return `python3 cannot make one, ${cause}; install venv (Debian: python3-venv)`;
}

function installPackages(set) {
  const hasPip = spawnSync(interpreter, ["-m", "pip", "--version"]).status === 0;
  const file = join(root, "python", set === "dev" ? "requirements-dev.txt" : "requirements.txt");
  const hasPackage = set === "dev" && existsSync(join(root, "python", "pyproject.toml"));
  const args = ["install", "--quiet", "--no-input", "--disable-pip-version-check", "--retries=1"];
  args.push("-r", file, ...(hasPackage ? ["-e", join(root, "python")] : []));
  const { status, stdout, stderr } = hasPip
    ? spawnSync(interpreter, ["-m", "pip", ...args], { encoding: "utf8" })
    : python(["-m", "pip", "--python", interpreter, ...args]);
  if (status === 0) return undefined;
  if (UNREACHABLE.test(stdout + stderr)) {
    return "pip cannot reach the package index; connect to the network or set pip's index-url to a mirror, then run this again";
  }
  process.stderr.write(stdout + stderr);
  return "pip failed (above)";
}

function python(args) {
  return spawnSync("python3", args, { encoding: "utf8" });
}

function lastLine(text) {
  return text.trim().split("\n").at(-1);
}
