/**
 * Objects whose bytes are in a file: file objects (a user's file, never removed) and plain
 * objects whose bytes are in a file of the store (removed with the last hold, see store.ts).
 * Callers: the built-in executor (open), the store, the native form.
 */
import { accessSync, constants, type Stats, statSync } from "node:fs";
import { resolve } from "node:path";
import { LoomError, systemReason } from "../base/index.js";
import { DiskFile } from "./disk-file.js";
import type { FileObject, PlainObject } from "./objects.js";

abstract class FileBacked {
  holds = 0;
  constructor(readonly file: DiskFile) {}

  get size(): number {
    return this.file.size;
  }
  get length(): number {
    return 0;
  }
  get path(): string {
    return this.file.path;
  }
  get mtimeMs(): number {
    return this.file.mtimeMs;
  }
  bytes(): Uint8Array {
    return this.file.bytes();
  }
  read(offset: number, length: number): Uint8Array {
    return this.file.read(offset, length);
  }
}

export class UserFile extends FileBacked implements FileObject {
  get kind(): "file" {
    return "file";
  }
}

export class StoredPlain extends FileBacked implements PlainObject {
  get kind(): "plain" {
    return "plain";
  }
}

/**
 * A file object for the regular, readable file at `path`; nothing of it is read yet. Its size
 * and modification time are kept, and reads fail if they are others by then.
 * Throws LoomError("task") that names the path and the reason.
 *
 * @example openFile("/data/input.csv").read(0, 100)
 */
export function openFile(path: string): FileObject {
  const absolute = resolve(path);
  try {
    const stat = regularFileStat(absolute);
    accessSync(absolute, constants.R_OK);
    return new UserFile(new DiskFile(absolute, stat.size, stat.mtimeMs));
  } catch (error) {
    if (error instanceof LoomError) throw error;
    throw new LoomError("task", `cannot open file "${absolute}": ${systemReason(error)}`, {
      cause: error,
    });
  }
}

/**
 * A plain object whose content is the file at `path`, read on demand. The store that it is put
 * into removes the file when nothing stored refers to it any more; a user's file must never be
 * given here. Use ObjectStore.adoptFile to move a file into a store.
 */
export function storedPlain(path: string): PlainObject {
  const stat = regularFileStat(path);
  return new StoredPlain(new DiskFile(path, stat.size, stat.mtimeMs));
}

function regularFileStat(path: string): Stats {
  const stat = statSync(path);
  if (stat.isFile()) return stat;
  const what = stat.isDirectory() ? "it is a directory" : "it is not a regular file";
  throw new LoomError("task", `cannot open file "${path}": ${what}`);
}
