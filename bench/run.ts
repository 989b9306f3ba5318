/**
 * `npm run bench -- [--case NAME]… [--workers N]… [--repeat N] [--json FILE]`: runs cases, prints
 * tables, writes records. docs/benchmarks.md explains the figures.
 */
import { execFileSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { availableParallelism, cpus, totalmem } from "node:os";
import { dirname, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { CASES } from "./cases.js";
import { measureRawFigures } from "./raw-figures.js";
import { type BenchRecord, rounded } from "./record.js";

interface Arguments {
  cases: typeof CASES;
  /** Undefined: each case's own. */
  workers: number[] | undefined;
  repeat: number;
  json: string | undefined;
}

function readArguments(): Arguments {
  const { values } = parseArgs({
    options: {
      case: { type: "string", multiple: true },
      workers: { type: "string", multiple: true },
      repeat: { type: "string", default: "5" },
      json: { type: "string" },
    },
  });
  const unknown = values.case?.find((name) => !CASES.some((known) => known.name === name));
  if (unknown !== undefined) {
    const names = CASES.map(({ name }) => name).join(", ");
    throw new Error(`--case ${unknown} is not known; use one of ${names}`);
  }
  const { case: names } = values;
  return {
    cases: names === undefined ? CASES : CASES.filter(({ name }) => names.includes(name)),
    workers: values.workers?.map((text) => countOf("--workers", text, 1000)),
    repeat: countOf("--repeat", values.repeat, 1000),
    json: values.json,
  };
}

function countOf(flag: string, text: string, max: number): number {
  const count = Number(text);
  if (!Number.isInteger(count) || count < 1 || count > max) {
    throw new Error(`${flag} ${text} is not a whole number from 1 to ${max}`);
  }
  return count;
}

function machine(): Record<string, string | number> {
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
    const changed = git("status", "--porcelain", "--", "src", "bench") !== "";
    return git("rev-parse", "--short", "HEAD") + (changed ? " with changes" : "");
  } catch {
    return "unknown";
  }
}

function printRecord({ case: name, what, workers, ...figures }: BenchRecord): void {
  console.log(`\n${name}, ${workers} ${workers === 1 ? "worker" : "workers"}: ${what}`);
  for (const [figure, value] of Object.entries(figures)) {
    const text = typeof value === "number" ? value.toLocaleString("en") : String(value);
    console.log(`  ${figure.padEnd(28)} ${text.padStart(14)}`);
  }
}

/** A bare name goes to bench/results/. */
function resultFile(name: string): string {
  return name.includes("/")
    ? resolve(name)
    : fileURLToPath(new URL(`results/${name}`, import.meta.url));
}

async function main(): Promise<void> {
  const options = readArguments();
  const raw = await measureRawFigures();
  const header = { date: new Date().toISOString(), commit: commit(), machine: machine(), raw };
  console.log(JSON.stringify(header, null, 2));
  const records: BenchRecord[] = [];
  for (const benchCase of options.cases) {
    const counts = benchCase.workers === "fixed" ? [1] : (options.workers ?? benchCase.workers);
    for (const workers of counts) {
      const record = await benchCase.run({ workers, repeat: options.repeat });
      records.push(record);
      printRecord(record);
    }
  }
  if (options.json !== undefined) {
    const file = resultFile(options.json);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, `${JSON.stringify({ ...header, records }, null, 2)}\n`);
    console.log(`\nWritten to ${file}`);
  }
}

try {
  await main();
} catch (error) {
  console.error(`bench: ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = 1;
}
