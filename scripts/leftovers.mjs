/**
 * What a test run left behind: processes, temporary files, folders in shared memory. Owns the
 * marks by which they are found. Used by vitest-setup.mjs and pytest.mjs.
 *
 * Everything that a run starts inherits LOOM_TEST_RUN and TMPDIR from here, so what is found
 * belongs to this run and not to another one in the same checkout.
 */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** How long processes, and folders of others that were killed, may take to go. */
const PATIENCE_MS = 5_000;
const TEMPORARY = /^(worker|loom|hyperloom)-/;
/** Workers make their folders there; the number is the worker's pid. Tests of this look elsewhere. */
const SHARED_MEMORY = process.env.LOOM_TEST_SHARED_MEMORY ?? "/dev/shm";
const SHARED_FOLDER = /^hyperloom-(\d+)-/;

/**
 * Begins a run: `env` is for what it starts. `end()` kills and deletes what is left, and gives a
 * line for each; `isOwn(command)` tells the runner's own processes among its children.
 */
export function beginRun() {
  const temporary = mkdtempSync(join(tmpdir(), "loom-test-"));
  const runId = `${process.pid}-${Date.now()}`;
  const sharedBefore = new Set(sharedFolders());

  async function end(isOwn = () => false) {
    const { processes, shared } = await left(() => ({
      processes: processesOfRun(runId, isOwn),
      shared: sharedFolders().filter((name) => !sharedBefore.has(name) && isAbandoned(name)),
    }));
    for (const { pid } of processes) kill(pid);
    const files = readdirSync(temporary).filter((name) => TEMPORARY.test(name));
    rmSync(temporary, { recursive: true, force: true });
    for (const name of shared) rmSync(join(SHARED_MEMORY, name), { recursive: true, force: true });
    return [
      ...processes.map(({ pid, command }) => `process ${pid}: ${command}`),
      ...files.map((name) => `temporary file: ${name}`),
      ...shared.map((name) => `folder in shared memory: ${join(SHARED_MEMORY, name)}`),
    ];
  }

  return { env: { TMPDIR: temporary, LOOM_TEST_RUN: runId }, end };
}

/** Tells what is left, if anything. */
export function reportLeftovers(leftovers) {
  if (leftovers.length > 0) {
    console.error(`The tests left behind:\n  ${leftovers.join("\n  ")}`);
  }
}

function kill(pid) {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // It ended meanwhile.
  }
}

function sharedFolders() {
  try {
    return readdirSync(SHARED_MEMORY).filter((name) => SHARED_FOLDER.test(name));
  } catch {
    return []; // not Linux
  }
}

/** Whether its process has ended; folders of living ones may belong to another run. */
function isAbandoned(name) {
  const [, pid] = SHARED_FOLDER.exec(name);
  try {
    // A dead process that nobody has waited for still has an entry.
    return /^State:\s*[ZX]/m.test(readFileSync(`/proc/${pid}/status`, "utf8"));
  } catch {
    return true;
  }
}

/** What `find` gives when it finds nothing any more, or at the end of patience. */
async function left(find) {
  const deadline = Date.now() + PATIENCE_MS;
  for (;;) {
    const found = find();
    const isClean = Object.values(found).every((list) => list.length === 0);
    if (isClean || Date.now() > deadline) return found;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

/** Processes of this run, without the runner's own. Linux only; nothing elsewhere. */
function processesOfRun(runId, isOwn) {
  let pids = [];
  try {
    pids = readdirSync("/proc").filter((name) => /^\d+$/.test(name));
  } catch {
    return [];
  }
  return pids.flatMap((name) => {
    try {
      const environment = readFileSync(`/proc/${name}/environ`, "latin1");
      if (!environment.split("\0").includes(`LOOM_TEST_RUN=${runId}`)) return [];
      const command = readFileSync(`/proc/${name}/cmdline`, "utf8").split("\0").join(" ").trim();
      const parent = Number(
        /^PPid:\s*(\d+)/m.exec(readFileSync(`/proc/${name}/status`, "utf8"))?.[1],
      );
      const isRunners = parent === process.pid && isOwn(command);
      return command === "" || isRunners ? [] : [{ pid: Number(name), command }];
    } catch {
      return []; // it ended meanwhile
    }
  });
}
