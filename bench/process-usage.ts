/**
 * What processes use, read from /proc: CPU time and memory. Linux only. Called by the cases.
 * docs/benchmarks.md explains what these numbers can and can't tell.
 */
import { readdirSync, readFileSync, writeFileSync } from "node:fs";

/** /proc/PID/stat counts CPU time in these; 100 a second on every Linux that Node supports. */
const TICK_US = 10_000;

/** CPU time of processes since their start, user and system, in µs. */
export function cpuTimeUs(pids: readonly number[]): number {
  let total = 0;
  for (const pid of pids) total += preciseCpuTimeUs(pid) ?? cpuTicksUs(pid);
  return total;
}

/** CPU time of this process since its start, in ms: unlike a clock it does not count what else the machine does. */
export function ownCpuMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

/**
 * From the scheduler's own account, in nanoseconds. Summed over the threads that exist: those of Node
 * live as long as their process. Undefined where the kernel keeps no such account.
 */
function preciseCpuTimeUs(pid: number): number | undefined {
  try {
    let total = 0;
    for (const thread of readdirSync(`/proc/${pid}/task`)) {
      const [onCpuNs] = readFileSync(`/proc/${pid}/task/${thread}/schedstat`, "latin1").split(" ");
      total += Number(onCpuNs) / 1000;
    }
    return total > 0 ? total : undefined;
  } catch {
    return undefined;
  }
}

/** In steps of 10 ms. */
function cpuTicksUs(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, "latin1");
  // The name in parentheses may hold spaces; utime and stime are the 12th and 13th after it.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return (Number(fields[11]) + Number(fields[12])) * TICK_US;
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
