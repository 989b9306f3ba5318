/**
 * Files through which the worker and its function processes share large bytes: in memory
 * (/dev/shm) where there is room, else on disk. Owns the directory in memory and the files that the worker
 * writes for what it holds in its own memory; files that processes make belong to the store.
 * Used by the function pools.
 */
import { closeSync, mkdirSync, openSync, readdirSync, rmSync, unlink, writeSync } from "node:fs";
import { readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { LoomError, messageOf } from "../../base/index.js";

/** Bytes up to this size go through the socket. */
const INLINE_LIMIT = 64 * 1024;
const MEMORY_FOLDER = "/dev/shm";
const NAME = /^hyperloom-(\d+)-/;

export class SharedFiles {
  readonly inlineLimit = INLINE_LIMIT;
  /** Where files are made, the best first. */
  readonly directories: readonly string[];
  /** The directory in memory; undefined: there is none on this system. */
  readonly inMemory: string | undefined;
  private made = false;
  private fileNumber = 0;
  /** The file of what was shared; it goes when its owner does. */
  private readonly pathOf = new WeakMap<object, string>();
  private readonly garbage = new FinalizationRegistry<string>((path) => {
    unlink(path, () => {});
  });

  /**
   * @param disk a directory on disk, taken when there is no memory folder or it is full
   * @param memoryFolder default /dev/shm
   */
  constructor(disk: string, memoryFolder = MEMORY_FOLDER) {
    removeAbandoned(memoryFolder);
    const unique = Math.random().toString(36).slice(2, 8);
    const path = join(memoryFolder, `hyperloom-${process.pid}-${unique}`);
    this.inMemory = canMakeFilesIn(memoryFolder) ? path : undefined;
    this.directories = this.inMemory === undefined ? [disk] : [path, disk];
  }

  /** Makes the directory in memory: to be called before a process is told of it. */
  prepare(): void {
    if (this.made || this.inMemory === undefined) return;
    this.made = true;
    mkdirSync(this.inMemory, { recursive: true, mode: 0o700 });
  }

  /**
   * A file with these bytes; the same one for the same owner as long as that lives.
   * @throws LoomError("task") when there is no room for it
   */
  share(owner: object, memory: Uint8Array): string {
    const known = this.pathOf.get(owner);
    if (known !== undefined) return known;
    this.prepare();
    let reason = "";
    for (const directory of this.directories) {
      const path = join(directory, `w${process.pid}-${this.fileNumber++}`);
      try {
        writeFile(path, memory);
      } catch (error) {
        reason = messageOf(error);
        rmSync(path, { force: true });
        continue;
      }
      this.pathOf.set(owner, path);
      this.garbage.register(owner, path);
      return path;
    }
    throw new LoomError(
      "task",
      `cannot hand ${memory.length} bytes to a function process: ${reason}; make room in ${this.directories.join(" or ")}`,
    );
  }

  /** Removes what a process that is gone has made and nobody has taken over: it died before it said so. */
  async removeFilesOf(pid: number, isTaken: (path: string) => boolean): Promise<void> {
    for (const directory of this.directories) {
      // Missing: the worker has stopped meanwhile.
      for (const name of await readdir(directory).catch(() => [])) {
        const path = join(directory, name);
        if (name.startsWith(`f${pid}-`) && !isTaken(path)) await rm(path, { force: true });
      }
    }
  }

  /** Removes the directory in memory with everything in it. */
  async close(): Promise<void> {
    if (this.made) await rm(this.inMemory!, { recursive: true, force: true, maxRetries: 3 });
  }
}

function writeFile(path: string, bytes: Uint8Array): void {
  const file = openSync(path, "wx", 0o600);
  try {
    for (let at = 0; at < bytes.length; ) at += writeSync(file, bytes, at, bytes.length - at);
  } finally {
    closeSync(file);
  }
}

function canMakeFilesIn(folder: string): boolean {
  const probe = join(folder, `hyperloom-${process.pid}-probe`);
  try {
    mkdirSync(probe);
    rmSync(probe, { recursive: true });
    return true;
  } catch {
    return false;
  }
}

/** What workers that were killed have left: their processes are gone. */
function removeAbandoned(folder: string): void {
  let names: string[] = [];
  try {
    names = readdirSync(folder);
  } catch {
    return; // There is no such folder on this system.
  }
  for (const name of names) {
    const pid = NAME.exec(name)?.[1];
    if (pid === undefined || isAlive(Number(pid))) continue;
    try {
      rmSync(join(folder, name), { recursive: true, force: true });
    } catch {
      // Another user's: his business.
    }
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}
