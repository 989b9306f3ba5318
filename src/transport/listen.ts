/** Listens for connections. Called by server and worker. */
import { type AddressInfo, createServer } from "node:net";
import { LoomError } from "../base/index.js";
import { formatAddress } from "./address.js";
import type { Connection, ConnectionHandler, FrameLimits, Listener } from "./connection.js";
import { SOCKET_OPTIONS, SocketConnection } from "./socket-connection.js";
import { explainListenError } from "./socket-errors.js";

/**
 * Listens on HOST:PORT; port 0 takes any free one. `onConnection` gets each new connection
 * and returns its handler; it must not throw.
 *
 * Rejects with LoomError("connection", "cannot listen on HOST:PORT: REASON; WHAT TO DO").
 *
 * @example
 * const listener = await listen("127.0.0.1", 0, (connection) => ({
 *   frame: (frame) => connection.send(frame),
 *   closed: () => {},
 * }));
 */
export function listen(
  host: string,
  port: number,
  onConnection: (connection: Connection) => ConnectionHandler,
  options: FrameLimits = {},
): Promise<Listener> {
  const target = formatAddress(host, port);
  return new Promise((resolve, reject) => {
    if (!Number.isInteger(port) || port < 0 || port > 65535) {
      reject(new LoomError("usage", `cannot listen on ${target}: a port is 0 to 65535`));
      return;
    }
    const server = createServer(SOCKET_OPTIONS, (socket) => {
      const connection = new SocketConnection(socket, options);
      connection.start(onConnection(connection));
    });
    const failed = (error: Error) => {
      reject(
        new LoomError("connection", `cannot listen on ${target}: ${explainListenError(error)}`, {
          cause: error,
        }),
      );
    };
    server.once("error", failed);
    server.listen({ host, port }, () => {
      server.off("error", failed);
      // One connection could not be accepted (too many open files): the others go on.
      server.on("error", (error) =>
        process.emitWarning(`a connection to ${target} was not accepted: ${error.message}`),
      );
      const address = server.address() as AddressInfo;
      resolve({
        host: address.address,
        port: address.port,
        // The port is free at once; the server's own callback would wait for all connections.
        close: () => {
          if (server.listening) server.close();
          return Promise.resolve();
        },
      });
    });
  });
}
