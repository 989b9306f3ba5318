/**
 * Serves this worker's objects on its data port: to workers in native form, to the server
 * in the form that clients get. Owns its connections. Requests of a connection are answered
 * in order; the next one is not looked at while much of the last answer is still to be sent,
 * so memory stays bounded whatever the peers ask for.
 */
import type { Logger } from "pino";
import { messageOf } from "../base/index.js";
import {
  type ClientForm,
  clientForm,
  type DataObject,
  nativeBody,
  nativeBodyBytes,
  nativeHeader,
} from "../object-store/index.js";
import {
  checkPeerHello,
  decodePeerRequest,
  encodePeerError,
  encodePeerHello,
  encodePeerMissing,
  encodePeerObject,
  encodePeerRange,
  MAX_PEER_REQUEST_BYTES,
  type PeerRequest,
} from "../protocol/index.js";
import {
  type Connection,
  type ConnectionHandler,
  type Listener,
  listen,
} from "../transport/index.js";
import type { Traffic } from "./sampler.js";

/** Reading stops while more requests than this wait. */
const MAX_WAITING_REQUESTS = 256;

/** Above so many bytes not sent yet the next request waits. */
const MAX_BUFFERED_BYTES = 4 * 1024 * 1024;

export interface PeerServerOptions {
  readonly host: string;
  /** 0 = any free one. */
  readonly port: number;
  findObject(row: number): DataObject | undefined;
  /** Number of a symbol in the server's dictionary. */
  symbol(name: string): number;
  /** Counts what workers get. */
  readonly traffic?: Traffic;
  readonly logger: Logger;
}

export interface PeerServer {
  readonly host: string;
  readonly port: number;
  /** Stops listening and closes all connections. */
  close(): Promise<void>;
}

/** Rejects as transport's listen(). */
export async function startPeerServer(options: PeerServerOptions): Promise<PeerServer> {
  const connections = new Set<PeerConnection>();
  const listener: Listener = await listen(
    options.host,
    options.port,
    (connection) => {
      const peer = new PeerConnection(connection, options, () => connections.delete(peer));
      connections.add(peer);
      return peer;
    },
    { maxFrameBytes: MAX_PEER_REQUEST_BYTES },
  );
  return {
    host: listener.host,
    port: listener.port,
    async close() {
      await listener.close();
      for (const peer of connections) peer.destroy();
    },
  };
}

class PeerConnection implements ConnectionHandler {
  private greeted = false;
  private answering = false;
  private ended = false;
  private waiting: PeerRequest[] = [];

  constructor(
    private readonly connection: Connection,
    private readonly options: PeerServerOptions,
    private readonly onEnd: () => void,
  ) {
    connection.send(encodePeerHello());
  }

  /** What it throws ends this connection, see closed(). */
  frame(frame: Uint8Array): void {
    if (!this.greeted) {
      checkPeerHello(frame);
      this.greeted = true;
      return;
    }
    this.waiting.push(decodePeerRequest(frame));
    if (this.waiting.length === MAX_WAITING_REQUESTS) this.connection.pause();
    if (!this.answering) void this.answerAll();
  }

  closed(error: Error | undefined): void {
    this.ended = true;
    this.waiting = [];
    this.onEnd();
    if (error === undefined) return;
    const { remote } = this.connection;
    this.options.logger.warn({ remote }, `data connection ended: ${messageOf(error)}`);
  }

  destroy(): void {
    this.connection.destroy();
  }

  private async answerAll(): Promise<void> {
    this.answering = true;
    while (!this.ended && this.waiting.length > 0) {
      const requests = this.waiting;
      this.waiting = [];
      for (const request of requests) {
        // Awaited only where there is something to wait for.
        const more = this.answer(request);
        if (more !== undefined) await more;
        if (this.connection.bufferedBytes > MAX_BUFFERED_BYTES) await this.connection.drained();
        if (this.ended) break;
      }
      if (requests.length >= MAX_WAITING_REQUESTS) this.connection.resume();
    }
    this.answering = false;
  }

  /** Sends the answer; the promise is for the rest of one that is read from disk. */
  private answer(request: PeerRequest): Promise<void> | undefined {
    const object = this.options.findObject(request.row);
    if (object === undefined) {
      this.connection.send(encodePeerMissing());
      return undefined;
    }
    try {
      if (request.kind === "read") this.sendRange(object, request.offset, request.length);
      else return this.sendObject(object, request.content);
    } catch (error) {
      this.connection.send(encodePeerError(messageOf(error)));
    }
    return undefined;
  }

  private sendRange(object: DataObject, offset: number, length: number): void {
    const form: ClientForm = clientForm(object, this.options.symbol);
    const parts = form.read(offset, length);
    this.connection.sendParts(
      encodePeerRange(form.typeSymbol, form.messageCount, form.totalBytes, parts),
    );
  }

  private sendObject(object: DataObject, fileContent: boolean): Promise<void> | undefined {
    const header = nativeHeader(object, { fileContent });
    const bodyBytes = nativeBodyBytes(object, { fileContent });
    const { traffic } = this.options;
    if (traffic !== undefined) traffic.sentBytes += header.length + bodyBytes;
    const body = bodyBytes === 0 ? [] : nativeBody(object, { fileContent });
    this.connection.sendParts(encodePeerObject(header, bodyBytes));
    if (!Array.isArray(body)) return this.sendPieces(body);
    if (bodyBytes > 0) this.connection.sendParts(body);
    return undefined;
  }

  private async sendPieces(pieces: AsyncIterable<Uint8Array>): Promise<void> {
    try {
      for await (const piece of pieces) {
        if (this.ended) return;
        this.connection.send(piece);
        await this.connection.drained();
      }
    } catch (error) {
      // In the middle of a body there is no way to say it but to end the connection.
      this.connection.destroy(error instanceof Error ? error : new Error(messageOf(error)));
    }
  }
}
