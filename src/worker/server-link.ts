/**
 * The worker's end of the connection to its server: registration, then frames for the session.
 * Owns telling a refusal from an acceptance and an orderly end from a lost server.
 *
 *     registering ── first frame with records ──▶ accepted ── ended
 *          └──────── ERROR frame, end, 30 s ───▶ ended
 */
import { LoomError, messageOf, ProtocolError } from "../base/index.js";
import { ClientResponseType, decodeClientResponse } from "../protocol/index.js";
import { type Connection, type ConnectionHandler, formatAddress } from "../transport/index.js";
import type { ServerSession } from "./server-session.js";

const REGISTER_TIMEOUT_MS = 30_000;

/**
 * The server pings every few seconds, whatever happens. When nothing comes for so long it is
 * unreachable, though no connection was closed (a cut network), and has given this worker up.
 */
const SILENCE_TIMEOUT_MS = 60_000;

/** The server's first frame to a worker begins with one of these records: peer, symbols. */
const FIRST_RECORDS = [5, 6];

export class ServerLink implements ConnectionHandler {
  readonly address: string;
  private state: "registering" | "accepted" | "ended" = "registering";
  private session: ServerSession | undefined;
  private settle: ((error: unknown) => void) | undefined;
  private endError: unknown;
  /** Quarters of the time limit in which nothing was heard. */
  private silentQuarters = 0;
  private silenceTimer: NodeJS.Timeout | undefined;

  /**
   * @param onEnd called once when the connection has ended, with what is to be told
   * @param silenceTimeoutMs a server not heard of for about this long is lost
   */
  constructor(
    host: string,
    port: number,
    private readonly onEnd: (error: unknown) => void,
    private readonly silenceTimeoutMs: number = SILENCE_TIMEOUT_MS,
  ) {
    this.address = formatAddress(host, port);
  }

  /** Ends `connection` when the server is silent for too long. Called once it is connected. */
  watch(connection: Connection): void {
    this.silenceTimer = setInterval(() => {
      // Counted in quarters: after a long pause of this process the timer comes before the socket.
      this.silentQuarters++;
      if (this.silentQuarters > 4) {
        const seconds = this.silenceTimeoutMs / 1000;
        const what = `the server ${this.address} has not been heard of for ${seconds} s`;
        connection.destroy(new LoomError("connection", `${what}; it has given this worker up`));
      }
    }, this.silenceTimeoutMs / 4);
  }

  /** Resolves when the server has accepted the Register just sent; rejects with a LoomError. */
  accepted(session: ServerSession): Promise<void> {
    this.session = session;
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        const waited = `has not answered the registration for ${REGISTER_TIMEOUT_MS / 1000} s`;
        this.settle?.(new LoomError("connection", `${this.address} ${waited}; is it the server?`));
      }, REGISTER_TIMEOUT_MS);
      this.settle = (error) => {
        clearTimeout(timer);
        this.settle = undefined;
        if (error === undefined) resolve();
        else reject(error);
      };
      if (this.state === "ended") this.settle(this.endError);
    });
  }

  /** What it throws ends the connection and comes back in closed(). */
  frame(frame: Uint8Array): void {
    this.silentQuarters = 0;
    if (this.state === "registering") {
      if (!FIRST_RECORDS.includes(frame[0])) throw refusal(this.address, frame);
      this.state = "accepted";
    }
    this.session?.read(frame);
    this.settle?.(undefined);
  }

  closed(error: Error | undefined): void {
    clearInterval(this.silenceTimer);
    this.endError = this.explain(error);
    this.state = "ended";
    this.settle?.(this.endError);
    this.onEnd(this.endError);
  }

  private explain(error: Error | undefined): unknown {
    if (error instanceof LoomError) return error;
    const server = `the server ${this.address}`;
    if (error !== undefined) {
      const message = `connection to ${server} was lost: ${messageOf(error)}`;
      return new LoomError("connection", message, { cause: error });
    }
    return this.state === "registering"
      ? new LoomError("connection", `${server} closed the connection and did not say why`)
      : new LoomError("connection", `${server} is gone: it closed the connection`);
  }
}

function refusal(address: string, frame: Uint8Array): LoomError {
  try {
    const { type, error } = decodeClientResponse(frame);
    if (type === ClientResponseType.ERROR) {
      const reason = error?.errorMsg ?? "it did not say why";
      return new LoomError("connection", `the server ${address} refused this worker: ${reason}`);
    }
  } catch {
    // Not even a message: said below.
  }
  return new ProtocolError(`${address} did not answer as a HyperLoom server does; check the port`);
}
