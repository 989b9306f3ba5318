/**
 * One connection of a PeerClient: requests in, answers out in the same order. Owns connecting,
 * putting bodies together, and the end of everything that is pending when the connection ends.
 *
 *     idle ── ask ──▶ connecting ── connected ──▶ open
 *       ▲                 │                        │
 *       └─────── failed, ended, closed ────────────┘   (pending requests reject)
 */
import { constants } from "node:buffer";
import { LoomError, messageOf } from "../base/index.js";
import {
  checkPeerHello,
  decodePeerReply,
  encodePeerHello,
  encodePeerRequest,
  type PeerReply,
  type PeerRequest,
} from "../protocol/index.js";
import { formatAddress } from "./address.js";
import { connect } from "./connect.js";
import type { Connection, ConnectionHandler } from "./connection.js";

/** Bodies come in one frame whatever their size; one piece of memory can't be longer. */
const MAX_REPLY_BYTES = constants.MAX_LENGTH;

const NO_BYTES = new Uint8Array(0);

/** @internal What a request resolves with: never a reply of kind "error". */
export interface LaneAnswer {
  readonly reply: PeerReply;
  /** Empty if there is none. */
  readonly body: Uint8Array;
}

interface Pending {
  readonly request: PeerRequest;
  /** Replaced when the request is given up: the answer is still to come. */
  settle: ((answer: LaneAnswer | undefined, error: LoomError | undefined) => void) | undefined;
}

/** @internal */
export class PeerLane {
  private link: Link | undefined;

  constructor(
    private readonly host: string,
    private readonly port: number,
  ) {}

  ask(request: PeerRequest, signal: AbortSignal | undefined): Promise<LaneAnswer> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) {
        reject(cancelled(request, signal));
        return;
      }
      const link = this.openLink();
      const pending: Pending = {
        request,
        settle: (answer, error) => {
          signal?.removeEventListener("abort", abort);
          if (answer !== undefined) resolve(answer);
          else reject(error);
        },
      };
      const abort = () => {
        pending.settle = undefined;
        reject(cancelled(request, signal!));
        // Nobody else waits here: cheaper to connect again than to receive it all.
        if (link.isIdle()) this.end(link);
      };
      signal?.addEventListener("abort", abort, { once: true });
      link.ask(pending);
    });
  }

  close(): void {
    if (this.link !== undefined) this.end(this.link);
  }

  private openLink(): Link {
    if (this.link === undefined || this.link.ended) this.link = new Link(this.host, this.port);
    return this.link;
  }

  private end(link: Link): void {
    link.end(new LoomError("connection", `the connection to worker ${link.address} was closed`));
    if (this.link === link) this.link = undefined;
  }
}

/** One connection from its attempt to its end. */
class Link implements ConnectionHandler {
  readonly address: string;
  ended = false;
  private connection: Connection | undefined;
  private pending: Pending[] = [];
  private answered = 0;
  private greeted = false;
  /** The object whose body is being received. */
  private object: { reply: PeerReply; bodyBytes: number } | undefined;
  private body: Uint8Array = NO_BYTES;
  private bodyFilled = 0;

  constructor(host: string, port: number) {
    this.address = formatAddress(host, port);
    connect(host, port, this, { maxFrameBytes: MAX_REPLY_BYTES }).then(
      (connection) => this.connected(connection),
      (error) => this.end(asConnectionError(error, this.address)),
    );
  }

  ask(pending: Pending): void {
    this.pending.push(pending);
    this.connection?.send(encodePeerRequest(pending.request));
  }

  /** Whether nobody waits for an answer any more. */
  isIdle(): boolean {
    return this.pending.every((pending) => pending.settle === undefined);
  }

  frame(frame: Uint8Array): void {
    if (!this.greeted) {
      checkPeerHello(frame);
      this.greeted = true;
    } else if (this.object !== undefined) {
      this.addToBody(frame, this.object);
    } else {
      this.reply(decodePeerReply(frame));
    }
  }

  closed(error: Error | undefined): void {
    const cause = error ?? new Error("it closed the connection");
    this.end(asConnectionError(cause, this.address));
  }

  end(error: LoomError): void {
    if (this.ended) return;
    this.ended = true;
    this.connection?.destroy();
    this.object = undefined;
    this.body = NO_BYTES;
    const pending = this.pending.slice(this.answered);
    this.pending = [];
    for (const { settle } of pending) settle?.(undefined, error);
  }

  private connected(connection: Connection): void {
    if (this.ended) {
      connection.destroy();
      return;
    }
    this.connection = connection;
    connection.send(encodePeerHello());
    for (const { request } of this.pending) connection.send(encodePeerRequest(request));
  }

  private reply(reply: PeerReply): void {
    if (this.answered === this.pending.length) {
      throw new LoomError("protocol", "an answer came that nobody asked for");
    }
    const { request } = this.pending[this.answered];
    const wanted = request.kind === "get" ? "object" : "range";
    if (reply.kind !== wanted && reply.kind !== "missing" && reply.kind !== "error") {
      throw new LoomError("protocol", `"${reply.kind}" was answered to "${request.kind}"`);
    }
    if (reply.kind === "error") {
      this.take()?.(undefined, new LoomError("task", reply.message));
    } else if (reply.kind === "object" && reply.bodyBytes > 0) {
      this.object = { reply, bodyBytes: reply.bodyBytes };
    } else {
      this.take()?.({ reply, body: NO_BYTES }, undefined);
    }
  }

  private addToBody(frame: Uint8Array, object: { reply: PeerReply; bodyBytes: number }): void {
    const { bodyBytes } = object;
    if (this.bodyFilled + frame.length > bodyBytes || frame.length === 0) {
      throw new LoomError("protocol", `a body longer than the ${bodyBytes} bytes announced`);
    }
    if (frame.length === bodyBytes) {
      this.body = frame;
    } else {
      if (this.bodyFilled === 0) this.body = allocate(bodyBytes);
      this.body.set(frame, this.bodyFilled);
    }
    this.bodyFilled += frame.length;
    if (this.bodyFilled < bodyBytes) return;
    const answer = { reply: object.reply, body: this.body };
    this.object = undefined;
    this.body = NO_BYTES;
    this.bodyFilled = 0;
    this.take()?.(answer, undefined);
  }

  /** The oldest request has its answer. */
  private take(): Pending["settle"] {
    const oldest = this.pending[this.answered++];
    const { settle } = oldest;
    oldest.settle = undefined;
    if (this.answered === this.pending.length || this.answered >= 1024) {
      this.pending = this.pending.slice(this.answered);
      this.answered = 0;
    }
    return settle;
  }
}

function allocate(sizeBytes: number): Uint8Array {
  try {
    return Buffer.allocUnsafeSlow(sizeBytes);
  } catch (error) {
    throw new LoomError("connection", `no memory for an object of ${sizeBytes} bytes`, {
      cause: error,
    });
  }
}

function asConnectionError(error: unknown, address: string): LoomError {
  if (error instanceof LoomError && error.code === "connection") return error;
  return new LoomError(
    "connection",
    `the connection to worker ${address} was lost: ${messageOf(error)}`,
    { cause: error },
  );
}

function cancelled(request: PeerRequest, signal: AbortSignal): LoomError {
  return new LoomError("cancelled", `getting object ${request.row} was cancelled`, {
    cause: signal.reason,
  });
}
