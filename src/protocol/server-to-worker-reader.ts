/**
 * Reads the records that a server sends: bounds-checked, no object per record, as it fills one
 * {@link AssignRecord} again and again. Called by the worker.
 */
import { ProtocolError } from "../base/index.js";
import type { RequestedAmount } from "../graph/index.js";
import { AssignRecord } from "./assign-record.js";
import {
  ASSIGN_HEAD,
  AssignFlag,
  InputPlace,
  ServerToWorkerOp as Op,
  type ServerToWorkerHandler,
  truncatedRecord,
} from "./server-to-worker.js";

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
HEAD_BYTES[Op.request] = 6;
HEAD_BYTES[Op.prefetch] = 14;
HEAD_BYTES[Op.observe] = 4;

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
        case Op.observe: {
          const length = view.getUint16(at + 2, true);
          handler.observe(frame[at + 1], textAt(frame, at, 4, length));
          at += 4 + length;
          break;
        }
        case Op.request:
          at = this.readRequest(frame, view, at);
          break;
        case Op.prefetch: {
          const end = at + 14 + 2 * frame[at + 13];
          if (end > frame.length) throw truncatedRecord("server", at);
          const holders: number[] = [];
          for (let i = at + 14; i < end; i += 2) holders.push(view.getUint16(i, true));
          handler.prefetch(view.getUint32(at + 1, true), view.getFloat64(at + 5, true), holders);
          at = end;
          break;
        }
        default:
          throw new ProtocolError(`unknown record ${op} from the server at byte ${at}`);
      }
    }
  }

  /** Returns where the record ends. */
  private readRequest(frame: Uint8Array, view: DataView, start: number): number {
    let at = start + 6;
    const shortText = (): string => {
      if (at + 1 > frame.length) throw truncatedRecord("server", start);
      const length = frame[at];
      const text = textAt(frame, start, at + 1 - start, length);
      at += 1 + length;
      return text;
    };
    const amounts: RequestedAmount[] = [];
    for (let left = frame[start + 5]; left > 0; left--) {
      const name = shortText();
      if (at + 9 > frame.length) throw truncatedRecord("server", start);
      const amount = view.getFloat64(at, true);
      const indexCount = frame[at + 8];
      at += 9;
      const indices: string[] = [];
      for (let i = 0; i < indexCount; i++) indices.push(shortText());
      amounts.push({ name, amount, indices });
    }
    const id = view.getUint16(start + 1, true);
    this.handler.request({ id, cpus: view.getUint16(start + 3, true), amounts });
    return at;
  }

  /** Fills the record; returns where it ends. */
  private readAssign(frame: Uint8Array, view: DataView, start: number): number {
    const record = this.record;
    record.frame = frame;
    record.row = view.getUint32(start + 1, true);
    record.attempt = view.getUint32(start + 5, true);
    record.taskType = view.getUint16(start + 9, true);
    record.request = view.getUint16(start + 11, true);
    record.priority = 0;
    const flags = view.getUint8(start + 13);
    const inputCount = view.getUint32(start + 14, true);
    record.configLength = view.getUint32(start + 18, true);
    let at = start + ASSIGN_HEAD;
    if (record.request > 0) {
      if (at + 4 > frame.length) throw truncatedRecord("server", start);
      record.priority = view.getFloat32(at, true);
      at += 4;
    }
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
      } else if (place !== InputPlace.local && place !== InputPlace.later) {
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
