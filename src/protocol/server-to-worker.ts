/**
 * Server to worker: batches of binary records. A frame holds records back to back; each
 * begins with an op byte. docs/protocol.md lists the layouts. No object per record on either side: the
 * reader fills one {@link AssignRecord} again and again.
 */
import { ProtocolError } from "../base/index.js";
import { AssignRecord } from "./assign-record.js";
import { RecordWriter } from "./record-writer.js";

/** Version of all server-worker and worker-worker messages; both sides must have the same. */
export const WORKER_PROTOCOL_VERSION = 2;

const Op = {
  assign: 1,
  drop: 2,
  retract: 3,
  cancel: 4,
  peer: 5,
  symbols: 6,
  ping: 7,
  readOutput: 8,
  shutdown: 9,
} as const;

/** Where a worker finds an input of a task assigned to it. */
export const InputPlace = {
  /** In this worker's store, now or when a task assigned to it earlier has finished. */
  local: 0,
  /** Its bytes are in the record (plain objects of at most {@link INLINE_LIMIT} bytes). */
  inline: 1,
  /** To be fetched from one of the workers listed. */
  remote: 2,
} as const;

/** Plain objects up to this many bytes travel inside records. */
export const INLINE_LIMIT = 64;

/** Bits of {@link AssignRecord.flags}. */
export const AssignFlag = {
  /** A `TaskExtras` message (proto/worker.proto) comes with it. */
  extras: 1,
  /** The client's id of the task and its losses come with it: functions may ask for them. */
  taskId: 2,
} as const;

const ASSIGN_HEAD = 1 + 4 + 4 + 2 + 2 + 1 + 4 + 4;

/** Bytes of a record's fixed part by op; checked once, so that no field read can fail. */
const HEAD_BYTES = new Uint8Array(256);
HEAD_BYTES[Op.assign] = ASSIGN_HEAD;
HEAD_BYTES[Op.drop] = 5;
HEAD_BYTES[Op.retract] = 9;
HEAD_BYTES[Op.cancel] = 9;
HEAD_BYTES[Op.peer] = 6;
HEAD_BYTES[Op.symbols] = 7;
HEAD_BYTES[Op.ping] = 5;
HEAD_BYTES[Op.readOutput] = 26;
HEAD_BYTES[Op.shutdown] = 1;

/** Writes the batches for one worker. */
export class ServerToWorkerWriter extends RecordWriter {
  /**
   * Begins an assignment; exactly `inputCount` input…() calls must follow.
   * @param taskId the client's id of the task, -1 = neither it nor `losses` is sent
   * @param losses how often the task was lost with a worker, up to 255
   */
  assign(
    row: number,
    attempt: number,
    taskType: number,
    cpus: number,
    inputCount: number,
    config: Uint8Array,
    configStart: number,
    configLength: number,
    extras: Uint8Array | undefined,
    taskId = -1,
    losses = 0,
  ): void {
    const at = this.reserve(ASSIGN_HEAD);
    const view = this.view;
    view.setUint8(at, Op.assign);
    view.setUint32(at + 1, row, true);
    view.setUint32(at + 5, attempt, true);
    view.setUint16(at + 9, taskType, true);
    view.setUint16(at + 11, cpus, true);
    const flags =
      (extras === undefined ? 0 : AssignFlag.extras) | (taskId < 0 ? 0 : AssignFlag.taskId);
    view.setUint8(at + 13, flags);
    view.setUint32(at + 14, inputCount, true);
    view.setUint32(at + 18, configLength, true);
    this.putBytes(config, configStart, configLength);
    if (extras !== undefined) {
      const lengthAt = this.reserve(4);
      this.view.setUint32(lengthAt, extras.length, true);
      this.putBytes(extras, 0, extras.length);
    }
    if (taskId >= 0) {
      const taskIdAt = this.reserve(5);
      this.view.setUint32(taskIdAt, taskId, true);
      this.view.setUint8(taskIdAt + 4, losses);
    }
  }

  inputLocal(row: number): void {
    const at = this.reserve(5);
    this.view.setUint8(at, InputPlace.local);
    this.view.setUint32(at + 1, row, true);
  }

  inputInline(row: number, bytes: Uint8Array, start: number, length: number): void {
    const at = this.reserve(6);
    this.view.setUint8(at, InputPlace.inline);
    this.view.setUint32(at + 1, row, true);
    this.view.setUint8(at + 5, length);
    this.putBytes(bytes, start, length);
  }

  /** `holders`: worker indices, best first, at most 255. */
  inputRemote(row: number, sizeBytes: number, holders: readonly number[]): void {
    const count = Math.min(holders.length, 255);
    const at = this.reserve(14 + 2 * count);
    const view = this.view;
    view.setUint8(at, InputPlace.remote);
    view.setUint32(at + 1, row, true);
    view.setFloat64(at + 5, sizeBytes, true);
    view.setUint8(at + 13, count);
    for (let i = 0; i < count; i++) view.setUint16(at + 14 + 2 * i, holders[i], true);
  }

  /** The object is needed by nobody any more. */
  drop(row: number): void {
    const at = this.reserve(5);
    this.view.setUint8(at, Op.drop);
    this.view.setUint32(at + 1, row, true);
  }

  /** Give the task back if it has not started; answered by `retracted` only if it hasn't. */
  retract(row: number, attempt: number): void {
    this.taskRecord(Op.retract, row, attempt);
  }

  /** Stop the task and forget it; not answered. */
  cancel(row: number, attempt: number): void {
    this.taskRecord(Op.cancel, row, attempt);
  }

  /** Worker `index` serves its objects at host:port. Sent before the index is used. */
  peer(index: number, host: string, port: number): void {
    const name = new TextEncoder().encode(host);
    if (name.length > 255) {
      throw new ProtocolError(`a worker's host name has ${name.length} bytes, at most 255 fit`);
    }
    const at = this.reserve(6);
    this.view.setUint8(at, Op.peer);
    this.view.setUint16(at + 1, index, true);
    this.view.setUint16(at + 3, port, true);
    this.view.setUint8(at + 5, name.length);
    this.putBytes(name, 0, name.length);
  }

  /** Worker `index` is gone: nothing can be had from it any more. */
  peerGone(index: number): void {
    this.peer(index, "", 0);
  }

  /** Symbols number `first` and following. */
  symbols(first: number, names: readonly string[]): void {
    const text = new TextEncoder().encode(names.join("\n"));
    const at = this.reserve(7);
    this.view.setUint8(at, Op.symbols);
    this.view.setUint16(at + 1, first, true);
    this.view.setUint32(at + 3, text.length, true);
    this.putBytes(text, 0, text.length);
  }

  /** Answered by `pong` with the same serial. */
  ping(serial: number): void {
    const at = this.reserve(5);
    this.view.setUint8(at, Op.ping);
    this.view.setUint32(at + 1, serial, true);
  }

  /** What has the running program written? Answered by `output`. `stream`: 1 stdout, 2 stderr. */
  readOutput(
    requestId: number,
    row: number,
    attempt: number,
    stream: number,
    offset: number,
    maxBytes: number,
  ): void {
    const at = this.reserve(26);
    const view = this.view;
    view.setUint8(at, Op.readOutput);
    view.setUint32(at + 1, requestId, true);
    view.setUint32(at + 5, row, true);
    view.setUint32(at + 9, attempt, true);
    view.setUint8(at + 13, stream);
    view.setFloat64(at + 14, offset, true);
    view.setUint32(at + 22, maxBytes, true);
  }

  /** Stop everything, remove all files, exit with code 0. */
  shutdown(): void {
    const at = this.reserve(1);
    this.view.setUint8(at, Op.shutdown);
  }

  private taskRecord(op: number, row: number, attempt: number): void {
    const at = this.reserve(9);
    this.view.setUint8(at, op);
    this.view.setUint32(at + 1, row, true);
    this.view.setUint32(at + 5, attempt, true);
  }
}

/** What a worker does with each record. */
export interface ServerToWorkerHandler {
  assign(record: AssignRecord): void;
  drop(row: number): void;
  retract(row: number, attempt: number): void;
  cancel(row: number, attempt: number): void;
  /** Port 0: the worker is gone. */
  peer(index: number, host: string, port: number): void;
  symbols(first: number, names: string[]): void;
  ping(serial: number): void;
  readOutput(
    requestId: number,
    row: number,
    attempt: number,
    stream: number,
    offset: number,
    maxBytes: number,
  ): void;
  shutdown(): void;
}

/** Reads frames from the server. One per connection. */
export class ServerToWorkerReader {
  private readonly record = new AssignRecord();

  constructor(private readonly handler: ServerToWorkerHandler) {}

  /** Hands each record of `frame` to the handler. Throws a ProtocolError at a malformed one. */
  read(frame: Uint8Array): void {
    const view = new DataView(frame.buffer, frame.byteOffset, frame.byteLength);
    const { handler } = this;
    let at = 0;
    while (at < frame.length) {
      const op = frame[at];
      if (at + HEAD_BYTES[op] > frame.length) throw truncatedRecord("server", at);
      switch (op) {
        case Op.assign:
          at = this.readAssign(frame, view, at);
          handler.assign(this.record);
          break;
        case Op.drop:
          handler.drop(view.getUint32(at + 1, true));
          at += 5;
          break;
        case Op.retract:
          handler.retract(view.getUint32(at + 1, true), view.getUint32(at + 5, true));
          at += 9;
          break;
        case Op.cancel:
          handler.cancel(view.getUint32(at + 1, true), view.getUint32(at + 5, true));
          at += 9;
          break;
        case Op.peer: {
          const length = view.getUint8(at + 5);
          const host = textAt(frame, at, 6, length);
          handler.peer(view.getUint16(at + 1, true), host, view.getUint16(at + 3, true));
          at += 6 + length;
          break;
        }
        case Op.symbols: {
          const length = view.getUint32(at + 3, true);
          const names = length === 0 ? [] : textAt(frame, at, 7, length).split("\n");
          handler.symbols(view.getUint16(at + 1, true), names);
          at += 7 + length;
          break;
        }
        case Op.ping:
          handler.ping(view.getUint32(at + 1, true));
          at += 5;
          break;
        case Op.readOutput:
          handler.readOutput(
            view.getUint32(at + 1, true),
            view.getUint32(at + 5, true),
            view.getUint32(at + 9, true),
            view.getUint8(at + 13),
            view.getFloat64(at + 14, true),
            view.getUint32(at + 22, true),
          );
          at += 26;
          break;
        case Op.shutdown:
          handler.shutdown();
          at += 1;
          break;
        default:
          throw new ProtocolError(`unknown record ${op} from the server at byte ${at}`);
      }
    }
  }

  /** Fills the record; returns where it ends. */
  private readAssign(frame: Uint8Array, view: DataView, start: number): number {
    const record = this.record;
    record.frame = frame;
    record.row = view.getUint32(start + 1, true);
    record.attempt = view.getUint32(start + 5, true);
    record.taskType = view.getUint16(start + 9, true);
    record.cpus = view.getUint16(start + 11, true);
    const flags = view.getUint8(start + 13);
    const inputCount = view.getUint32(start + 14, true);
    record.configLength = view.getUint32(start + 18, true);
    let at = start + ASSIGN_HEAD;
    record.configStart = at;
    at += record.configLength;
    record.extrasStart = 0;
    record.extrasLength = 0;
    if (flags & AssignFlag.extras) {
      if (at + 4 > frame.length) throw truncatedRecord("server", start);
      record.extrasLength = view.getUint32(at, true);
      record.extrasStart = at + 4;
      at += 4 + record.extrasLength;
    }
    record.taskId = 0;
    record.losses = 0;
    if (flags & AssignFlag.taskId) {
      if (at + 5 > frame.length) throw truncatedRecord("server", start);
      record.taskId = view.getUint32(at, true);
      record.losses = frame[at + 4];
      at += 5;
    }
    if (at + inputCount * 5 > frame.length) throw truncatedRecord("server", start);
    record.inputCount = inputCount;
    record.ensureInputs(inputCount);
    const { inputRow, inputPlace, inputStart, inputLength } = record;
    for (let i = 0; i < inputCount; i++) {
      if (at + 5 > frame.length) throw truncatedRecord("server", start);
      const place = frame[at];
      inputPlace[i] = place;
      inputRow[i] = view.getUint32(at + 1, true);
      at += 5;
      if (place === InputPlace.inline) {
        if (at + 1 > frame.length) throw truncatedRecord("server", start);
        const length = frame[at];
        inputStart[i] = at + 1;
        inputLength[i] = length;
        at += 1 + length;
      } else if (place === InputPlace.remote) {
        if (at + 9 > frame.length) throw truncatedRecord("server", start);
        record.inputSize[i] = view.getFloat64(at, true);
        const count = frame[at + 8];
        inputStart[i] = at + 9;
        inputLength[i] = count;
        at += 9 + 2 * count;
      } else if (place !== InputPlace.local) {
        throw new ProtocolError(`unknown input place ${place} from the server at byte ${at - 5}`);
      }
    }
    if (at > frame.length) throw truncatedRecord("server", start);
    return at;
  }
}

function textAt(frame: Uint8Array, at: number, head: number, length: number): string {
  const start = at + head;
  if (start + length > frame.length) throw truncatedRecord("server", at);
  return new TextDecoder().decode(frame.subarray(start, start + length));
}

/** @internal The error for a record that begins at byte `at` and ends behind its frame. */
export function truncatedRecord(from: string, at: number): ProtocolError {
  return new ProtocolError(`truncated record from the ${from} at byte ${at}`);
}
