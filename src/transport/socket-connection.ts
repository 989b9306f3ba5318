/**
 * A connection on a TCP socket. Owns the socket's events, one write per tick, back-pressure
 * and the order of its end; framing is protocol's. Made by connect.ts and listen.ts.
 *
 *     open ── close() or end of the peer ──▶ closing ── all sent, peer has ended ──▶ ended
 *       └──── destroy(), error, bad frame, handler throws ────────────────────────────┘
 */
import type { Socket } from "node:net";
import { LoomError, messageOf, ProtocolError } from "../base/index.js";
import { FrameDecoder } from "../protocol/index.js";
import { formatAddress } from "./address.js";
import type { Connection, ConnectionHandler, FrameLimits } from "./connection.js";
import type { DirectReader } from "./direct-reader.js";
import { SendQueue } from "./send-queue.js";
import { explainLoss } from "./socket-errors.js";

/** drained() resolves at this many buffered bytes or fewer. */
const LOW_WATER_BYTES = 1024 * 1024;

/** After close(), a peer that takes nothing of what is still queued for this long is cut off. */
const STALL_MS = 30_000;

/** When all is sent, a peer that does not end its side within this time is cut off. */
const LINGER_MS = 5000;

/** A TCP keep-alive probe is sent after this long without data. */
const KEEP_ALIVE_DELAY_MS = 30_000;

/** @internal Options that all our sockets have. */
export const SOCKET_OPTIONS = {
  noDelay: true,
  keepAlive: true,
  keepAliveInitialDelay: KEEP_ALIVE_DELAY_MS,
  // The end of the peer's side is handled here: what is queued is sent before ours ends.
  allowHalfOpen: true,
} as const;

export class SocketConnection implements Connection {
  readonly remote: string;
  readonly remoteHost: string;
  readonly localHost: string;
  private readonly decoder: FrameDecoder;
  private readonly queue = new SendQueue();
  private handler!: ConnectionHandler;
  private state: "open" | "closing" | "ended" = "open";
  private flushScheduled = false;
  private error: Error | undefined;
  /** Our close() or the peer's end is complete: what comes after is not worth an error. */
  private orderly = false;
  private drainWaiters: (() => void)[] = [];
  private lingerTimer: NodeJS.Timeout | undefined;

  /** @param socket connected, with SOCKET_OPTIONS, and nobody else's */
  constructor(
    private readonly socket: Socket,
    limits: FrameLimits = {},
    private readonly reader?: DirectReader,
  ) {
    this.remoteHost = plainHost(socket.remoteAddress);
    this.remote = formatAddress(this.remoteHost, socket.remotePort ?? 0);
    this.localHost = plainHost(socket.localAddress);
    this.decoder = new FrameDecoder((frame) => this.handler.frame(frame), {
      maxFrameBytes: limits.maxFrameBytes,
      allocate: (sizeBytes) => Buffer.allocUnsafeSlow(sizeBytes),
    });
  }

  /** Starts reading. Called once, before any event can come. */
  start(handler: ConnectionHandler): void {
    this.handler = handler;
    if (this.reader === undefined) this.socket.on("data", (chunk) => this.receive(chunk));
    else this.reader.attach(this.decoder, (error) => this.readFailed(error));
    this.socket
      .on("end", () => this.peerEnded())
      .on("finish", () => this.allSent())
      .on("error", (error) => this.failed(error))
      .on("close", () => this.ended());
  }

  get bufferedBytes(): number {
    return this.queue.sizeBytes + this.socket.writableLength;
  }

  send(frame: Uint8Array): void {
    if (this.state !== "open") return;
    this.queue.addLength(frame.length);
    this.queue.add(frame);
    this.scheduleFlush();
  }

  sendParts(parts: readonly Uint8Array[]): void {
    if (this.state !== "open") return;
    let length = 0;
    for (const part of parts) length += part.length;
    this.queue.addLength(length);
    for (const part of parts) this.queue.add(part);
    this.scheduleFlush();
  }

  sendFramed(bytes: Uint8Array): void {
    if (this.state !== "open") return;
    this.queue.add(bytes);
    this.scheduleFlush();
  }

  setMaxFrameBytes(sizeBytes: number): void {
    this.decoder.setMaxFrameBytes(sizeBytes);
  }

  drained(): Promise<void> {
    if (this.state === "ended" || this.bufferedBytes <= LOW_WATER_BYTES) return Promise.resolve();
    return new Promise((resolve) => this.drainWaiters.push(resolve));
  }

  pause(): void {
    if (this.state === "open") this.socket.pause();
  }

  resume(): void {
    this.socket.resume();
  }

  close(): void {
    if (this.state !== "open") return;
    this.state = "closing";
    this.decoder.stop();
    this.flush();
    this.socket.end();
    // Read on, into nothing: the peer's end is only seen by reading, and closing a socket
    // with unread bytes would reset the connection and lose what is on its way to the peer.
    this.socket.resume();
    this.socket.setTimeout(STALL_MS, () => this.failed(new Error("it takes no data")));
  }

  destroy(error?: Error): void {
    if (this.state === "ended") return;
    this.state = "ended";
    this.error ??= error;
    this.decoder.stop();
    this.queue.take();
    this.socket.destroy();
    this.releaseWaiters();
  }

  /**
   * Waits for the check phase, after all sockets' events of this turn of the event loop:
   * process.nextTick and microtasks run after each single event, which makes a write each.
   */
  private scheduleFlush(): void {
    if (this.flushScheduled) return;
    this.flushScheduled = true;
    setImmediate(this.flush);
  }

  /** In the state "closing" nothing is queued. */
  readonly flush = (): void => {
    this.flushScheduled = false;
    if (this.state === "ended" || this.queue.sizeBytes === 0) return;
    const { socket } = this;
    const pieces = this.queue.take();
    const last = pieces.length - 1;
    if (last > 0) socket.cork();
    for (let i = 0; i < last; i++) socket.write(pieces[i]);
    socket.write(pieces[last], this.written);
    if (last > 0) socket.uncork();
  };

  private readonly written = (): void => {
    if (this.drainWaiters.length > 0 && this.bufferedBytes <= LOW_WATER_BYTES) {
      this.releaseWaiters();
    }
  };

  private releaseWaiters(): void {
    const waiters = this.drainWaiters;
    this.drainWaiters = [];
    for (const resolve of waiters) resolve();
  }

  private receive(chunk: Buffer): void {
    try {
      this.decoder.push(chunk);
    } catch (error) {
      this.readFailed(error);
    }
  }

  /** A malformed frame, or the handler threw. */
  private readFailed(error: unknown): void {
    let reason = error instanceof Error ? error : new Error(messageOf(error));
    if (reason instanceof ProtocolError && this.handler.malformed !== undefined) {
      this.error ??= reason;
      try {
        this.handler.malformed(reason);
        this.close();
        return;
      } catch (failure) {
        reason = failure instanceof Error ? failure : new Error(messageOf(failure));
        this.error = reason;
      }
    }
    this.destroy(reason);
  }

  private peerEnded(): void {
    const { pendingBytes } = this.decoder;
    if (pendingBytes > 0) {
      this.destroy(this.lost(`it ended in the middle of a frame, ${pendingBytes} bytes into it`));
      return;
    }
    this.orderly = true;
    this.close();
  }

  private allSent(): void {
    this.orderly = true;
    this.lingerTimer = setTimeout(() => this.destroy(), LINGER_MS);
  }

  private failed(error: Error): void {
    if (this.state === "ended") return;
    this.destroy(this.orderly ? undefined : this.lost(explainLoss(error), error));
  }

  private ended(): void {
    this.state = "ended";
    clearTimeout(this.lingerTimer);
    this.releaseWaiters();
    this.handler.closed(this.error);
  }

  private lost(reason: string, cause?: Error): LoomError {
    return new LoomError("connection", `connection to ${this.remote} lost: ${reason}`, { cause });
  }
}

/** IPv4 addresses of a socket that listens on IPv6 come as ::ffff:1.2.3.4. */
function plainHost(address: string | undefined): string {
  return (address ?? "unknown").replace(/^::ffff:(?=\d+\.)/, "");
}
