/** Both ends of real connections on this machine, and handlers that remember. */
import {
  type AddressInfo,
  createServer,
  connect as netConnect,
  type Server,
  type Socket,
} from "node:net";
import { onTestFinished } from "vitest";
import type { ProtocolError } from "../../src/base/index.js";
import {
  type Connection,
  type ConnectionHandler,
  connect,
  type FrameLimits,
  listen,
} from "../../src/transport/index.js";

/** A handler that keeps what it is told and lets one wait for it. */
export class Recorder implements ConnectionHandler {
  readonly frames: Uint8Array[] = [];
  readonly ends: (Error | undefined)[] = [];
  /** Called with each frame, for tests that answer or throw. */
  onFrame: ((frame: Uint8Array) => void) | undefined;
  malformed: ((error: ProtocolError) => void) | undefined;
  private waiters: (() => void)[] = [];

  frame(frame: Uint8Array): void {
    this.frames.push(frame);
    this.wake();
    this.onFrame?.(frame);
  }

  closed(error: Error | undefined): void {
    this.ends.push(error);
    this.wake();
  }

  /** Resolves when so many frames are there. */
  async received(count: number): Promise<Uint8Array[]> {
    while (this.frames.length < count) {
      if (this.ends.length > 0) throw new Error(`ended after ${this.frames.length} frames`);
      await new Promise<void>((resolve) => this.waiters.push(resolve));
    }
    return this.frames;
  }

  /** Resolves with the argument of closed(). */
  async end(): Promise<Error | undefined> {
    while (this.ends.length === 0) await new Promise<void>((resolve) => this.waiters.push(resolve));
    return this.ends[0];
  }

  private wake(): void {
    for (const resolve of this.waiters.splice(0)) resolve();
  }
}

/** Promise.withResolvers is not there in Node 20. */
function deferred<T>(): { promise: Promise<T>; resolve: (value: T) => void } {
  let resolve!: (value: T) => void;
  const promise = new Promise<T>((done) => {
    resolve = done;
  });
  return { promise, resolve };
}

export interface Side {
  connection: Connection;
  seen: Recorder;
}

/** Two ends of one connection; `a` has connected, `b` was accepted. */
export async function pair(limits?: { a?: FrameLimits; b?: FrameLimits }, host = "127.0.0.1") {
  const accepted = deferred<Side>();
  const listener = await listen(
    host,
    0,
    (connection) => {
      const seen = new Recorder();
      accepted.resolve({ connection, seen });
      return seen;
    },
    limits?.b,
  );
  const seen = new Recorder();
  const a: Side = { connection: await connect(host, listener.port, seen, limits?.a), seen };
  const b = await accepted.promise;
  await listener.close();
  onTestFinished(() => {
    a.connection.destroy();
    b.connection.destroy();
  });
  return { a, b };
}

/** A plain socket on the other side of an accepted connection. */
export async function rawClient(limits?: FrameLimits): Promise<{ socket: Socket; side: Side }> {
  const accepted = deferred<Side>();
  const listener = await listen(
    "127.0.0.1",
    0,
    (connection) => {
      const seen = new Recorder();
      accepted.resolve({ connection, seen });
      return seen;
    },
    limits,
  );
  const socket = netConnect({ host: "127.0.0.1", port: listener.port, allowHalfOpen: true });
  socket.on("error", () => {});
  const side = await accepted.promise;
  await listener.close();
  onTestFinished(() => {
    socket.destroy();
    side.connection.destroy();
  });
  return { socket, side };
}

/** A plain server and a connection of ours to it. */
export async function rawServer(): Promise<{ socket: Socket; side: Side }> {
  const accepted = deferred<Socket>();
  const server: Server = createServer({ allowHalfOpen: true }, accepted.resolve);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const seen = new Recorder();
  const connection = await connect("127.0.0.1", (server.address() as AddressInfo).port, seen);
  const socket = await accepted.promise;
  socket.on("error", () => {});
  server.close();
  onTestFinished(() => {
    socket.destroy();
    connection.destroy();
  });
  return { socket, side: { connection, seen } };
}

/** All bytes a plain socket gets until its end. */
export async function bytesOf(socket: Socket): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of socket) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}
