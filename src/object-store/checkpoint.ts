/**
 * Writing an object to a file of the user: save and checkpoints. Owns the way: a temporary file
 * beside it, then rename, so that nobody ever sees half a file. Callers: worker, built-in save.
 */
import { randomUUID } from "node:crypto";
import { constants } from "node:fs";
import { copyFile, type FileHandle, open, rename, rm, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import { LoomError, systemReason } from "../base/index.js";
import { MemoryPlain } from "./memory-plain.js";
import { type BytesObject, type DataObject, isBytes } from "./objects.js";
import { readChunks } from "./reading.js";
import { leafOf } from "./views.js";

/**
 * Writes the object's bytes to `path`, on the disk for good when it resolves. Rejects with
 * LoomError("task") if the object is an array or a value, the directory is missing, or writing fails;
 * no temporary file stays then.
 *
 * @example await writeCheckpoint(plainObject(bytes), "/data/step-1")
 */
export async function writeCheckpoint(object: DataObject, path: string): Promise<void> {
  if (!isBytes(object)) {
    throw new LoomError(
      "task",
      `cannot write checkpoint "${path}": the result is ${object.kind === "array" ? "an array" : `a value (${object.type})`}; only plain, file and index objects can be checkpointed`,
    );
  }
  await replaceFile(object, path, true, `cannot write checkpoint "${path}"`);
}

/**
 * Like {@link writeCheckpoint}, but leaves it to the operating system when the bytes get to the
 * disk.
 */
export async function writeObjectFile(object: BytesObject, path: string): Promise<void> {
  await replaceFile(object, path, false, `cannot write file "${path}"`);
}

async function replaceFile(
  object: BytesObject,
  path: string,
  durable: boolean,
  failure: string,
): Promise<void> {
  const directory = dirname(path);
  const temporary = join(directory, `.loom-${randomUUID()}.tmp`);
  try {
    await writeContent(object, temporary, durable);
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true }).catch(() => {
      // The failure below is the one to report; it is that of the same directory.
    });
    if (error instanceof LoomError) {
      throw new LoomError("task", `${failure}: ${error.message}`, { cause: error });
    }
    const reason = await reasonOf(error, directory);
    throw new LoomError("task", `${failure}: ${reason}`, { cause: error });
  }
}

async function writeContent(object: BytesObject, path: string, durable: boolean): Promise<void> {
  const leaf = leafOf(object);
  if (!(leaf instanceof MemoryPlain) && object.size === leaf.size) {
    // Copied by the kernel, or not at all where files can share blocks.
    const { file } = leaf;
    file.check(await stat(file.path).catch((error) => Promise.reject(file.unreadable(error))));
    await copyFile(file.path, path, constants.COPYFILE_FICLONE);
    file.check(await stat(file.path).catch((error) => Promise.reject(file.unreadable(error))));
    if (durable) await using(path, "r", (handle) => handle.sync());
    return;
  }
  await using(path, "wx", async (handle) => {
    for await (const chunk of readChunks(object)) await handle.writeFile(chunk);
    if (durable) await handle.sync();
  });
}

async function using(
  path: string,
  flags: string,
  use: (handle: FileHandle) => Promise<void>,
): Promise<void> {
  const handle = await open(path, flags);
  try {
    await use(handle);
  } finally {
    await handle.close();
  }
}

/** ENOENT alone does not say that it is the directory that is missing. */
async function reasonOf(error: unknown, directory: string): Promise<string> {
  if ((error as NodeJS.ErrnoException).code === "ENOENT") {
    const exists = await stat(directory).then(
      () => true,
      () => false,
    );
    if (!exists) return `there is no directory "${directory}"; create it first`;
  }
  return systemReason(error);
}
