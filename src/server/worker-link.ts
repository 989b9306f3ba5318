/**
 * The server's end of a worker's connection: turns effects of the core into records, one
 * batch a tick, and records of the worker into events. Also the way to read objects there.
 */
import { describeBytes, describeDuration } from "../base/index.js";
import type { ConcreteRequest } from "../graph/index.js";
import {
  BUILTIN_SYMBOLS,
  builtinSymbol,
  encodeTaskExtras,
  ObserveFlag,
  ServerToWorkerWriter,
  WirePolicy,
  type WorkerSample,
} from "../protocol/index.js";
import { TaskFlag, TaskState } from "../scheduler/index.js";
import { NONE, type ServerCore } from "../server-core/index.js";
import { type Connection, formatAddress, PeerClient } from "../transport/index.js";

/** What a worker said of itself. */
export interface WorkerIdentity {
  readonly index: number;
  readonly host: string;
  readonly port: number;
  readonly cpus: number;
  readonly hostname: string;
  readonly pid: number;
  readonly version: string;
}

const PYTHON_CALL = builtinSymbol("loom/py/call");
const JAVASCRIPT_CALL = builtinSymbol("loom/js/call");

/** Functions may ask for the client's id of their task; programs and built-in tasks can't. */
function wantsTaskId(taskType: number): boolean {
  return (
    taskType === PYTHON_CALL || taskType === JAVASCRIPT_CALL || taskType >= BUILTIN_SYMBOLS.length
  );
}

export class WorkerLink {
  readonly writer = new ServerToWorkerWriter();
  /** Reads results from the worker, for clients. */
  readonly peer: PeerClient;
  readonly address: string;
  lastHeardMs: number;
  /** What the worker has measured of itself last, if it was ever told to {@link observe}. */
  lastSample: WorkerSample | undefined;
  /** When that came, by this clock. */
  sampledMs = 0;
  /** The requests that the worker was told, by id: one that was forgotten leaves its id to another. */
  private readonly toldRequests = new Map<number, ConcreteRequest>();
  /** Has a batch to send at the end of the tick. */
  dirty = false;

  constructor(
    readonly identity: WorkerIdentity,
    readonly connection: Connection,
    nowMs: number,
  ) {
    this.address = formatAddress(identity.host, identity.port);
    this.peer = new PeerClient(identity.host, identity.port);
    this.lastHeardMs = nowMs;
  }

  /** For the log and for tasks that are lost with it: what it was, and how it was last seen. */
  describe(nowMs: number): string {
    const { hostname, pid } = this.identity;
    const process = `process ${pid} on ${hostname || this.identity.host}`;
    const sample = this.lastSample;
    if (sample === undefined) return process;
    const tasks = Number.isNaN(sample.taskRssBytes)
      ? ""
      : `, its tasks ${describeBytes(sample.taskRssBytes)}`;
    const memory = `${describeBytes(sample.workerRssBytes)} of memory${tasks}`;
    const free = `${describeBytes(sample.freeMemoryBytes)} of ${describeBytes(sample.totalMemoryBytes)} were free`;
    const age = describeDuration(Math.max(0, nowMs - this.sampledMs));
    return `${process}, which had ${memory} ${age} before, when ${free}`;
  }

  /** Writes the assignment of a task, with where each input is at this moment. */
  assign(core: ServerCore, row: number): void {
    const { writer } = this;
    const { table } = core;
    const worker = this.identity.index;
    const config = core.configOf(row);
    const extras = table.flags[row] & TaskFlag.extras ? this.extras(core, row) : undefined;
    const inputCount = table.inputCount[row];
    const taskType = table.taskType[row];
    const request = core.requestOf(row);
    if (request !== undefined && this.toldRequests.get(request.id) !== request) {
      this.toldRequests.set(request.id, request);
      writer.request(request);
    }
    writer.assign(
      row,
      table.attempt[row],
      taskType,
      request === undefined ? 0 : request.id,
      request === undefined ? 0 : core.priorityOf(row),
      inputCount,
      config.bytes,
      config.start,
      config.length,
      extras,
      wantsTaskId(taskType) ? core.taskIdOf(row) : -1,
      table.losses[row],
    );
    const start = table.inputStart[row];
    for (let edge = start; edge < start + inputCount; edge++) {
      const input = table.edgeInput[edge];
      const cell = table.inlineCell[input];
      if (table.state[input] === TaskState.assigned) {
        if (table.worker[input] === worker) writer.inputLocal(input);
        else writer.inputLater(input);
      } else if (table.holds(worker, input)) {
        writer.inputLocal(input);
      } else if (cell !== NONE) {
        const { inline } = table;
        writer.inputInline(input, inline.bytes(cell), inline.start(cell), inline.length(cell));
      } else {
        writer.inputRemote(input, table.size[input], table.holders(input));
      }
    }
  }

  /** Sends what has been written since the last time. */
  flush(): void {
    this.dirty = false;
    const batch = this.writer.take();
    if (batch !== undefined) this.connection.send(batch);
  }

  /**
   * Says what the worker tells of itself from now on: a sample each second, a trace in that
   * directory. Nothing of both, as at the beginning: it measures nothing.
   */
  observe(samples: boolean, traceDirectory: string | undefined): void {
    const flags =
      (samples ? ObserveFlag.samples : 0) | (traceDirectory === undefined ? 0 : ObserveFlag.trace);
    this.writer.observe(flags, traceDirectory ?? "");
    this.flush();
  }

  private extras(core: ServerCore, row: number): Uint8Array | undefined {
    const rare = core.rareFieldsOf(row);
    if (rare === undefined) return undefined;
    return encodeTaskExtras({
      checkpointPath: rare.checkpointPath || undefined,
      label: rare.label || undefined,
      timeLimitMs: rare.timeLimitMs || undefined,
      once: rare.policy === WirePolicy.ONCE || undefined,
    });
  }
}
