/**
 * Where a process spends its CPU time: reads the profiles that Node writes with --cpu-prof. Called by
 * run.ts for `--profile`.
 */
import { readdirSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";

/** What is used of a .cpuprofile: a sample is the function on top of the stack at that time. */
export interface CpuProfile {
  nodes: { id: number; callFrame: { functionName: string; url: string; lineNumber: number } }[];
  samples: number[];
  /** µs since the sample before. */
  timeDeltas: number[];
}

export interface ProfileItem {
  /** "name file:line", or V8's name of what is no function: "(garbage collector)". */
  function: string;
  /** Of the time in which the process was not idle; callees not included. */
  percent: number;
}

/** Not the process's own work: waiting, and writing the profile at its end. */
const NOT_BUSY = ["(idle)", "(root)"];

/** The profile in a folder that has one. */
export function readProfile(folder: string): CpuProfile {
  const file = readdirSync(folder).find((name) => name.endsWith(".cpuprofile"));
  if (file === undefined) throw new Error(`no .cpuprofile in ${folder}: did the server crash?`);
  return JSON.parse(readFileSync(join(folder, file), "utf8")) as CpuProfile;
}

/** The functions with most time of their own, most first. */
export function topOfProfile(profile: CpuProfile, count: number): ProfileItem[] {
  const names = new Map<number, string>();
  for (const { id, callFrame } of profile.nodes) {
    const { functionName, url, lineNumber } = callFrame;
    const place = url === "" ? "" : ` ${basename(url)}:${lineNumber + 1}`;
    names.set(id, `${functionName || "(anonymous)"}${place}`);
  }
  const times = new Map<string, number>();
  let total = 0;
  profile.samples.forEach((id, i) => {
    const name = names.get(id) ?? "(unknown)";
    if (NOT_BUSY.includes(name)) return;
    total += profile.timeDeltas[i];
    times.set(name, (times.get(name) ?? 0) + profile.timeDeltas[i]);
  });
  return [...times]
    .sort(([, a], [, b]) => b - a)
    .slice(0, count)
    .map(([name, time]) => ({ function: name, percent: Math.round((time / total) * 1000) / 10 }));
}
