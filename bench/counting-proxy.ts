/**
 * A TCP proxy that counts the bytes each way, to learn what a client and its server send each other.
 * Nothing is timed through it. Called by encode-case.ts.
 */
import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";

export interface CountingProxy {
  /** "host:port" to connect to instead. */
  readonly address: string;
  /** Bytes that came from those who connected, so far. */
  readonly bytesFromClient: number;
  readonly bytesFromServer: number;
  close(): Promise<void>;
}

/** @param target "host:port" */
export async function startCountingProxy(target: string): Promise<CountingProxy> {
  const [host, port] = target.split(":");
  let bytesFromClient = 0;
  let bytesFromServer = 0;
  const sockets = new Set<Socket>();
  const listener = createServer((client) => {
    const server = connect(Number(port), host);
    for (const socket of [client, server]) {
      sockets.add(socket);
      socket.on("error", () => socket.destroy()).on("close", () => sockets.delete(socket));
    }
    client.on("data", (chunk) => {
      bytesFromClient += chunk.length;
    });
    server.on("data", (chunk) => {
      bytesFromServer += chunk.length;
    });
    client.pipe(server);
    server.pipe(client);
  });
  listener.listen(0, "127.0.0.1");
  await once(listener, "listening");
  return {
    address: `127.0.0.1:${(listener.address() as AddressInfo).port}`,
    get bytesFromClient() {
      return bytesFromClient;
    },
    get bytesFromServer() {
      return bytesFromServer;
    },
    async close() {
      for (const socket of sockets) socket.destroy();
      listener.close();
      await once(listener, "close");
    },
  };
}
