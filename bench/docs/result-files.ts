/** The files of bench/results: what is in them, and which is the newest that has something. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { ProfileItem } from "../profile.js";
import type { BenchRecord } from "../record.js";
import type { Machine, ResultHeader } from "../result-header.js";

/** One run. What there is besides the header depends on the command that wrote it. */
export interface ResultFile extends Pick<ResultHeader, "date"> {
  /** Undefined: what was measured does not depend on the machine, and the command does not tell it. */
  commit: string | undefined;
  machine: Machine | undefined;
  /** Of the file. */
  name: string;
  /** Records of `npm run bench`, recognised by their `case`; other commands have others. */
  records: readonly BenchRecord[];
  profiles: readonly { case: string; workers: number; items: readonly ProfileItem[] }[];
  /** The file as it is. */
  content: Readonly<Record<string, unknown>>;
}

/**
 * All files, the newest first.
 * @throws Error naming a file that is no JSON or has no date
 */
export function readResultFiles(folder: string): ResultFile[] {
  const names = readdirSync(folder).filter((name) => name.endsWith(".json"));
  const files = names.map((name) =>
    parseResultFile(name, readFileSync(join(folder, name), "utf8")),
  );
  return files.sort((a, b) => compareText(b.date, a.date) || compareText(a.name, b.name));
}

export function parseResultFile(name: string, text: string): ResultFile {
  let content: Record<string, unknown>;
  try {
    content = JSON.parse(text) as Record<string, unknown>;
  } catch (error) {
    throw new Error(`${name} is no JSON: ${(error as Error).message}`);
  }
  const { date, commit, machine } = content as Partial<ResultHeader>;
  if (typeof date !== "string") {
    throw new Error(`${name} has no date; is it a file of npm run bench?`);
  }
  const records = Array.isArray(content.records) ? (content.records as BenchRecord[]) : [];
  const profiles = Array.isArray(content.profiles) ? content.profiles : [];
  return {
    name,
    date,
    commit,
    machine,
    records: records.filter((record) => typeof record.case === "string"),
    profiles: profiles as ResultFile["profiles"],
    content,
  };
}

/**
 * The newest file with records of all these cases, and those records. Only one file: numbers of
 * different runs are not comparable. Runs with a profiler do not count.
 * @param cases names, or a pattern that at least one name must match
 */
export function newestRecords(
  files: readonly ResultFile[],
  cases: readonly string[] | RegExp,
): { file: ResultFile; records: BenchRecord[] } | undefined {
  for (const file of files) {
    if (file.profiles.length > 0) continue;
    const wanted = (name: string): boolean =>
      cases instanceof RegExp ? cases.test(name) : cases.includes(name);
    const records = file.records.filter((record) => wanted(record.case));
    const found = new Set(records.map((record) => record.case));
    if (found.size >= (cases instanceof RegExp ? 1 : cases.length)) return { file, records };
  }
  return undefined;
}

/** Where numbers come from, for the line below a table. */
export function sourceOf({ name, date, commit, machine }: ResultFile): string {
  const parts = [date.slice(0, 10)];
  if (commit !== undefined) parts.push(`commit ${commit}`);
  if (machine !== undefined) {
    const { cores, cpu, memoryGB, node } = machine;
    parts.push(`${cores} cores (${cpu})`, `${memoryGB} GB`, `Node ${node.replace("v", "")}`);
  }
  return `_${parts.join(", ")}: [${name}](../bench/results/${name})_`;
}

function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
