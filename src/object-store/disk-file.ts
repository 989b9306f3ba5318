/**
 * Reading a file that must stay as it was when it was opened. Owns: reads by position, whole
 * and in chunks, and the check that size and modification time are still the same. Does not
 * own the file's life. Callers: file objects, plain objects of the store.
 */
import { closeSync, fstatSync, openSync, readSync } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import { LoomError, systemReason } from "../base/index.js";
import { allocateBytes } from "./memory-plain.js";

/** Bytes read at once where a file is streamed. */
export const CHUNK_BYTES = 1024 * 1024;

/** One read(2) takes at most 2 GiB. */
const MAX_READ_BYTES = 1024 * 1024 * 1024;

interface Stat {
  readonly size: number;
  readonly mtimeMs: number;
}

export class DiskFile {
  /** The whole content as long as somebody uses it anyway. */
  private whole: WeakRef<Uint8Array> | undefined;

  constructor(
    readonly path: string,
    readonly size: number,
    readonly mtimeMs: number,
  ) {}

  /** The whole content. Checks the file even when the content is still in memory. */
  bytes(): Uint8Array {
    return this.opened((descriptor) => {
      const cached = this.whole?.deref();
      if (cached !== undefined) return cached;
      const content = this.readFrom(descriptor, 0, this.size);
      this.whole = new WeakRef(content);
      return content;
    });
  }

  read(offset: number, length: number): Uint8Array {
    return this.opened((descriptor) => this.readFrom(descriptor, offset, length));
  }

  /** Bytes [offset, offset + length) in chunks of at most {@link CHUNK_BYTES}, none blocking. */
  async *chunks(offset: number, length: number): AsyncGenerator<Uint8Array, void, void> {
    let handle: FileHandle;
    try {
      handle = await open(this.path, "r");
    } catch (error) {
      throw this.unreadable(error);
    }
    try {
      this.check(await handle.stat());
      const end = offset + length;
      for (let at = offset; at < end; ) {
        const chunk = new Uint8Array(Math.min(CHUNK_BYTES, end - at));
        const { bytesRead } = await handle.read(chunk, 0, chunk.length, at);
        if (bytesRead === 0) throw this.changed();
        at += bytesRead;
        yield bytesRead === chunk.length ? chunk : chunk.subarray(0, bytesRead);
      }
      this.check(await handle.stat());
    } finally {
      await handle.close();
    }
  }

  /** Throws when `stat` is not that of the file as it was opened. */
  check(stat: Stat): void {
    if (stat.size !== this.size || stat.mtimeMs !== this.mtimeMs) throw this.changed();
  }

  /** The error for a failed system call on the file. */
  unreadable(error: unknown): LoomError {
    const gone = (error as NodeJS.ErrnoException).code === "ENOENT";
    const why = gone ? "it was removed after it was opened" : systemReason(error);
    return new LoomError("task", `cannot read file "${this.path}": ${why}`, { cause: error });
  }

  private changed(): LoomError {
    return new LoomError(
      "task",
      `cannot read file "${this.path}": it was changed after it was opened (it had ${this.size} bytes then); files must stay as they are while tasks use them`,
    );
  }

  private opened<T>(use: (descriptor: number) => T): T {
    let descriptor: number;
    try {
      descriptor = openSync(this.path, "r");
    } catch (error) {
      throw this.unreadable(error);
    }
    try {
      this.check(fstatSync(descriptor));
      return use(descriptor);
    } finally {
      closeSync(descriptor);
    }
  }

  private readFrom(descriptor: number, offset: number, length: number): Uint8Array {
    const target = allocateBytes(length, `file "${this.path}"`);
    for (let done = 0; done < length; ) {
      const want = Math.min(length - done, MAX_READ_BYTES);
      let count: number;
      try {
        count = readSync(descriptor, target, done, want, offset + done);
      } catch (error) {
        throw this.unreadable(error);
      }
      if (count === 0) throw this.changed();
      done += count;
    }
    return target;
  }
}
