/**
 * What processes use, read from /proc: CPU time and memory. Linux only. Called by the cases.
 * docs/benchmarks.md explains what these numbers can and can't tell.
 */
import { readFileSync, writeFileSync } from "node:fs";

/** /proc counts CPU time in these; 100 a second on every Linux that Node supports. */
const TICK_US = 10_000;

/** CPU time of processes since their start, user and system, in µs (in steps of 10 ms). */
export function cpuTimeUs(pids: readonly number[]): number {
  let total = 0;
  for (const pid of pids) {
    const stat = readFileSync(`/proc/${pid}/stat`, "latin1");
    // The name in parentheses may hold spaces; utime and stime are the 12th and 13th after it.
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    total += (Number(fields[11]) + Number(fields[12])) * TICK_US;
  }
  return total;
}

/** Resident memory now, in bytes. */
export function residentBytes(pid: number): number {
  return statusField(pid, "VmRSS");
}

/** Highest resident memory since resetPeak(), in bytes. */
export function peakResidentBytes(pid: number): number {
  return statusField(pid, "VmHWM");
}

/** Makes the present resident memory the highest. */
export function resetPeak(pid: number): void {
  writeFileSync(`/proc/${pid}/clear_refs`, "5");
}

function statusField(pid: number, name: string): number {
  const status = readFileSync(`/proc/${pid}/status`, "latin1");
  const match = new RegExp(`^${name}:\\s+(\\d+) kB$`, "m").exec(status);
  if (match === null) throw new Error(`/proc/${pid}/status has no ${name}`);
  return Number(match[1]) * 1024;
}
