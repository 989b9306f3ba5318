/**
 * The server process: owns the core, the links to workers and clients, the clock and the timers.
 * All events of one turn of the event loop go into the core, then one scheduling pass is made and
 * each connection gets one write. Connections begin in connections.ts; what clients ask is answered in
 * client-session.ts, what workers report goes to the core in worker-session.ts; heartbeats.ts sees whether
 * workers are there.
 */
import { performance } from "node:perf_hooks";
import type { Logger } from "pino";
import type { Taps } from "../dashboard/index.js";
import { ClientResponseType } from "../protocol/index.js";
import {
  type FailureDetails,
  NONE,
  type PlanRecord,
  ServerCore,
  type ServerOutbox,
} from "../server-core/index.js";
import type { ServerTraceWriter } from "../trace/index.js";
import type { Listener } from "../transport/index.js";
import type { ClientLink } from "./client-link.js";
import { clusterStatus } from "./cluster-status.js";
import { Connections } from "./connections.js";
import { FailureLog } from "./failure-log.js";
import { Heartbeats } from "./heartbeats.js";
import type { ServerOptions } from "./options.js";
import { ResultReader } from "./result-reader.js";
import { SymbolDictionary } from "./symbol-dictionary.js";
import { Tracing } from "./tracing.js";
import type { WorkerLink } from "./worker-link.js";

const DEFAULT_MAX_LOSSES = 5;
const PROGRESS_INTERVAL_MS = 200;

export class LoomServer implements ServerOutbox {
  readonly logger: Logger;
  readonly symbols = new SymbolDictionary();
  readonly core: ServerCore;
  readonly reader: ResultReader;
  readonly workers = new Map<number, WorkerLink>();
  readonly clients = new Map<number, ClientLink>();
  readonly connections = new Connections(this);
  readonly startedMs = performance.now();
  readonly failures = new FailureLog();
  /** Tasks of clients that have gone. */
  readonly past = { finished: 0, failed: 0 };
  /** OUTPUT requests that wait for a worker's answer. */
  readonly outputRequests = new Map<
    number,
    { worker: number; answer: (total: number, ended: boolean, bytes: Uint8Array) => void }
  >();
  /** Where is written what happens to tasks; undefined: nothing is traced. */
  trace: ServerTraceWriter | undefined;
  readonly tracing = new Tracing(this);
  /** How many want samples of workers, besides a trace: see {@link observeWorkers}. */
  sampleWatchers = 0;
  /** Who looks through the HTTP port. */
  readonly taps: Taps = { tasks: undefined, pass: undefined, sample: undefined };
  /** "http://host:port" of the HTTP port; undefined: it is off. */
  dashboard: string | undefined;
  /** In this pass. */
  private assignedTasks = 0;
  private readonly dirtyWorkers: WorkerLink[] = [];
  private readonly dirtyClients = new Set<ClientLink>();
  private readonly heartbeats: Heartbeats;
  private nextOutputRequest = 1;
  private turnPlanned = false;
  private readonly timers: NodeJS.Timeout[] = [];
  private stopping: Promise<void> | undefined;
  /** What a client's TERMINATE does. */
  onTerminate: () => Promise<void> = async () => {};
  private reportStopped!: () => void;
  readonly stopped = new Promise<void>((resolve) => {
    this.reportStopped = resolve;
  });

  constructor(readonly options: ServerOptions) {
    this.logger = options.logger;
    this.heartbeats = new Heartbeats(this, options.heartbeatTimeoutMs);
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
    this.assignedTasks++;
    this.trace?.assigned(row, this.core.table.attempt[row], worker);
  }

  dropObject(worker: number, row: number): void {
    this.linkTo(worker)?.writer.drop(row);
  }

  prefetchObject(worker: number, row: number): void {
    const { table } = this.core;
    this.linkTo(worker)?.writer.prefetch(row, table.size[row], table.holders(row));
  }

  retractTask(worker: number, row: number, attempt: number): void {
    this.linkTo(worker)?.writer.retract(row, attempt);
  }

  ping(worker: number, serial: number): void {
    this.linkTo(worker)?.writer.ping(serial);
  }

  cancelTask(worker: number, row: number, attempt: number): void {
    this.linkTo(worker)?.writer.cancel(row, attempt);
    this.trace?.cancelled(row, attempt);
  }

  letGo(row: number): void {
    this.trace?.letGo(row);
  }

  copiesMade(plan: PlanRecord, firstRow: number, count: number): void {
    this.tracing.copiesMade(plan, firstRow, count);
  }

  inputsReplaced(row: number): void {
    this.tracing.inputsReplaced(row);
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
    this.failures.add({
      timeMs: Date.now(),
      client,
      taskType: this.symbols.nameOf(failure.taskType),
      worker: failure.worker === undefined ? undefined : this.workers.get(failure.worker)?.address,
      details: failure,
    });
    const link = this.clients.get(client);
    if (link === undefined) return;
    this.dirtyClients.add(link);
    // What finished before is told before.
    link.flush();
    link.send({
      type: ClientResponseType.TASK_FAILED,
      error: this.errorOf(failure, link.classic ? [] : lostResults, link.classic),
    });
  }

  tellUnable(client: number, shape: number, notice: string): void {
    const link = this.clients.get(client);
    if (link?.isNew(shape, performance.now())) {
      this.logger.warn(`client ${link.connection.remote}: ${notice}`);
      if (link.takesNotices) link.send({ type: ClientResponseType.NOTICE, notice });
    }
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
      execution: failure.execution,
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

  /** What is traced from now on happens at this time, of performance.now(). */
  setTraceTime(nowMs: number): void {
    this.trace?.setTime(performance.timeOrigin + nowMs);
  }

  /** Tells the workers what is to be told of them: who looks, and what is traced, has changed. */
  observeWorkers(): void {
    for (const link of this.workers.values()) this.observe(link);
  }

  private observe(link: WorkerLink): void {
    const instruction = this.tracing.instructionFor(link.identity.index);
    link.observe(this.sampleWatchers > 0 || instruction !== undefined, instruction);
  }

  /** Something has happened: at the end of this turn of the event loop, schedule and send. */
  planTurn(): void {
    if (this.turnPlanned) return;
    this.turnPlanned = true;
    setImmediate(this.turn);
  }

  private readonly turn = (): void => {
    this.turnPlanned = false;
    const nowMs = performance.now();
    this.setTraceTime(nowMs);
    this.assignedTasks = 0;
    const more = this.core.schedule(nowMs);
    if (this.trace !== undefined || this.taps.pass !== undefined) this.passEnded(nowMs);
    this.flush();
    if (more) this.planTurn();
  };

  private passEnded(startMs: number): void {
    const durationMs = performance.now() - startMs;
    this.trace?.pass(Math.round(durationMs * 1000), this.assignedTasks);
    this.taps.pass?.(durationMs, this.assignedTasks);
  }

  private flush(): void {
    const { dirtyWorkers, dirtyClients } = this;
    for (const link of dirtyWorkers) link.flush();
    dirtyWorkers.length = 0;
    for (const link of dirtyClients) {
      // Before the last results: who has got them can see that all is done.
      this.tellProgressTo(link, false);
      link.flush();
    }
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

  // --- workers and clients that come and go ---------------------------------------------------

  /** It has been registered. */
  workerJoined(link: WorkerLink): void {
    this.setTraceTime(performance.now());
    this.tracing.workerJoined(link);
    if (this.trace !== undefined || this.sampleWatchers > 0) this.observe(link);
    this.planTurn();
  }

  clientJoined(link: ClientLink): void {
    const { remote } = link.connection;
    this.clients.set(link.handle, link);
    this.core.addClient(link.handle, link.classic);
    link.send({ type: ClientResponseType.DICTIONARY, symbols: this.symbols.names });
    this.setTraceTime(performance.now());
    this.tracing.clientJoined(link.handle, remote);
    this.logger.debug(`client ${remote} connected`);
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
    const death = `worker ${link.address} is gone: ${reason} (${link.describe(performance.now())})`;
    this.logger.warn({ worker: index }, death);
    this.setTraceTime(performance.now());
    this.tracing.workerGone(index, reason);
    this.core.removeWorker(index, death);
    // A worker that has fallen silent may keep its connections: who waits for an object from it
    // must be told to ask another one.
    for (const other of this.workers.keys()) this.linkTo(other)?.writer.peerGone(index);
    this.planTurn();
  }

  // --- time ---------------------------------------------------------------------------------

  startTimers(): void {
    this.timers.push(this.heartbeats.start());
    this.timers.push(setInterval(() => this.tellProgress(), PROGRESS_INTERVAL_MS));
  }

  private tellProgress(): void {
    // Placement depends on time too: what waits for a busy worker is worth moving some day.
    if (this.core.hasOpenTasks) this.planTurn();
    for (const link of this.clients.values()) this.tellProgressTo(link, true);
  }

  /** @param always also while tasks of it are unfinished */
  private tellProgressTo(link: ClientLink, always: boolean): void {
    const client = this.core.clients.get(link.handle);
    if (client === undefined || link.classic) return;
    if (!always && !link.progress.isOverdue(client)) return;
    const news = link.progress.take(client, () => this.core.labelCounts(link.handle));
    if (news !== undefined) link.send(news);
  }

  get isStopping(): boolean {
    return this.stopping !== undefined;
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
    await this.tracing.set(undefined);
    for (const link of this.workers.values()) {
      link.writer.shutdown();
      link.flush();
      link.peer.close();
    }
    this.connections.closeAll();
    this.reportStopped();
  }
}
