/**
 * The server process: owns the core, the links to workers and clients, the clock and the timers.
 * All events of one turn of the event loop go into the core, then one scheduling pass is made and
 * each connection gets one write. What clients ask is answered in client-session.ts, what
 * workers report goes to the core in worker-session.ts.
 */
import { performance } from "node:perf_hooks";
import type { Logger } from "pino";
import { LoomError, messageOf, ProtocolError } from "../base/index.js";
import {
  ClientResponseType,
  decodeRegister,
  encodeClientResponse,
  RegisterType,
} from "../protocol/index.js";
import { type FailureDetails, NONE, ServerCore, type ServerOutbox } from "../server-core/index.js";
import type { Connection, ConnectionHandler, Listener } from "../transport/index.js";
import { ClientLink } from "./client-link.js";
import { ClientSession } from "./client-session.js";
import { clusterStatus } from "./cluster-status.js";
import type { ServerOptions } from "./options.js";
import { ResultReader } from "./result-reader.js";
import { SymbolDictionary } from "./symbol-dictionary.js";
import type { WorkerLink } from "./worker-link.js";
import { registerWorker, WorkerSession } from "./worker-session.js";

const DEFAULT_HEARTBEAT_TIMEOUT_MS = 30_000;
const DEFAULT_MAX_LOSSES = 5;
const PROGRESS_INTERVAL_MS = 200;
/** The core counts its own pings from 1. */
const HEARTBEAT_SERIAL = 0;
/** No frame is longer: plans of some tens of millions of tasks, batches of workers. */
const MAX_MESSAGE_BYTES = 2 ** 31;
/** Wire version of the client protocol. */
const PROTOCOL_VERSION = 2;

/** Takes the first frame of each connection, then hands it to a client or worker session. */
export class LoomServer implements ServerOutbox {
  readonly logger: Logger;
  readonly symbols = new SymbolDictionary();
  readonly core: ServerCore;
  readonly reader: ResultReader;
  readonly workers = new Map<number, WorkerLink>();
  readonly clients = new Map<number, ClientLink>();
  readonly startedMs = performance.now();
  /** Tasks of clients that have gone. */
  readonly past = { finished: 0, failed: 0 };
  /** OUTPUT requests that wait for a worker's answer. */
  readonly outputRequests = new Map<
    number,
    { worker: number; answer: (total: number, ended: boolean, bytes: Uint8Array) => void }
  >();
  private readonly connections = new Set<Connection>();
  private readonly dirtyWorkers: WorkerLink[] = [];
  private readonly dirtyClients = new Set<ClientLink>();
  private readonly heartbeatTimeoutMs: number;
  private nextHandle = 0;
  private nextWorker = 0;
  private nextOutputRequest = 1;
  private turnPlanned = false;
  private readonly timers: NodeJS.Timeout[] = [];
  private lastCheckMs = 0;
  private stopping: Promise<void> | undefined;
  /** What a client's TERMINATE does. */
  onTerminate: () => Promise<void> = async () => {};
  private reportStopped!: () => void;
  readonly stopped = new Promise<void>((resolve) => {
    this.reportStopped = resolve;
  });

  constructor(readonly options: ServerOptions) {
    this.logger = options.logger;
    this.heartbeatTimeoutMs = options.heartbeatTimeoutMs ?? DEFAULT_HEARTBEAT_TIMEOUT_MS;
    const maxLosses = options.maxLosses ?? DEFAULT_MAX_LOSSES;
    this.core = new ServerCore(this, this.symbols, { maxLosses });
    this.reader = new ResultReader(this.core, this.workers, (row, worker) => {
      this.logger.warn({ worker }, "an object could not be read from its worker");
      this.core.objectLost(row, worker);
      this.planTurn();
    });
  }

  // --- effects of the core -------------------------------------------------------------

  assignTask(worker: number, row: number): void {
    this.linkTo(worker)?.assign(this.core, row);
  }

  dropObject(worker: number, row: number): void {
    this.linkTo(worker)?.writer.drop(row);
  }

  retractTask(worker: number, row: number, attempt: number): void {
    this.linkTo(worker)?.writer.retract(row, attempt);
  }

  ping(worker: number, serial: number): void {
    this.linkTo(worker)?.writer.ping(serial);
  }

  cancelTask(worker: number, row: number, attempt: number): void {
    this.linkTo(worker)?.writer.cancel(row, attempt);
  }

  tellFinished(client: number, taskId: number, row: number): void {
    const link = this.clients.get(client);
    if (link === undefined) return;
    const { inline, inlineCell } = this.core.table;
    const cell = inlineCell[row];
    if (cell === NONE) link.taskFinished(taskId, undefined, 0, 0);
    else link.taskFinished(taskId, inline.bytes(cell), inline.start(cell), inline.length(cell));
    this.dirtyClients.add(link);
  }

  tellFailed(client: number, failure: FailureDetails, lostResults: number[]): void {
    const link = this.clients.get(client);
    if (link === undefined) return;
    // What finished before is told before.
    link.flush();
    link.send({
      type: ClientResponseType.TASK_FAILED,
      error: this.errorOf(failure, link.classic ? [] : lostResults, link.classic),
    });
  }

  resultChanged(row: number): void {
    this.reader.resultChanged(row);
  }

  /** A failure as it is told to a client. */
  errorOf(failure: FailureDetails, lostResults: number[], classic: boolean) {
    const worker = failure.worker === undefined ? undefined : this.workers.get(failure.worker);
    const base = {
      id: failure.taskId,
      worker: worker?.address ?? "",
      errorMsg: failure.message,
    };
    if (classic) return base;
    return {
      ...base,
      label: failure.label,
      taskType: this.symbols.nameOf(failure.taskType),
      lostResults,
      exitStatus: failure.exitStatus,
      signal: failure.signal,
      stderr: failure.stderr,
    };
  }

  /** The link, marked to be flushed at the end of the turn. */
  private linkTo(worker: number): WorkerLink | undefined {
    const link = this.workers.get(worker);
    if (link !== undefined && !link.dirty) {
      link.dirty = true;
      this.dirtyWorkers.push(link);
    }
    return link;
  }

  // --- turns -----------------------------------------------------------------------------

  /** Something has happened: at the end of this turn of the event loop, schedule and send. */
  planTurn(): void {
    if (this.turnPlanned) return;
    this.turnPlanned = true;
    setImmediate(this.turn);
  }

  private readonly turn = (): void => {
    this.turnPlanned = false;
    this.core.schedule(performance.now());
    this.flush();
  };

  private flush(): void {
    const { dirtyWorkers, dirtyClients } = this;
    for (const link of dirtyWorkers) link.flush();
    dirtyWorkers.length = 0;
    for (const link of dirtyClients) link.flush();
    dirtyClients.clear();
  }

  /** Asks a worker what a running program has written. */
  askOutput(
    running: { row: number; worker: number; attempt: number },
    stream: number,
    offset: number,
    maxBytes: number,
    answer: (totalSize: number, ended: boolean, bytes: Uint8Array) => void,
  ): void {
    const link = this.linkTo(running.worker);
    if (link === undefined) {
      answer(0, true, new Uint8Array(0));
      return;
    }
    const id = this.nextOutputRequest++ >>> 0;
    this.outputRequests.set(id, { worker: running.worker, answer });
    link.writer.readOutput(id, running.row, running.attempt, stream, offset, maxBytes);
    this.planTurn();
  }

  // --- connections --------------------------------------------------------------------------

  /** A new connection: its first frame says what it is. */
  accept(connection: Connection): ConnectionHandler {
    this.connections.add(connection);
    let session: ClientSession | WorkerSession | undefined;
    return {
      frame: (frame) => {
        if (session !== undefined) {
          this.deliver(connection, session, frame);
          return;
        }
        try {
          session = this.register(connection, frame);
        } catch (error) {
          this.refuse(connection, session, error);
        }
      },
      malformed: (error) => this.refuse(connection, session, error),
      closed: (error) => {
        this.connections.delete(connection);
        if (error !== undefined) this.logger.info(`${connection.remote}: ${error.message}`);
        session?.closed(error);
      },
    };
  }

  /** Hands a frame to its session; what the session throws ends this connection only. */
  deliver(connection: Connection, session: ClientSession | WorkerSession, frame: Uint8Array): void {
    try {
      session.frame(frame);
    } catch (error) {
      this.refuse(connection, session, error);
    }
  }

  /** Says why, then closes; nothing else is affected. */
  private refuse(
    connection: Connection,
    session: ClientSession | WorkerSession | undefined,
    error: unknown,
  ): void {
    const known = error instanceof LoomError;
    if (!known) this.logger.error({ err: error }, `internal error, ${connection.remote} is closed`);
    else this.logger.warn(`${connection.remote} is closed: ${error.message}`);
    const message = known ? error.message : `internal error of the server: ${messageOf(error)}`;
    if (!(session instanceof WorkerSession)) {
      connection.send(
        encodeClientResponse({ type: ClientResponseType.ERROR, error: { errorMsg: message } }),
      );
    }
    connection.close();
    // The peer may take its time to hang up: what it held and executed is let go now.
    session?.closed(error instanceof Error ? error : undefined);
  }

  private register(connection: Connection, frame: Uint8Array): ClientSession | WorkerSession {
    const register = decodeRegister(frame);
    if (register.protocolVersion !== PROTOCOL_VERSION) {
      throw new ProtocolError(
        `protocol version ${register.protocolVersion} is not supported, this server speaks version ${PROTOCOL_VERSION}`,
      );
    }
    connection.setMaxFrameBytes(MAX_MESSAGE_BYTES);
    if (register.type === RegisterType.WORKER) {
      const link = registerWorker(this, connection, register, this.nextWorker);
      this.nextWorker++;
      this.planTurn();
      return new WorkerSession(this, link);
    }
    const link = new ClientLink(this.nextHandle++, connection, register.clientFeatures === 0);
    this.clients.set(link.handle, link);
    this.core.addClient(link.handle, link.classic);
    link.send({ type: ClientResponseType.DICTIONARY, symbols: this.symbols.names });
    this.logger.debug(`client ${connection.remote} connected`);
    return new ClientSession(this, link);
  }

  /** A worker has brought new symbols: clients that can take it get the dictionary again. */
  tellSymbols(): void {
    for (const link of this.clients.values()) {
      if (link.classic) continue;
      link.send({ type: ClientResponseType.DICTIONARY, symbols: this.symbols.names });
    }
  }

  /** The worker's connection has ended, or it was not heard of. */
  dropWorker(link: WorkerLink, reason: string): void {
    const { index } = link.identity;
    if (!this.workers.delete(index)) return;
    link.peer.close();
    this.symbols.forgetReasons(index);
    for (const [id, request] of this.outputRequests) {
      if (request.worker !== index) continue;
      this.outputRequests.delete(id);
      request.answer(0, true, new Uint8Array(0));
    }
    if (this.stopping !== undefined) return;
    this.logger.warn({ worker: index }, `worker ${link.address} is gone: ${reason}`);
    this.core.removeWorker(index, `worker ${link.address} is gone: ${reason}`);
    // A worker that has fallen silent may keep its connections: who waits for an object from it
    // must be told to ask another one.
    for (const other of this.workers.keys()) this.linkTo(other)?.writer.peerGone(index);
    this.planTurn();
  }

  // --- time ---------------------------------------------------------------------------------

  startTimers(): void {
    const intervalMs = Math.max(50, Math.min(5_000, this.heartbeatTimeoutMs / 4));
    this.lastCheckMs = performance.now();
    this.timers.push(setInterval(() => this.checkHeartbeats(intervalMs), intervalMs));
    this.timers.push(setInterval(() => this.tellProgress(), PROGRESS_INTERVAL_MS));
  }

  private checkHeartbeats(intervalMs: number): void {
    const nowMs = performance.now();
    // Where this process itself slept (a suspended machine, a long pause), what the workers
    // sent meanwhile has not been read yet: that time does not count.
    const sleptMs = nowMs - this.lastCheckMs - intervalMs;
    this.lastCheckMs = nowMs;
    if (sleptMs > intervalMs) {
      for (const link of this.workers.values()) link.lastHeardMs += sleptMs;
    }
    for (const link of [...this.workers.values()]) {
      const silentMs = nowMs - link.lastHeardMs;
      if (silentMs > this.heartbeatTimeoutMs) {
        this.dropWorker(link, `not heard of for ${(silentMs / 1000).toFixed(1)} s`);
        link.connection.destroy();
      } else {
        this.linkTo(link.identity.index)?.writer.ping(HEARTBEAT_SERIAL);
      }
    }
    this.planTurn();
  }

  private tellProgress(): void {
    // Placement depends on time too: what waits for a busy worker is worth moving some day.
    if (this.core.hasOpenTasks) this.planTurn();
    for (const link of this.clients.values()) {
      if (link.classic) continue;
      const client = this.core.clients.get(link.handle)!;
      const { finishedTasks, openTasks, failedTasks } = client;
      const told = `${finishedTasks} ${openTasks} ${failedTasks}`;
      if (told === link.progressTold) continue;
      link.progressTold = told;
      link.send({
        type: ClientResponseType.PROGRESS,
        nFinished: finishedTasks,
        nUnfinished: openTasks,
        nFailed: failedTasks,
      });
    }
  }

  status(): string {
    return JSON.stringify(clusterStatus(this));
  }

  // --- the end ---------------------------------------------------------------------------------

  /** Tells the workers to stop, closes all connections. */
  stop(listener: Listener): Promise<void> {
    this.stopping ??= this.stopNow(listener);
    return this.stopping;
  }

  private async stopNow(listener: Listener): Promise<void> {
    for (const timer of this.timers) clearInterval(timer);
    await listener.close();
    for (const link of this.workers.values()) {
      link.writer.shutdown();
      link.flush();
      link.peer.close();
    }
    for (const connection of this.connections) connection.close();
    this.reportStopped();
  }
}
