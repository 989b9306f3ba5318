/** What a worker sends: its registration, then records that go to the core. */
import { performance } from "node:perf_hooks";
import { ProtocolError } from "../base/index.js";
import {
  ClientResponseType,
  decodeFailureInfo,
  findWrongField,
  INLINE_LIMIT,
  type RegisterMessage,
  readWorkerToServer,
  THIS_WORKER,
  WORKER_PROTOCOL_VERSION,
  type WorkerSample,
  type WorkerToServerHandler,
} from "../protocol/index.js";
import { checkedResources } from "../server-core/index.js";
import type { Connection } from "../transport/index.js";
import type { LoomServer } from "./loom-server.js";
import { RepeatedLines } from "./repeated-lines.js";
import { WorkerLink } from "./worker-link.js";

/** Worker indices are 15 bits in the task table. */
const MAX_WORKERS = 32_767;

/** What other workers are told has room for so many. */
const MAX_HOST_BYTES = 255;

/** Checks the registration, tells everybody of the new worker; throws a ProtocolError to refuse it. */
export function registerWorker(
  server: LoomServer,
  connection: Connection,
  register: RegisterMessage,
  index: number,
): WorkerLink {
  const { symbols, core, workers, logger } = server;
  if (register.workerProtocol !== WORKER_PROTOCOL_VERSION) {
    throw new ProtocolError(
      `the worker speaks worker protocol ${register.workerProtocol}, this server ${WORKER_PROTOCOL_VERSION}; start both from the same version of HyperLoom`,
    );
  }
  if (register.cpus < 1 || register.cpus > 65_535) {
    throw new ProtocolError(`a worker has 1 to 65535 cpus, not ${register.cpus}`);
  }
  if (register.port < 1 || register.port > 65_535) {
    throw new ProtocolError(`the worker's port for objects is ${register.port}, not 1 to 65535`);
  }
  if (index > MAX_WORKERS)
    throw new ProtocolError(`more than ${MAX_WORKERS} workers have registered`);
  if (Buffer.byteLength(register.host) > MAX_HOST_BYTES) {
    const bytes = Buffer.byteLength(register.host);
    throw new ProtocolError(`the worker's host has ${bytes} bytes, at most ${MAX_HOST_BYTES} fit`);
  }
  const resources = checkedResources(register.resources);
  const problem = symbols.problemWith([...register.taskTypes, ...register.dataTypes]);
  if (problem !== undefined) throw new ProtocolError(`the worker can't be registered: ${problem}`);
  const known = symbols.names.length;
  const types = register.taskTypes.map((name) => symbols.add(name, true));
  for (const name of register.dataTypes) symbols.add(name, false);
  const link = new WorkerLink(
    {
      index,
      host: register.host || connection.remoteHost,
      port: register.port,
      cpus: register.cpus,
      hostname: register.hostname,
      pid: register.pid,
      version: register.softwareVersion,
    },
    connection,
    performance.now(),
  );
  link.writer.symbols(0, symbols.names);
  for (const other of workers.values()) {
    if (symbols.names.length > known) other.writer.symbols(known, symbols.names.slice(known));
    other.writer.peer(index, link.identity.host, link.identity.port);
    other.flush();
    link.writer.peer(other.identity.index, other.identity.host, other.identity.port);
  }
  link.flush();
  if (symbols.names.length > known) server.tellSymbols();
  symbols.setReasons(index, register.unavailable);
  workers.set(index, link);
  core.addWorker(index, link.address, { cpus: register.cpus, resources }, types);
  logger.info(
    `worker ${link.address} (${register.hostname}) joined with ${register.cpus} cpus, ${workers.size} workers now`,
  );
  return link;
}

export class WorkerSession implements WorkerToServerHandler {
  protected readonly index: number;
  /** Takes records while somebody looks at tasks: see observed-session.ts. */
  observed: WorkerToServerHandler = this;
  private readonly lines = new RepeatedLines();

  constructor(
    protected readonly server: LoomServer,
    private readonly link: WorkerLink,
  ) {
    this.index = link.identity.index;
  }

  frame(frame: Uint8Array): void {
    const nowMs = performance.now();
    this.link.lastHeardMs = nowMs;
    this.server.setTraceTime(nowMs);
    // A worker that was given up may still talk for a moment.
    if (!this.server.workers.has(this.index)) return;
    readWorkerToServer(frame, this.server.taps.tasks === undefined ? this : this.observed);
    this.server.planTurn();
  }

  closed(error: Error | undefined): void {
    this.server.dropWorker(this.link, error?.message ?? "it disconnected");
  }

  finished(
    row: number,
    attempt: number,
    sizeBytes: number,
    durationUs: number,
    frame: Uint8Array,
    inlineStart: number,
    inlineLength: number,
  ): void {
    if (inlineLength > INLINE_LIMIT || !(sizeBytes >= 0 && sizeBytes <= Number.MAX_SAFE_INTEGER)) {
      throw new ProtocolError(
        `malformed finished record: ${sizeBytes} bytes, ${inlineLength} of them inline`,
      );
    }
    if (!this.exists(row)) return;
    this.server.trace?.finished(row, attempt, durationUs, sizeBytes);
    this.server.core.taskFinished(
      this.index,
      row,
      attempt,
      sizeBytes,
      durationUs,
      frame,
      inlineStart,
      inlineLength,
    );
  }

  failed(row: number, attempt: number, failure: Uint8Array): void {
    const info = decodeFailureInfo(failure);
    if (!this.exists(row)) return;
    this.server.trace?.failed(row, attempt, failure);
    this.server.core.taskFailed(this.index, row, attempt, {
      message: info.message || "the task failed without a message",
      // Unset fields of a decoded message read as their defaults: these mean "not a program".
      exitStatus: Object.hasOwn(info, "exitStatus") ? info.exitStatus : undefined,
      signal: info.signal || undefined,
      stderr: Object.hasOwn(info, "stderr") ? info.stderr : undefined,
      execution: info.execution,
    });
  }

  started(row: number, attempt: number): void {
    if (!this.exists(row)) return;
    this.server.trace?.started(row, attempt);
    this.server.core.taskStarted(this.index, row, attempt);
  }

  retracted(row: number, attempt: number): void {
    if (!this.exists(row)) return;
    this.server.trace?.retracted(row, attempt);
    this.server.core.taskRetracted(this.index, row, attempt);
  }

  inputLost(row: number, attempt: number, inputRow: number, at: number): void {
    if (!this.exists(row) || !this.exists(inputRow)) return;
    const holder = at === THIS_WORKER ? this.index : at;
    const address = this.server.workers.get(holder)?.address ?? `number ${holder} (gone)`;
    this.lines.log(`lost ${holder}`, this.link.lastHeardMs, (more) =>
      this.server.logger.warn(
        { worker: this.index, holder },
        `worker ${this.link.address} could not fetch an object from worker ${address}${more}`,
      ),
    );
    this.server.trace?.inputLost(row, attempt, inputRow, holder);
    this.server.core.inputLost(this.index, row, attempt, inputRow, holder);
  }

  fetched(row: number, durationUs: number): void {
    if (!this.exists(row)) return;
    this.server.trace?.fetched(row, this.index, durationUs);
    this.server.core.objectFetched(this.index, row, durationUs / 1000);
  }

  memory(bytes: number): void {
    if (!(bytes >= 0)) throw new ProtocolError(`malformed memory record: ${bytes} bytes`);
    this.server.core.memoryReported(this.index, bytes);
  }

  sample(sample: WorkerSample): void {
    const wrong = findWrongField(sample);
    if (wrong !== undefined) {
      throw new ProtocolError(`malformed sample record: ${wrong} is ${sample[wrong]}`);
    }
    this.link.lastSample = sample;
    this.link.sampledMs = performance.now();
    this.server.tracing.sample(this.link, sample);
    this.server.taps.sample?.(this.index, sample);
  }

  trace(records: Uint8Array): void {
    this.server.tracing.workerPiece(this.link, records.slice());
  }

  pong(serial: number): void {
    this.server.core.ponged(this.index, serial);
  }

  /**
   * Whether there has been such a task at all. That this worker has it no more, or never had it, is seen later and
   * is no news: records and what takes tasks from workers cross.
   */
  private exists(row: number): boolean {
    if (row < this.server.core.table.state.length) return true;
    this.lines.log("unknown", this.link.lastHeardMs, (more) =>
      this.server.logger.warn(
        { worker: this.index },
        `worker ${this.link.address} tells of a task with number ${row}, which nobody was given: ignored${more}`,
      ),
    );
    return false;
  }

  log(row: number, attempt: number, level: number, text: string): void {
    const { core } = this.server;
    // A task that was cancelled or moved meanwhile may still say something: to nobody.
    if (!core.isAssigned(this.index, row, attempt)) return;
    const client = this.server.clients.get(core.clientOf(row));
    if (client === undefined || !client.wantsLogs) return;
    client.send({
      type: ClientResponseType.LOG,
      log: { taskId: core.taskIdOf(row), level, text, worker: this.link.address },
    });
  }

  output(requestId: number, totalSize: number, ended: boolean, bytes: Uint8Array): void {
    const request = this.server.outputRequests.get(requestId);
    if (request === undefined || request.worker !== this.index) return;
    this.server.outputRequests.delete(requestId);
    request.answer(totalSize, ended, bytes);
  }
}
