/**
 * What a connection is to its user: frames in, frames out, one end. Implementations:
 * socket-connection.ts. Callers: server, worker, client.
 */

import type { ProtocolError } from "../base/index.js";

/** Called by a connection. None of them is called after `closed`. */
export interface ConnectionHandler {
  /** A whole frame without its length. Its bytes are not reused by the connection. */
  frame(frame: Uint8Array): void;
  /**
   * The peer sent something that is no frame (too long), or frame() threw a ProtocolError.
   * If given, it may send a last word; the connection is closed afterwards, and `closed` gets
   * the error too. Without it the connection is destroyed at once.
   */
  malformed?(error: ProtocolError): void;
  /**
   * The connection has ended; called exactly once. `error` is undefined when either side
   * closed it in an orderly way.
   */
  closed(error: Error | undefined): void;
}

/** A connection that carries frames: u64 little-endian length, then that many bytes. */
export interface Connection {
  /** Peer as "host:port". */
  readonly remote: string;
  /** The peer's IP address. */
  readonly remoteHost: string;
  /** Our own IP address on this connection. */
  readonly localHost: string;
  /** Bytes accepted by send() and not yet taken by the operating system. */
  readonly bufferedBytes: number;
  /**
   * Queues a frame; all frames queued in one tick leave in one write. The bytes must not
   * change afterwards. Ignored after the end.
   */
  send(frame: Uint8Array): void;
  /** Like send(), the frame being the concatenation of `parts` (nothing is copied). */
  sendParts(parts: readonly Uint8Array[]): void;
  /** Sends bytes that are frames already, with their lengths; they may begin or end inside one. */
  sendFramed(bytes: Uint8Array): void;
  /** Hands what is queued to the operating system now, not at the end of the tick. */
  flush(): void;
  /** Resolves when few bytes are buffered (at once if so), or the connection has ended. */
  drained(): Promise<void>;
  /** Changes the limit of {@link FrameLimits} from the next frame on. */
  setMaxFrameBytes(sizeBytes: number): void;
  /** Stops and resumes reading: back-pressure. Frames that were read already (64 KiB) still come. */
  pause(): void;
  resume(): void;
  /** Sends what is queued, then closes. Frames that come after this are dropped. */
  close(): void;
  /** Closes at once; `error` is handed to `closed`. */
  destroy(error?: Error): void;
}

/** A listening socket. */
export interface Listener {
  readonly host: string;
  readonly port: number;
  /** Stops listening; connections stay. */
  close(): Promise<void>;
}

export interface FrameLimits {
  /** A frame longer than this ends the connection with a ProtocolError. Default 2 GiB. */
  maxFrameBytes?: number;
}
