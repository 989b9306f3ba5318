/** Writes large results into files that become the worker's. Called by encode-result.ts. */
import { closeSync, openSync, unlinkSync, writeSync } from "node:fs";
import { join } from "node:path";
import { messageOf } from "../base/index.js";
import { CallProblem } from "./call-problem.js";

/** writeSync takes an int32. */
const MAX_WRITE_BYTES = 2 ** 30;

export class ResultFiles {
  private counter = 0;

  constructor(private readonly directories: readonly string[]) {}

  /**
   * Writes a new file in the first directory that takes it and returns its path.
   * @throws CallProblem naming each directory and why it does not take the file
   */
  write(bytes: Uint8Array): string {
    const problems: string[] = [];
    for (const directory of this.directories) {
      try {
        return this.writeInto(directory, bytes);
      } catch (error) {
        problems.push(`${directory}: ${messageOf(error)}`);
      }
    }
    const reason = problems.length === 0 ? "the worker has none" : problems.join("; ");
    throw new CallProblem(
      `no directory of the worker has room for ${bytes.byteLength} bytes of the result (${reason})`,
    );
  }

  private writeInto(directory: string, bytes: Uint8Array): string {
    const { path, file } = this.create(directory);
    try {
      let written = 0;
      while (written < bytes.byteLength) {
        const wanted = Math.min(bytes.byteLength - written, MAX_WRITE_BYTES);
        written += writeSync(file, bytes, written, wanted);
      }
    } catch (error) {
      unlinkSync(path);
      throw error;
    } finally {
      closeSync(file);
    }
    return path;
  }

  /** A process with the same number may have left files. */
  private create(directory: string): { path: string; file: number } {
    for (;;) {
      const path = join(directory, `f${process.pid}-${this.counter++}`);
      try {
        return { path, file: openSync(path, "wx", 0o600) };
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
      }
    }
  }

  /** Deletes files of a result that is not sent after all. */
  remove(paths: readonly string[]): void {
    for (const path of paths) unlinkSync(path);
  }
}
