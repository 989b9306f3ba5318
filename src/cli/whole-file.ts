/** A file that a command writes: it is there when it is whole, or not at all. */
import { renameSync, rmSync, statSync } from "node:fs";
import { systemReason } from "../base/index.js";
import { CliError } from "./cli-error.js";

/**
 * Has `write` write it under another name, which it loses when it is whole: what was there before is replaced
 * only then.
 * @throws CliError if it can't be written
 */
export async function writeWholeFile(
  output: string,
  write: (path: string) => Promise<unknown>,
): Promise<void> {
  // A pipe or /dev/stdout can't be replaced.
  const isFile = statSync(output, { throwIfNoEntry: false })?.isFile() ?? true;
  const path = isFile ? `${output}.${process.pid}.part` : output;
  try {
    await write(path);
    if (isFile) renameSync(path, output);
  } catch (error) {
    if (isFile) rmSync(path, { force: true });
    if ((error as NodeJS.ErrnoException).syscall === undefined) throw error;
    throw new CliError(`${output} cannot be written: ${systemReason(error)}`);
  }
}
