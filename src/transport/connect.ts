/** Opens connections. Called by client, worker and whoever asks a worker for objects. */
import { connect as connectSocket } from "node:net";
import { LoomError } from "../base/index.js";
import { formatAddress } from "./address.js";
import type { Connection, ConnectionHandler, FrameLimits } from "./connection.js";
import { DirectReader } from "./direct-reader.js";
import { SOCKET_OPTIONS, SocketConnection } from "./socket-connection.js";
import { explainConnectError } from "./socket-errors.js";

export interface ConnectOptions extends FrameLimits {
  /** Gives up when it fires; `AbortSignal.timeout(ms)` makes a time limit. Default: the system's limit. */
  signal?: AbortSignal;
}

/**
 * Connects to HOST:PORT. The handler is called only after the promise has resolved.
 *
 * Rejects with LoomError("connection", "cannot connect to HOST:PORT: REASON; WHAT TO DO"),
 * or LoomError("cancelled") when the signal fired for another reason than a timeout.
 *
 * @example
 * const connection = await connect("127.0.0.1", 9010, { frame: read, closed: stop });
 */
export function connect(
  host: string,
  port: number,
  handler: ConnectionHandler,
  options: ConnectOptions = {},
): Promise<Connection> {
  const { signal } = options;
  const target = formatAddress(host, port);
  return new Promise((resolve, reject) => {
    if (signal?.aborted) {
      reject(abortError(target, signal));
      return;
    }
    if (!Number.isInteger(port) || port < 1 || port > 65535) {
      reject(new LoomError("usage", `cannot connect to ${target}: a port is 1 to 65535`));
      return;
    }
    const reader = new DirectReader();
    const socket = connectSocket({ host, port, ...SOCKET_OPTIONS, onread: reader.onread });
    const aborted = () => {
      socket.destroy();
      reject(abortError(target, signal!));
    };
    const failed = (error: Error) => {
      signal?.removeEventListener("abort", aborted);
      reject(
        new LoomError("connection", `cannot connect to ${target}: ${explainConnectError(error)}`, {
          cause: error,
        }),
      );
    };
    signal?.addEventListener("abort", aborted, { once: true });
    socket.once("error", failed);
    socket.once("connect", () => {
      signal?.removeEventListener("abort", aborted);
      socket.off("error", failed);
      const connection = new SocketConnection(socket, options, reader);
      connection.start(handler);
      resolve(connection);
    });
  });
}

function abortError(target: string, signal: AbortSignal): LoomError {
  const cause: unknown = signal.reason;
  if (cause instanceof Error && cause.name === "TimeoutError") {
    return new LoomError(
      "connection",
      `cannot connect to ${target}: timed out; check that the host is up and no firewall is between`,
      { cause },
    );
  }
  return new LoomError("cancelled", `connecting to ${target} was cancelled`, { cause });
}
