/**
 * Frames on a plain socket: u64 little-endian length, then the bytes. Written for these tests
 * from docs/wire-v2.md, so that the project's own transport is checked by something else.
 */
import { connect, type Socket } from "node:net";

export class FrameSocket {
  private chunks: Buffer[] = [];
  private buffered = 0;
  private readonly socket: Socket;
  /** Resolves when the connection has ended, from whichever side. */
  readonly closed: Promise<void>;
  isClosed = false;
  /** Whether the other side has ended in an orderly way. */
  peerEnded = false;

  private constructor(socket: Socket, onFrame: (frame: Buffer) => void, onEnd: () => void) {
    this.socket = socket;
    socket.on("data", (chunk) => {
      this.chunks.push(chunk);
      this.buffered += chunk.length;
      for (let frame = this.cut(); frame !== undefined; frame = this.cut()) onFrame(frame);
    });
    socket.on("end", () => {
      this.peerEnded = true;
      onEnd();
    });
    // A reset is an end too; "close" follows.
    socket.on("error", () => {});
    this.closed = new Promise((resolve) => {
      socket.on("close", () => {
        this.isClosed = true;
        onEnd();
        resolve();
      });
    });
  }

  /** @param stayOpen do not end when the other side does */
  static open(
    port: number,
    onFrame: (frame: Buffer) => void,
    onEnd: () => void,
    stayOpen = false,
  ): Promise<FrameSocket> {
    return new Promise((resolve, reject) => {
      const socket = connect({ port, host: "127.0.0.1", allowHalfOpen: stayOpen, noDelay: true });
      socket.once("error", reject);
      socket.once("connect", () => {
        socket.off("error", reject);
        resolve(new FrameSocket(socket, onFrame, onEnd));
      });
    });
  }

  sendFrame(bytes: Uint8Array): void {
    this.sendRaw(frameLength(bytes.length));
    this.sendRaw(bytes);
  }

  /** Bytes as they are, no length before them. */
  sendRaw(bytes: Uint8Array): void {
    this.socket.write(bytes);
  }

  pause(): void {
    this.socket.pause();
  }

  resume(): void {
    this.socket.resume();
  }

  end(): void {
    this.socket.end();
  }

  /** Gone without a word. */
  destroy(): void {
    this.socket.destroy();
  }

  /** The next whole frame. */
  private cut(): Buffer | undefined {
    if (this.buffered < 8) return undefined;
    if (this.chunks[0].length < 8) this.chunks = [Buffer.concat(this.chunks)];
    const length = Number(this.chunks[0].readBigUInt64LE(0));
    if (this.buffered < 8 + length) return undefined;
    const all = this.chunks.length === 1 ? this.chunks[0] : Buffer.concat(this.chunks);
    this.buffered -= 8 + length;
    this.chunks = this.buffered === 0 ? [] : [all.subarray(8 + length)];
    return all.subarray(8, 8 + length);
  }
}

export function frameLength(length: number | bigint): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(BigInt(length));
  return bytes;
}
