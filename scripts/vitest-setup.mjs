/**
 * Around a whole test run: builds dist/ once before it (tests start real processes), and
 * fails it when processes or temporary files of it are left. Called by vitest (globalSetup).
 *
 * Everything that a run starts inherits LOOM_TEST_RUN and TMPDIR from here, so what is found
 * belongs to this run and not to another one in the same checkout.
 */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { build, buildIsStale } from "./build.mjs";

/** How long processes may take to go after the last test. */
const PATIENCE_MS = 5_000;
const LEFTOVER = /^(worker|loom|hyperloom)-/;

export default function setup() {
  if (buildIsStale() && !build()) {
    console.warn("The build has errors (above): tests run with what could be compiled.");
  }
  const temporary = mkdtempSync(join(tmpdir(), "loom-test-"));
  const runId = `${process.pid}-${Date.now()}`;
  process.env.TMPDIR = temporary;
  process.env.LOOM_TEST_RUN = runId;

  return async function teardown() {
    const processes = await processesLeft(runId);
    const files = readdirSync(temporary).filter((name) => LEFTOVER.test(name));
    for (const { pid } of processes) process.kill(pid, "SIGKILL");
    rmSync(temporary, { recursive: true, force: true });
    const leaks = [
      ...processes.map(({ pid, command }) => `process ${pid}: ${command}`),
      ...files.map((name) => `temporary file: ${name}`),
    ];
    if (leaks.length > 0) {
      // vitest reports an error thrown here, but exits with 0.
      process.exitCode = 1;
      console.error(`The tests left behind:\n  ${leaks.join("\n  ")}`);
    }
  };
}

async function processesLeft(runId) {
  const deadline = Date.now() + PATIENCE_MS;
  for (;;) {
    const found = processesOfRun(runId);
    if (found.length === 0 || Date.now() > deadline) return found;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

/** Processes of this run, without vitest's own. Linux only; nothing elsewhere. */
function processesOfRun(runId) {
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
      const vitests = parent === process.pid && /node_modules.*(vitest|esbuild)/.test(command);
      return command === "" || vitests ? [] : [{ pid: Number(name), command }];
    } catch {
      return []; // it ended meanwhile
    }
  });
}
