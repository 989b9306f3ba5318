/**
 * The server's end of a worker's connection: turns effects of the core into records, one
 * batch a tick, and records of the worker into events. Also the way to read objects there.
 */
import {
  BUILTIN_SYMBOLS,
  builtinSymbol,
  encodeTaskExtras,
  ServerToWorkerWriter,
  WirePolicy,
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

  /** Writes the assignment of a task, with where each input is at this moment. */
  assign(core: ServerCore, row: number): void {
    const { writer } = this;
    const { table } = core;
    const worker = this.identity.index;
    const config = core.configOf(row);
    const extras = table.flags[row] & TaskFlag.extras ? this.extras(core, row) : undefined;
    const inputCount = table.inputCount[row];
    const taskType = table.taskType[row];
    writer.assign(
      row,
      table.attempt[row],
      taskType,
      core.cpusOf(row),
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
      if (table.state[input] === TaskState.assigned || table.holds(worker, input)) {
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
