/**
 * One file of a trace, only ever appended to. When it can't be written any more (a full disk) that is told
 * once, and what comes then is dropped: tracing never stops the work.
 */

import { once } from "node:events";
import { createWriteStream, type WriteStream } from "node:fs";
import { rm } from "node:fs/promises";
import { LoomError, systemReason } from "../base/index.js";
import { MAGIC, type TraceHeader } from "./format.js";

/** With more that waits to be written, the disk is too slow. */
const MAX_WAITING_BYTES = 512 * 1024 * 1024;

export class TraceFile {
  private readonly stream: WriteStream;
  private failed = false;

  private constructor(
    readonly path: string,
    stream: WriteStream,
    private readonly onFailure: (problem: string) => void,
  ) {
    this.stream = stream;
    stream.on("error", (error) => this.fail(systemReason(error)));
  }

  /**
   * Creates the file, with its header. Rejects with a LoomError, and leaves no file, if it can't be written;
   * or it is there already.
   * @param onFailure called once when nothing can be written any more
   */
  static async create(
    path: string,
    header: TraceHeader,
    onFailure: (problem: string) => void,
  ): Promise<TraceFile> {
    const stream = createWriteStream(path, { flags: "wx" });
    // An error of a write is told to its callback, and here.
    stream.once("error", () => {});
    let isOpen = false;
    try {
      await once(stream, "open");
      isOpen = true;
      // A full disk shows only here.
      await write(stream, `${MAGIC}${JSON.stringify(header)}\n`);
    } catch (error) {
      if (isOpen) await rm(path, { force: true }).catch(() => {});
      throw new LoomError(
        "usage",
        `the trace file ${path} cannot be written: ${systemReason(error)}`,
      );
    }
    return new TraceFile(path, stream, onFailure);
  }

  write(piece: Uint8Array): void {
    if (this.failed) return;
    this.stream.write(piece);
    if (this.stream.writableLength > MAX_WAITING_BYTES) {
      this.fail(`the disk takes less than the trace has, ${MAX_WAITING_BYTES} bytes wait`);
    }
  }

  /** Resolves when all is written, or nothing can be. */
  async close(): Promise<void> {
    if (this.failed) return;
    await new Promise<void>((resolve) => {
      this.stream.on("close", resolve);
      this.stream.end();
    });
  }

  private fail(problem: string): void {
    if (this.failed) return;
    this.failed = true;
    this.stream.destroy();
    this.onFailure(problem);
  }
}

function write(stream: WriteStream, text: string): Promise<void> {
  return new Promise((resolve, reject) => {
    stream.write(text, (error) => (error ? reject(error) : resolve()));
  });
}
