/**
 * Gets objects from one worker. Owns up to two connections to its data port: one for small
 * objects and ranges, one for big objects, so that these do not hold up the others. Callers:
 * the worker (inputs from other workers), the server (relays results to clients).
 */
import { PeerLane } from "./peer-lane.js";

/** Objects known to be bigger travel on a connection of their own. */
const BIG_OBJECT_BYTES = 1024 * 1024;

export interface PeerGetOptions {
  /** Get the content of files, not their paths. Default false. */
  content?: boolean;
  /** Size of the object if it is known: big ones do not hold up small ones. Default unknown = small. */
  sizeBytes?: number;
  /** Gives up; the promise rejects with LoomError("cancelled"). */
  signal?: AbortSignal;
}

/** An object in native form (see object-store). */
export interface PeerObject {
  readonly header: Uint8Array;
  /** Its own memory if it is big; small ones are views of a network buffer. */
  readonly body: Uint8Array;
}

/** Part of an object's serialized form (docs/protocol.md, READ). */
export interface PeerRange {
  readonly typeSymbol: number;
  /** Raw frames of the whole form. */
  readonly messageCount: number;
  /** Bytes of the whole form. */
  readonly totalBytes: number;
  readonly bytes: Uint8Array;
}

/**
 * A worker, to ask for objects. Connects at the first request, and again at the next one
 * after the connection was lost. Requests may be made at any time, they are pipelined.
 *
 * All requests reject with LoomError("connection") when the worker can't be reached, is lost
 * or answers nonsense, and with LoomError("task") when it has the object but can't read it.
 *
 * @example
 * const peer = new PeerClient("10.0.0.7", 40123);
 * const found = await peer.get(17); // undefined: the worker does not have it
 * peer.close();
 */
export class PeerClient {
  private readonly small: PeerLane;
  private readonly big: PeerLane;

  constructor(
    readonly host: string,
    readonly port: number,
  ) {
    this.small = new PeerLane(host, port);
    this.big = new PeerLane(host, port);
  }

  /** The object of a row in native form; undefined if the worker does not have it. */
  async get(row: number, options: PeerGetOptions = {}): Promise<PeerObject | undefined> {
    const { content = false, sizeBytes = 0, signal } = options;
    const lane = sizeBytes > BIG_OBJECT_BYTES ? this.big : this.small;
    const { reply, body } = await lane.ask({ kind: "get", row, content }, signal);
    return reply.kind === "object" ? { header: reply.header, body } : undefined;
  }

  /**
   * Bytes [offset, offset + length) of the object's serialized form, fewer where it ends;
   * undefined if the worker does not have the object.
   */
  async readRange(
    row: number,
    offset: number,
    length: number,
    signal?: AbortSignal,
  ): Promise<PeerRange | undefined> {
    const { reply } = await this.small.ask({ kind: "read", row, offset, length }, signal);
    return reply.kind === "range" ? reply : undefined;
  }

  /** Closes the connections; pending requests reject with LoomError("connection"). */
  close(): void {
    this.small.close();
    this.big.close();
  }
}
