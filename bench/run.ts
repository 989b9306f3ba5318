/**
 * `npm run bench -- [--case NAME]… [--workers N]… [--repeat N] [--json FILE] [--profile] [--peer dask]`:
 * runs cases, prints tables, writes records. docs/benchmarks.md explains the figures.
 */
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { type BenchArguments, readArguments } from "./arguments.js";
import { CASES } from "./cases.js";
import { compareWithDask, DASK_CASES, DASK_WORKERS } from "./peers/dask-peer.js";
import { type ProfileItem, readProfile, topOfProfile } from "./profile.js";
import { measureRawFigures } from "./raw-figures.js";
import type { BenchRecord } from "./record.js";
import { resultHeader } from "./result-header.js";

const PROFILES = fileURLToPath(new URL("../.cache/bench-profiles", import.meta.url));
const PROFILE_ITEMS = 15;

/** Of the server in one case. */
interface ServerProfile {
  case: string;
  workers: number;
  items: ProfileItem[];
}

async function* runCases(
  options: BenchArguments,
  profiles: ServerProfile[],
): AsyncGenerator<BenchRecord> {
  for (const benchCase of CASES.filter(({ name }) => options.cases.includes(name))) {
    const counts = benchCase.workers === "fixed" ? [1] : (options.workers ?? benchCase.workers);
    for (const workers of counts) {
      const name = benchCase.name;
      const profileFolder = options.profile ? join(PROFILES, `${name}-${workers}`) : undefined;
      if (profileFolder !== undefined) rmSync(profileFolder, { recursive: true, force: true });
      yield await benchCase.run({ workers, repeat: options.repeat, profileFolder });
      if (profileFolder === undefined) continue;
      const items = topOfProfile(readProfile(profileFolder), PROFILE_ITEMS);
      profiles.push({ case: name, workers, items });
      printProfile(items, profileFolder);
    }
  }
}

function printRecord({ case: name, what, workers, ...figures }: BenchRecord): void {
  console.log(`\n${name}, ${workers} ${workers === 1 ? "worker" : "workers"}: ${what}`);
  for (const [figure, value] of Object.entries(figures)) {
    const text = typeof value === "number" ? value.toLocaleString("en") : String(value);
    console.log(`  ${figure.padEnd(28)} ${text.padStart(14)}`);
  }
}

function printProfile(items: readonly ProfileItem[], folder: string): void {
  console.log(`\n  the server's CPU time (whole profile: ${folder})`);
  for (const item of items) {
    console.log(`  ${item.percent.toFixed(1).padStart(6)} %  ${item.function}`);
  }
}

/** A bare name goes to bench/results/. */
function resultFile(name: string): string {
  return name.includes("/")
    ? resolve(name)
    : fileURLToPath(new URL(`results/${name}`, import.meta.url));
}

async function main(): Promise<void> {
  const options = readArguments(process.argv.slice(2), {
    own: CASES.map(({ name }) => name),
    dask: DASK_CASES,
  });
  if (options.profile && options.cases.some((name) => !name.startsWith("server-"))) {
    throw new Error("--profile needs --case with cases that begin with server-");
  }
  const header = { ...resultHeader(), raw: await measureRawFigures() };
  console.log(JSON.stringify(header, null, 2));
  const records: BenchRecord[] = [];
  const profiles: ServerProfile[] = [];
  const measured =
    options.peer === undefined
      ? runCases(options, profiles)
      : compareWithDask({ ...options, workers: options.workers ?? DASK_WORKERS });
  for await (const record of measured) {
    records.push(record);
    printRecord(record);
  }
  if (options.json === undefined) return;
  const file = resultFile(options.json);
  mkdirSync(dirname(file), { recursive: true });
  const results = options.profile ? { ...header, records, profiles } : { ...header, records };
  writeFileSync(file, `${JSON.stringify(results, null, 2)}\n`);
  console.log(`\nWritten to ${file}`);
}

// Ends as after an error: what was started is stopped.
for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => process.exit(1));

try {
  await main();
} catch (error) {
  console.error(`bench: ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = 1;
}
