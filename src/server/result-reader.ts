/**
 * Reads results for clients: finds a worker that holds the object and asks it for a range of
 * the serialized form. The server keeps nothing of it. When a holder has gone, another is
 * asked; when there is none, the object is computed again and the read goes on then.
 */
import { builtinSymbol, encodeFrameLength } from "../protocol/index.js";
import type { FailureDetails, ServerCore } from "../server-core/index.js";
import type { WorkerLink } from "./worker-link.js";

/** Bytes [offset, offset + bytes.length) of a result's serialized form. */
export interface ResultRange {
  readonly typeSymbol: number;
  readonly messageCount: number;
  readonly totalBytes: number;
  /** Changes when the object was computed again. */
  readonly version: number;
  readonly bytes: Uint8Array;
}

/** Why there is nothing to read. */
export type ReadFailure =
  | { readonly kind: "unknown" }
  | { readonly kind: "failed"; readonly failure: FailureDetails }
  | { readonly kind: "unreadable"; readonly message: string };

export class ResultReader {
  /** Who waits for a result to be finished (or to fail, or to be released). */
  private readonly waiting = new Map<number, (() => void)[]>();

  constructor(
    private readonly core: ServerCore,
    private readonly workers: ReadonlyMap<number, WorkerLink>,
    private readonly objectLost: (row: number, worker: number) => void,
  ) {}

  /** The core's effect of the same name. */
  resultChanged(row: number): void {
    const callbacks = this.waiting.get(row);
    this.waiting.delete(row);
    for (const callback of callbacks ?? []) callback();
  }

  /**
   * Waits until the result is finished, then reads. Answers at once, without a promise, what
   * the server has itself. Never rejects.
   */
  read(
    client: number,
    id: number,
    offset: number,
    length: number,
  ): ResultRange | ReadFailure | Promise<ResultRange | ReadFailure> {
    const place = this.core.locate(client, id);
    if (place.kind === "unknown" || place.kind === "failed") return place;
    if (place.kind === "finished" && place.inline !== undefined) {
      return inlineRange(place.inline, place.attempt, offset, length);
    }
    return this.readFromWorker(client, id, offset, length);
  }

  private async readFromWorker(
    client: number,
    id: number,
    offset: number,
    length: number,
  ): Promise<ResultRange | ReadFailure> {
    for (;;) {
      const place = this.core.locate(client, id);
      if (place.kind === "unknown" || place.kind === "failed") return place;
      if (place.kind === "open") {
        await this.changed(place.row);
        continue;
      }
      if (place.inline !== undefined)
        return inlineRange(place.inline, place.attempt, offset, length);
      const holder = place.holders[0];
      const link = this.workers.get(holder);
      if (link === undefined) {
        this.objectLost(place.row, holder);
        continue;
      }
      try {
        const range = await link.peer.readRange(place.row, offset, length);
        if (range !== undefined) {
          const { typeSymbol, messageCount, totalBytes, bytes } = range;
          return { typeSymbol, messageCount, totalBytes, version: place.attempt, bytes };
        }
      } catch (error) {
        // "task": it is there but unreadable, e.g. a file that has been removed since. Anything
        // else is the connection.
        if (error instanceof Error && "code" in error && error.code === "task") {
          return { kind: "unreadable", message: error.message };
        }
      }
      this.objectLost(place.row, holder);
    }
  }

  private changed(row: number): Promise<void> {
    this.core.watch(row);
    return new Promise((resolve) => {
      const callbacks = this.waiting.get(row);
      if (callbacks === undefined) this.waiting.set(row, [resolve]);
      else callbacks.push(resolve);
    });
  }
}

function inlineRange(
  bytes: Uint8Array,
  version: number,
  offset: number,
  length: number,
): ResultRange {
  const form = new Uint8Array(8 + bytes.length);
  form.set(encodeFrameLength(bytes.length));
  form.set(bytes, 8);
  return {
    typeSymbol: builtinSymbol("loom/data"),
    messageCount: 1,
    totalBytes: form.length,
    version,
    bytes: form.subarray(Math.min(offset, form.length), Math.min(offset + length, form.length)),
  };
}
