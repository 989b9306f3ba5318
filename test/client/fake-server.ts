/**
 * A scripted server for client tests: speaks wire version 2 with our extensions over a real
 * socket. It does nothing by itself but register clients, and answer READs of results that
 * were put into it.
 */
import {
  BUILTIN_SYMBOLS,
  builtinSymbol,
  type ClientRequestMessage,
  ClientRequestType,
  type ClientResponseInit,
  ClientResponseType,
  decodeClientRequest,
  decodeRegister,
  encodeClientResponse,
  type RegisterMessage,
} from "../../src/protocol/index.js";
import {
  type Connection,
  formatAddress,
  type Listener,
  listen,
} from "../../src/transport/index.js";

export type RequestName = keyof typeof ClientRequestType;

/** A value as a result's serialized form: bytes or arrays of such values. */
export type FakeValue = Uint8Array | string | readonly FakeValue[];

interface Taker {
  type: ClientRequestType;
  resolve(request: ClientRequestMessage): void;
}

export class FakeServer {
  /** Symbols sent to clients that register. */
  symbols: readonly string[] = BUILTIN_SYMBOLS;
  /** Answer READs of the results in `values`. */
  readonly values = new Map<number, FakeValue>();
  readonly versions = new Map<number, number>();
  register: RegisterMessage | undefined;
  /** READs that were not answered yet, and the most there have been. */
  readsOpen = 0;
  mostReadsOpen = 0;
  readCount = 0;

  private listener!: Listener;
  private connection: Connection | undefined;
  private readonly waiting: ClientRequestMessage[] = [];
  private readonly takers: Taker[] = [];
  private readonly connections = new Set<Connection>();
  private readonly closeWaiters: (() => void)[] = [];

  static async start(): Promise<FakeServer> {
    const server = new FakeServer();
    server.listener = await listen("127.0.0.1", 0, (connection) => {
      server.connections.add(connection);
      let registered = false;
      return {
        frame: (frame) => {
          if (registered) {
            server.receive(decodeClientRequest(frame));
            return;
          }
          registered = true;
          server.register = decodeRegister(frame);
          server.connection = connection;
          server.send({ type: ClientResponseType.DICTIONARY, symbols: [...server.symbols] });
        },
        closed: () => {
          server.connections.delete(connection);
          for (const resolve of server.closeWaiters.splice(0)) resolve();
        },
      };
    });
    return server;
  }

  get address(): string {
    return formatAddress(this.listener.host, this.listener.port);
  }

  send(response: ClientResponseInit): void {
    this.connection?.send(encodeClientResponse(response));
  }

  sendRaw(frame: Uint8Array): void {
    this.connection?.send(frame);
  }

  sendChunk(request: ClientRequestMessage, bytes: Uint8Array, more: object = {}): void {
    const { requestId } = request;
    this.send({ type: ClientResponseType.CHUNK, chunk: { requestId, ...more } });
    this.sendRaw(bytes);
  }

  finish(...ids: number[]): void {
    this.send({ type: ClientResponseType.FINISHED_MANY, ids });
  }

  finishWith(id: number, value: FakeValue): void {
    this.values.set(id, value);
    this.finish(id);
  }

  fail(id: number, lostResults: number[], errorMsg = "it broke"): void {
    const error = {
      id,
      lostResults,
      errorMsg,
      taskType: "loom/data/merge",
      worker: "10.0.0.7:4000",
    };
    this.send({ type: ClientResponseType.TASK_FAILED, error });
  }

  /** Answers a STATS request. */
  sendStats(stats = { nWorkers: 1, nDataObjects: 0, nTasks: 0, nClients: 1 }): void {
    this.send({ type: ClientResponseType.STATS, stats });
  }

  sendError(error: NonNullable<ClientResponseInit["error"]>): void {
    this.send({ type: ClientResponseType.ERROR, error });
  }

  /** The next request of this type, now or when it comes. Others stay for later. */
  take(name: RequestName): Promise<ClientRequestMessage> {
    const type = ClientRequestType[name];
    const at = this.waiting.findIndex((request) => request.type === type);
    if (at >= 0) return Promise.resolve(this.waiting.splice(at, 1)[0]);
    return new Promise((resolve) => this.takers.push({ type, resolve }));
  }

  /** Requests that nobody has taken. */
  get untaken(): string[] {
    return this.waiting.map((request) => ClientRequestType[request.type]);
  }

  /** Ends the client's connection. */
  drop(error?: Error): void {
    this.connection?.destroy(error);
  }

  /** Resolves when a client's connection has ended. */
  clientGone(): Promise<void> {
    if (this.connections.size === 0) return Promise.resolve();
    return new Promise((resolve) => this.closeWaiters.push(resolve));
  }

  async close(): Promise<void> {
    for (const connection of this.connections) connection.destroy();
    await this.listener.close();
  }

  /** Answers a READ from `values`. */
  answerRead(request: ClientRequestMessage): void {
    const value = this.values.get(request.id)!;
    const form = serialize(value);
    const offset = Number(request.offset);
    this.readCount++;
    this.sendChunk(request, form.subarray(offset, offset + request.maxSize), {
      totalSize: BigInt(form.length),
      typeId: typeOf(value),
      nMessages: 1n,
      version: this.versions.get(request.id) ?? 1,
    });
  }

  private receive(request: ClientRequestMessage): void {
    if (request.type === ClientRequestType.READ && this.values.has(request.id)) {
      this.readsOpen++;
      this.mostReadsOpen = Math.max(this.mostReadsOpen, this.readsOpen);
      // Later, so that requests on their way together are seen together.
      setImmediate(() => {
        this.readsOpen--;
        this.answerRead(request);
      });
      return;
    }
    const at = this.takers.findIndex((taker) => taker.type === request.type);
    if (at >= 0) this.takers.splice(at, 1)[0].resolve(request);
    else this.waiting.push(request);
  }
}

function typeOf(value: FakeValue): number {
  return builtinSymbol(Array.isArray(value) ? "loom/array" : "loom/data");
}

/** The serialized form, as docs/protocol.md describes it. */
export function serialize(value: FakeValue): Buffer {
  if (!Array.isArray(value)) return frame(Buffer.from(value as string));
  const types = Buffer.alloc(4 * value.length);
  value.forEach((element: FakeValue, i) => {
    types.writeUInt32LE(typeOf(element), 4 * i);
  });
  return Buffer.concat([frame(types), ...value.map(serialize)]);
}

function frame(bytes: Buffer): Buffer {
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(bytes.length));
  return Buffer.concat([length, bytes]);
}
