/**
 * Files of working directories that the worker itself touches, all of it in the background:
 * big inputs before the program, its streams while it runs, what is left after it. Everything
 * usual is done by the launchers. Used by program-executor.ts.
 */
import { constants } from "node:fs";
import { chmod, copyFile, mkdir, open, readdir, rm, stat, writeFile } from "node:fs/promises";
import type { Logger } from "pino";
import { LoomError, messageOf } from "../../base/index.js";
import { type OutputPart, TaskError } from "../contract.js";
import type { Mapping, PreparedFile } from "./mapping.js";

/** Makes the directory with its folders, and the files that are not the launcher's to write. */
export async function prepareDirectory(directory: string, mapping: Mapping): Promise<void> {
  await mkdir(directory);
  for (const folder of mapping.folders) await mkdir(`${directory}/${folder}`);
  for (const file of mapping.prepared) await writePrepared(directory, file);
}

async function writePrepared(directory: string, { name, input }: PreparedFile): Promise<void> {
  const path = `${directory}/${name}`;
  try {
    if (input.path === undefined) {
      await writeFile(path, input.bytes(), { flag: "wx" });
      return;
    }
    await copyFile(input.path, path, constants.COPYFILE_FICLONE);
    // The program is meant to write to it.
    await chmod(path, (await stat(path)).mode | 0o200);
  } catch (error) {
    throw new TaskError(`Input '${name}' cannot be written: ${messageOf(error)}`);
  }
}

/** Part of what the program has written; undefined: there is no such file. */
export async function readStream(
  directory: string,
  stream: "stdout" | "stderr",
  offset: number,
  maxBytes: number,
): Promise<OutputPart | undefined> {
  try {
    const file = await open(`${directory}/${stream === "stdout" ? "+out" : "+err"}`, "r");
    try {
      const { size } = await file.stat();
      const bytes = new Uint8Array(Math.max(0, Math.min(maxBytes, size - offset)));
      const { bytesRead } = await file.read(bytes, 0, bytes.length, offset);
      return { bytes: bytes.subarray(0, bytesRead), totalSize: size, ended: false };
    } finally {
      await file.close();
    }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw new LoomError("task", `The ${stream} cannot be read: ${messageOf(error)}`);
  }
}

/** Removes files and folders; what can't be removed is only logged. */
export class FileRemover {
  constructor(private readonly logger: Logger) {}

  async remove(path: string): Promise<void> {
    try {
      // Retries: killed processes may still be about to end and write.
      await rm(path, { recursive: true, force: true, maxRetries: 10, retryDelay: 20 });
    } catch (error) {
      this.logger.warn(`${path} cannot be removed: ${messageOf(error)}`);
    }
  }

  /** Everything in `folder` whose name begins with `prefix`. */
  async removeAll(folder: string, prefix: string): Promise<void> {
    for (const name of await readdir(folder).catch(() => [])) {
      if (name.startsWith(prefix)) await this.remove(`${folder}/${name}`);
    }
  }
}
