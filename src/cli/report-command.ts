/** `loom report`: a trace → an HTML file. Owns what may be replaced by it. */
import { closeSync, openSync, readSync, statSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { basename, dirname, resolve } from "node:path";
import { systemReason } from "../base/index.js";
import { buildReport, REPORT_MARK } from "../report/index.js";
import { readTrace } from "../trace/index.js";
import { CliError } from "./cli-error.js";
import type { ReportFlags } from "./report-options.js";
import { writeWholeFile } from "./whole-file.js";

/** The mark is in the first lines. */
const HEAD_BYTES = 1024;

export async function reportCommand([directory]: string[], flags: ReportFlags): Promise<number> {
  const output = resolve(flags.output);
  // Before reading, which may take a while.
  checkOutput(output, flags.force === true);
  const trace = await readTrace(directory, { run: flags.run });
  for (const warning of trace.warnings) process.stderr.write(`warning: ${warning}\n`);
  const report = await buildReport(trace, { title: `Trace ${basename(resolve(directory))}` });
  // A file of which a part is missing would look like a report.
  await writeWholeFile(output, (path) => writeFile(path, report));
  process.stdout.write(`${output}\n`);
  return 0;
}

function checkOutput(output: string, force: boolean): void {
  const stat = statSync(output, { throwIfNoEntry: false });
  if (stat === undefined) {
    if (statSync(dirname(output), { throwIfNoEntry: false })?.isDirectory()) return;
    throw new CliError(`${output} cannot be written: there is no directory ${dirname(output)}`);
  }
  if (stat.isDirectory()) {
    throw new CliError(`${output} is a directory; give the path of a file with --output`);
  }
  if (force || stat.size === 0 || !stat.isFile() || headOf(output).includes(REPORT_MARK)) return;
  throw new CliError(
    `${output} is there and not a report; give another path with --output, or --force to replace it`,
  );
}

function headOf(file: string): string {
  const head = Buffer.alloc(HEAD_BYTES);
  try {
    const descriptor = openSync(file, "r");
    try {
      return head.toString("utf8", 0, readSync(descriptor, head));
    } finally {
      closeSync(descriptor);
    }
  } catch (error) {
    throw new CliError(`${file} cannot be read: ${systemReason(error)}`);
  }
}
