/**
 * The objects of one worker by row. Owns: which objects are kept, the files in its directory,
 * the count of bytes in memory. Does not know tasks. Caller: the worker.
 *
 * An object is held by each row that it is stored under and by each held object that refers to
 * it (array → elements, view or index → the object with the bytes, value → its bytes). With its first hold its
 * bytes are counted; with its last its file is removed. So an element taken from an array and
 * stored on its own keeps its file when the array is dropped. Because holds are counted in the
 * object, an object can be in one store only.
 */
import {
  copyFileSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  unlink,
  unlinkSync,
} from "node:fs";
import { join } from "node:path";
import { LoomError, RowTable, systemReason } from "../base/index.js";
import { ElementArray } from "./arrays.js";
import { StoredPlain, storedPlain, type UserFile } from "./file-objects.js";
import { copyBytes, MemoryPlain, plainObject } from "./memory-plain.js";
import type { DataObject, PlainObject } from "./objects.js";
import { TypedValue } from "./values.js";
import { PieceIndex, ViewPlain } from "./views.js";

/** Files up to this size are read into memory when adopted: cheaper than keeping a file. */
export const SMALL_FILE_BYTES = 4096;

type Held =
  | MemoryPlain
  | StoredPlain
  | UserFile
  | ViewPlain
  | PieceIndex
  | ElementArray
  | TypedValue;

export class ObjectStore {
  private readonly rows = new RowTable<DataObject>();
  /** Files of the store: those in its directory, except for files being removed, and kept ones. */
  private readonly files = new Set<string>();
  private readonly removing = new Set<string>();
  private waiting: (() => void)[] = [];
  private memory = 0;
  private fileNumber = 0;

  /**
   * @param directory made if it is missing; undefined: everything is kept in memory.
   * @param warn told when a file can't be removed. Default: a process warning.
   */
  constructor(
    private readonly directory: string | undefined,
    private readonly warn: (message: string) => void = (message) => process.emitWarning(message),
  ) {
    if (directory === undefined) return;
    try {
      mkdirSync(directory, { recursive: true });
    } catch (error) {
      throw new LoomError(
        "usage",
        `cannot make the object store's directory "${directory}": ${systemReason(error)}`,
        { cause: error },
      );
    }
  }

  /** Rows stored. */
  get count(): number {
    return this.rows.size;
  }

  /** Bytes in memory that stored objects hold, shared ones counted once. */
  get memoryBytes(): number {
    return this.memory;
  }

  /** Stores `object` under `row`, in place of what was there. */
  put(row: number, object: DataObject): void {
    const old = this.rows.get(row);
    this.rows.set(row, object);
    this.hold(object as Held);
    if (old !== undefined) this.release(old as Held);
  }

  get(row: number): DataObject | undefined {
    return this.rows.get(row);
  }

  /** Forgets the row; does nothing if there is none. Files go in the background. */
  drop(row: number): void {
    const object = this.rows.get(row);
    if (object === undefined) return;
    this.rows.delete(row);
    this.release(object as Held);
  }

  /**
   * Removes the files of an object that won't be stored (e.g. the result of a task that was
   * cancelled meanwhile), except those that stored objects refer to.
   */
  discard(object: DataObject): void {
    this.hold(object as Held);
    this.release(object as Held);
  }

  /**
   * Takes over a file: moves it into the directory without reading it (copies across file
   * systems and where it is a symbolic link; reads small ones and removes them). The file stays
   * until the object is dropped or discarded. Throws LoomError("task") if it is missing or no
   * regular file, or can't be moved.
   */
  adoptFile(path: string): PlainObject {
    try {
      const isLink = lstatSync(path).isSymbolicLink();
      const stat = statSync(path);
      if (!stat.isFile()) {
        const what = stat.isDirectory() ? "a directory" : "not a regular file";
        throw new LoomError("task", `cannot take over file "${path}": it is ${what}`);
      }
      if (stat.size <= SMALL_FILE_BYTES || this.directory === undefined) {
        // A copy, as readFileSync takes small buffers from a pool.
        const content = readFileSync(path);
        unlinkSync(path);
        const small = content.length <= SMALL_FILE_BYTES;
        return plainObject(
          small
            ? copyBytes(content)
            : new Uint8Array(content.buffer, content.byteOffset, content.length),
        );
      }
      this.fileNumber++;
      const target = join(this.directory, `object-${this.fileNumber}`);
      if (isLink) copyAndRemove(path, target);
      else moveFile(path, target);
      this.files.add(target);
      return storedPlain(target);
    } catch (error) {
      if (error instanceof LoomError) throw error;
      throw new LoomError("task", `cannot take over file "${path}": ${systemReason(error)}`, {
        cause: error,
      });
    }
  }

  /**
   * A plain object whose content is the file at `path`, which stays where it is and is the
   * store's from now on. Throws LoomError("task") if it is no regular file.
   */
  keepFile(path: string): PlainObject {
    const object = storedPlain(path);
    this.files.add(path);
    return object;
  }

  /** Whether the file is the store's. */
  ownsFile(path: string): boolean {
    return this.files.has(path);
  }

  /** Drops everything and removes all files of the store before it returns. */
  clear(): void {
    for (const object of this.rows.values()) this.release(object as Held);
    this.rows.clear();
    for (const path of [...this.files, ...this.removing]) rmSync(path, { force: true });
    this.files.clear();
  }

  /** Resolves when the files of dropped objects are gone. */
  filesRemoved(): Promise<void> {
    if (this.removing.size === 0) return Promise.resolve();
    return new Promise((resolve) => this.waiting.push(resolve));
  }

  private hold(object: Held): void {
    if (object instanceof MemoryPlain) {
      if (object.holds++ === 0) this.memory += object.size;
      return;
    }
    // With a stack of its own: arrays may be nested deeper than the call stack allows.
    const stack: Held[] = [object];
    for (let next = stack.pop(); next !== undefined; next = stack.pop()) {
      if (next.holds++ > 0) continue;
      if (next instanceof MemoryPlain) this.memory += next.size;
      else if (next instanceof TypedValue && next.given === undefined) this.memory += next.ownBytes;
      else pushReferences(next, stack);
    }
  }

  private release(object: Held): void {
    if (object instanceof MemoryPlain) {
      if (--object.holds === 0) this.memory -= object.size;
      return;
    }
    const stack: Held[] = [object];
    for (let next = stack.pop(); next !== undefined; next = stack.pop()) {
      if (--next.holds > 0) continue;
      if (next instanceof MemoryPlain) this.memory -= next.size;
      else if (next instanceof StoredPlain) this.removeFile(next.path);
      else if (next instanceof TypedValue && next.given === undefined) this.memory -= next.ownBytes;
      else pushReferences(next, stack);
    }
  }

  /** In the background, as removing many files can take milliseconds each. */
  private removeFile(path: string): void {
    this.files.delete(path);
    this.removing.add(path);
    unlink(path, (error) => {
      this.removing.delete(path);
      if (error !== null && error.code !== "ENOENT") {
        this.warn(`cannot remove "${path}" of the object store: ${systemReason(error)}`);
      }
      if (this.removing.size > 0) return;
      const waiting = this.waiting;
      this.waiting = [];
      for (const resolve of waiting) resolve();
    });
  }
}

function pushReferences(object: Held, stack: Held[]): void {
  if (object instanceof ElementArray) {
    const elements = object.elements as readonly Held[];
    for (let i = 0; i < elements.length; i++) stack.push(elements[i]);
  } else if (object instanceof ViewPlain || object instanceof PieceIndex) {
    stack.push(object.leaf);
  } else if (object instanceof TypedValue) {
    stack.push(object.given as Held);
  }
}

function moveFile(path: string, target: string): void {
  try {
    renameSync(path, target);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EXDEV") throw error;
    copyAndRemove(path, target);
  }
}

function copyAndRemove(path: string, target: string): void {
  try {
    copyFileSync(path, target);
    unlinkSync(path);
  } catch (error) {
    rmSync(target, { force: true });
    throw error;
  }
}
