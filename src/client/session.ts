/**
 * One connection to a server: registering, requests and their answers, announcements of
 * results. Owns the wire's state (which requests are open, which symbols exist) and tells
 * the result states what happened to them. Used by Client and Future; users never see it.
 */
import { LoomError, messageOf, ProtocolError } from "../base/index.js";
import {
  type ChunkMessage,
  type ClientRequestInit,
  ClientRequestType,
  type ClientResponseMessage,
  ClientResponseType,
  decodeClientResponse,
  type ErrorMessage,
  encodeClientRequest,
  encodeRegister,
  RegisterType,
  readSmallValues,
} from "../protocol/index.js";
import { type Connection, connect, formatAddress, parseAddress } from "../transport/index.js";
import { abortable, throwIfAborted } from "./abort.js";
import { type ChunkReply, OpenRequests, type Reply } from "./open-requests.js";
import { ReportListeners } from "./report-listeners.js";
import type { ClusterStats, LogLine } from "./reports.js";
import type { ResultState } from "./result-state.js";
import { ResultTable } from "./result-table.js";
import { taskFailedFrom } from "./task-failed.js";

const DEFAULT_PORT = 9010;
const PROTOCOL_VERSION = 2;
/** Our extensions, NOTICE, and labels of PROGRESS. */
const CLIENT_FEATURES = 3;
const REGISTER_TIMEOUT_MS = 10_000;
/** How long an orderly close waits for the peer before the socket is closed at once. */
const CLOSE_TIMEOUT_MS = 2_000;

export class Session {
  readonly results = new ResultTable();
  readonly listeners: ReportListeners;
  /** Futures being read: nobody else may refer to them, yet they must not be collected. */
  readonly inUse = new Set<unknown>();
  /** Id of the next plan's first task. */
  nextId = 0;

  private connection!: Connection;
  private symbolNumbers = new Map<string, number>();
  private symbolNames: readonly string[] = [];
  private readonly requests = new OpenRequests();
  private readonly statsRequests: Reply<ClusterStats>[] = [];
  /** The chunk whose raw frame comes next. */
  private openChunk: ChunkMessage | undefined;
  private releasedIds: number[] = [];
  private releaseScheduled = false;
  /** Takes errors that answer no request of ours; without it they become warnings. */
  onServerError: ((message: string) => void) | undefined;
  private lastServerError: string | undefined;
  private registered = false;
  /** Why nothing can be sent any more. */
  private endError: LoomError | undefined;
  /** Why the connection is about to end, said beforehand by us. */
  private endReason: LoomError | undefined;
  private registering: Reply<void> | undefined;
  private readonly ended: Promise<void>;
  private resolveEnded!: () => void;

  private constructor(private readonly address: string) {
    this.listeners = new ReportListeners(address);
    this.ended = new Promise((resolve) => {
      this.resolveEnded = resolve;
    });
  }

  /** Connects and registers; see `Client.connect` for the errors. */
  static async open(address: string, signal?: AbortSignal): Promise<Session> {
    const { host, port } = parseAddress(address, DEFAULT_PORT);
    const name = formatAddress(host, port);
    const session = new Session(name);
    const what = `connecting to ${name}`;
    const handler = {
      frame: (frame: Uint8Array) => session.receive(frame),
      closed: (error: Error | undefined) => session.closed(error),
    };
    throwIfAborted(signal, what);
    try {
      session.connection = await connect(
        host,
        port,
        handler,
        signal === undefined ? {} : { signal },
      );
    } catch (error) {
      throwIfAborted(signal, what);
      throw error;
    }
    try {
      await abortable(session.register(), signal, what);
    } catch (error) {
      session.connection.destroy();
      throw error;
    }
    return session;
  }

  private async register(): Promise<void> {
    const answered = new Promise<void>((resolve, reject) => {
      this.registering = { resolve, reject };
      if (this.endError !== undefined) reject(this.endError);
    });
    this.connection.send(
      encodeRegister({
        protocolVersion: PROTOCOL_VERSION,
        type: RegisterType.CLIENT,
        clientFeatures: CLIENT_FEATURES,
      }),
    );
    const timeout = setTimeout(() => {
      this.registering?.reject(
        new LoomError(
          "connection",
          `${this.address} accepted the connection but did not answer for ${REGISTER_TIMEOUT_MS / 1000} s; check that a HyperLoom server listens there`,
        ),
      );
    }, REGISTER_TIMEOUT_MS);
    try {
      await answered;
    } finally {
      clearTimeout(timeout);
      this.registering = undefined;
    }
  }

  /** Throws if nothing can be sent any more. */
  checkOpen(): void {
    if (this.endError !== undefined) throw this.endError;
    if (this.endReason !== undefined) throw this.endReason;
  }

  findSymbol = (number: number): string | undefined => this.symbolNames[number];

  findSymbolNumber(name: string): number | undefined {
    return this.symbolNumbers.get(name);
  }

  /** Sends an encoded request. Releases that wait go first: answers must reflect them. */
  send(request: Uint8Array): void {
    this.flushReleases();
    this.connection.send(request);
  }

  /** Asks the server for log lines as long as somebody listens. */
  listenToLogs(listener: (line: LogLine) => void): () => void {
    this.checkOpen();
    const { logs } = this.listeners;
    logs.add(listener);
    if (logs.size === 1) this.wantLogs(true);
    return () => {
      if (!logs.delete(listener)) return;
      if (logs.size === 0 && this.endError === undefined) this.wantLogs(false);
    };
  }

  private wantLogs(wanted: boolean): void {
    this.send(encodeClientRequest({ type: ClientRequestType.LOGS, wanted }));
  }

  /** READ, OUTPUT, STATUS or EXPLAIN. Rejects if the server refuses, `state` is released or all ends. */
  requestChunk(request: ClientRequestInit, state?: ResultState): Promise<ChunkReply> {
    this.checkOpen();
    return new Promise((resolve, reject) => {
      const requestId = this.requests.add({ resolve, reject, state });
      this.send(encodeClientRequest({ ...request, requestId }));
    });
  }

  requestStats(): Promise<ClusterStats> {
    this.checkOpen();
    return new Promise((resolve, reject) => {
      this.statsRequests.push({ resolve, reject });
      this.send(encodeClientRequest({ type: ClientRequestType.STATS }));
    });
  }

  /**
   * Gives up the result: the server drops it, and cancels what only it needed.
   * @param reason what waiting for it and using it report, if not plainly "released"
   */
  release(state: ResultState, reason?: LoomError): void {
    if (state.status === "released") return;
    // The server keeps a failed result, too, until it is released; of a refused plan nothing.
    const held = state.error?.code !== "plan";
    this.results.remove(state);
    if (reason === undefined) state.error = undefined;
    state.become("released", reason);
    this.requests.rejectOf(state, state.findError()!);
    if (!held || this.endError !== undefined) return;
    this.releasedIds.push(state.id);
    if (this.releaseScheduled) return;
    this.releaseScheduled = true;
    setImmediate(() => this.flushReleases());
  }

  private flushReleases(): void {
    this.releaseScheduled = false;
    if (this.releasedIds.length === 0 || this.endError !== undefined) return;
    const ids = this.releasedIds;
    this.releasedIds = [];
    this.connection.send(encodeClientRequest({ type: ClientRequestType.RELEASE_MANY, ids }));
  }

  /** Ends the connection; resolves when it has ended. Everything pending rejects with `reason`. */
  async close(reason: LoomError): Promise<void> {
    if (this.endError === undefined) {
      this.endReason ??= reason;
      this.flushReleases();
      this.connection.close();
      await this.untilEnded(CLOSE_TIMEOUT_MS);
    }
  }

  /** Resolves when the connection has ended; after the time limit it is made to end. */
  async untilEnded(timeLimitMs: number): Promise<void> {
    const timeout = setTimeout(() => this.connection.destroy(), timeLimitMs);
    await this.ended;
    clearTimeout(timeout);
  }

  /** From now on, the end of the connection is reported as `reason`. */
  expectEnd(reason: LoomError): void {
    this.endReason ??= reason;
  }

  private receive(frame: Uint8Array): void {
    if (this.openChunk !== undefined) {
      const chunk = this.openChunk;
      this.openChunk = undefined;
      this.receiveChunk(chunk, frame);
      return;
    }
    try {
      this.receiveResponse(decodeClientResponse(frame));
    } catch (error) {
      // Whatever follows a message that isn't understood can't be trusted either.
      this.connection.destroy(error instanceof Error ? error : new ProtocolError(String(error)));
    }
  }

  private receiveResponse(response: ClientResponseMessage): void {
    if (
      !this.registered &&
      response.type !== ClientResponseType.DICTIONARY &&
      response.type !== ClientResponseType.ERROR
    ) {
      throw new ProtocolError("its first message was not the dictionary");
    }
    switch (response.type) {
      case ClientResponseType.FINISHED_MANY:
        this.receiveFinished(response);
        break;
      case ClientResponseType.TASK_FINISHED:
        this.results.find(response.id)?.become("finished");
        break;
      case ClientResponseType.CHUNK:
        this.openChunk = needed(response.chunk, "CHUNK");
        break;
      case ClientResponseType.TASK_FAILED:
        this.receiveFailure(needed(response.error, "TASK_FAILED"));
        break;
      case ClientResponseType.ERROR:
        this.receiveError(needed(response.error, "ERROR"));
        break;
      case ClientResponseType.STATS: {
        const { nWorkers, nDataObjects, nTasks, nClients } = needed(response.stats, "STATS");
        const stats = {
          workers: nWorkers,
          objects: nDataObjects,
          tasks: nTasks,
          clients: nClients,
        };
        this.statsRequests.shift()?.resolve(stats);
        break;
      }
      case ClientResponseType.DICTIONARY:
        this.symbolNames = response.symbols;
        this.symbolNumbers = new Map(response.symbols.map((name, number) => [name, number]));
        this.registered = true;
        this.registering?.resolve();
        break;
      default:
        if (!this.listeners.receive(response)) {
          throw new ProtocolError(`unexpected response of type ${response.type}`);
        }
    }
  }

  private receiveFinished({ ids, smallValues }: ClientResponseMessage): void {
    const values = smallValues.length > 0 ? readSmallValues(smallValues, ids.length) : [];
    for (let i = 0; i < ids.length; i++) {
      const state = this.results.find(ids[i]);
      if (state === undefined) continue;
      state.value = values[i];
      state.become("finished");
    }
  }

  private receiveChunk(chunk: ChunkMessage, bytes: Uint8Array): void {
    const request = this.requests.take(chunk.requestId);
    // Not there: given up since it was asked for.
    request?.resolve({
      bytes,
      totalSize: Number(chunk.totalSize),
      typeId: chunk.typeId,
      version: chunk.version,
      ended: chunk.ended,
    });
  }

  private receiveFailure(error: ErrorMessage): void {
    const failure = taskFailedFrom(error);
    for (const id of error.lostResults) this.results.find(id)?.become("failed", failure);
    this.results.find(error.id)?.become("failed", failure);
  }

  private receiveError(error: ErrorMessage): void {
    const message = error.errorMsg || "the server reported an error without a message";
    if (!this.registered) {
      const text = `the server at ${this.address} refused this client: ${message}`;
      this.registering?.reject(new LoomError("connection", text));
      // Unset optional fields are on the prototype.
    } else if (Object.hasOwn(error, "refusedPlan")) {
      this.refusePlan(error.refusedPlan, message);
    } else if (Object.hasOwn(error, "requestId")) {
      const request = this.requests.take(error.requestId);
      const failure = error.taskType === "" ? undefined : taskFailedFrom(error);
      request?.reject(request.state?.findError() ?? failure ?? new LoomError("task", message));
    } else {
      this.lastServerError = message;
      if (this.onServerError !== undefined) this.onServerError(message);
      else this.listeners.print(message);
    }
  }

  private refusePlan(idBase: number, message: string): void {
    const error = new LoomError("plan", message);
    for (const state of this.results.ofPlan(idBase)) state.become("failed", error);
  }

  private closed(error: Error | undefined): void {
    this.endError = this.endReason ?? this.lostError(error);
    this.registering?.reject(this.endError);
    this.results.failPending(this.endError);
    this.requests.rejectAll(this.endError);
    for (const request of this.statsRequests.splice(0)) request.reject(this.endError);
    this.listeners.clear();
    this.resolveEnded();
  }

  private lostError(cause: Error | undefined): LoomError {
    if (!this.registered) {
      const reason = cause === undefined ? "it closed the connection" : messageOf(cause);
      return new LoomError(
        "connection",
        `${this.address} does not answer like a HyperLoom server (${reason}); check address and port`,
        { cause },
      );
    }
    const said = this.lastServerError ?? "the server closed it";
    const reason = cause === undefined ? said : messageOf(cause);
    return new LoomError(
      "connection",
      `the connection to the server at ${this.address} was lost (${reason}), and with it all results held there; check that the server runs, connect and submit again`,
      { cause },
    );
  }
}

function needed<T>(part: T | undefined, name: string): T {
  if (part === undefined) throw new ProtocolError(`${name} response without its content`);
  return part;
}
