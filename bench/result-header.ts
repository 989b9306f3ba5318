/** What every file of results begins with: when, which commit, which machine. Called by run.ts. */
import { execFileSync } from "node:child_process";
import { availableParallelism, cpus, totalmem } from "node:os";
import { fileURLToPath } from "node:url";
import { rounded } from "./record.js";

export interface ResultHeader {
  /** ISO 8601. */
  date: string;
  /** Short hash, with a remark when files of src/ or bench/ differ from it; or "unknown". */
  commit: string;
  machine: Machine;
}

export interface Machine {
  cpu: string;
  cores: number;
  memoryGB: number;
  system: string;
  node: string;
}

export function resultHeader(): ResultHeader {
  return { date: new Date().toISOString(), commit: commit(), machine: machine() };
}

function machine(): Machine {
  return {
    cpu: cpus()[0]?.model ?? "unknown",
    cores: availableParallelism(),
    memoryGB: rounded(totalmem() / 1e9),
    system: `${process.platform} ${process.arch}`,
    node: process.version,
  };
}

function commit(): string {
  const git = (...args: string[]): string =>
    execFileSync("git", args, {
      cwd: fileURLToPath(new URL("..", import.meta.url)),
      encoding: "utf8",
      stdio: ["ignore", "pipe", "ignore"],
    }).trim();
  try {
    // New result files are no change of what is measured.
    const changed = git("status", "--porcelain", "--", "src", "bench", ":!bench/results") !== "";
    return git("rev-parse", "--short", "HEAD") + (changed ? " with changes" : "");
  } catch {
    return "unknown";
  }
}
