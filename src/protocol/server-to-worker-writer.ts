/**
 * Writes records to a worker, back to back into one buffer: no object per record. Called by the
 * server.
 */
import { ProtocolError } from "../base/index.js";
import type { ConcreteRequest } from "../graph/index.js";
import { RecordWriter } from "./record-writer.js";
import { ASSIGN_HEAD, AssignFlag, InputPlace, ServerToWorkerOp as Op } from "./server-to-worker.js";

/** Writes the batches for one worker. */
export class ServerToWorkerWriter extends RecordWriter {
  /**
   * Begins an assignment; exactly `inputCount` input…() calls must follow.
   * @param request id of a request that this worker was told, 0 = none: a light task
   * @param priority where there is a request: higher starts first on the worker
   * @param taskId the client's id of the task, -1 = neither it nor `losses` is sent
   * @param losses how often the task was lost with a worker, up to 255
   */
  assign(
    row: number,
    attempt: number,
    taskType: number,
    request: number,
    priority: number,
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
    view.setUint16(at + 11, request, true);
    const flags =
      (extras === undefined ? 0 : AssignFlag.extras) | (taskId < 0 ? 0 : AssignFlag.taskId);
    view.setUint8(at + 13, flags);
    view.setUint32(at + 14, inputCount, true);
    view.setUint32(at + 18, configLength, true);
    if (request > 0) {
      const priorityAt = this.reserve(4);
      this.view.setFloat32(priorityAt, priority, true);
    }
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

  /** What tasks of that request hold. Sent once, before the first assignment with its id. */
  request({ id, cpus, amounts }: ConcreteRequest): void {
    const at = this.reserve(6);
    this.view.setUint8(at, Op.request);
    this.view.setUint16(at + 1, id, true);
    this.view.setUint16(at + 3, cpus, true);
    this.view.setUint8(at + 5, byteSize(amounts.length, "resources of a request"));
    for (const { name, amount, indices } of amounts) {
      this.putShortText(name);
      const amountAt = this.reserve(9);
      this.view.setFloat64(amountAt, amount, true);
      this.view.setUint8(amountAt + 8, byteSize(indices.length, `indices of ${name}`));
      for (const index of indices) this.putShortText(index);
    }
  }

  /** Fetch the object, for a task that will be assigned. `holders`: best first, at most 255. */
  prefetch(row: number, sizeBytes: number, holders: readonly number[]): void {
    const at = this.reserve(14);
    this.view.setUint8(at, Op.prefetch);
    this.view.setUint32(at + 1, row, true);
    this.putHolders(at + 5, sizeBytes, holders);
  }

  inputLocal(row: number): void {
    this.inputWithout(InputPlace.local, row);
  }

  inputLater(row: number): void {
    this.inputWithout(InputPlace.later, row);
  }

  private inputWithout(place: number, row: number): void {
    const at = this.reserve(5);
    this.view.setUint8(at, place);
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
    const at = this.reserve(14);
    this.view.setUint8(at, InputPlace.remote);
    this.view.setUint32(at + 1, row, true);
    this.putHolders(at + 5, sizeBytes, holders);
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

  /**
   * What the worker is to tell of itself from now on, in place of what it was told before.
   * @param flags bits of ObserveFlag; 0 = nothing
   * @param traceDirectory where it writes its trace; empty = none given
   */
  observe(flags: number, traceDirectory: string): void {
    const path = new TextEncoder().encode(traceDirectory);
    if (path.length > 0xffff) {
      throw new ProtocolError(
        `the path of a trace directory has ${path.length} bytes, at most 65535 fit`,
      );
    }
    const at = this.reserve(4);
    this.view.setUint8(at, Op.observe);
    this.view.setUint8(at + 1, flags);
    this.view.setUint16(at + 2, path.length, true);
    this.putBytes(path, 0, path.length);
  }

  /** Stop everything, remove all files, exit with code 0. */
  shutdown(): void {
    const at = this.reserve(1);
    this.view.setUint8(at, Op.shutdown);
  }

  /** `at`: where the 9 bytes for size and count are. */
  private putHolders(at: number, sizeBytes: number, holders: readonly number[]): void {
    const count = Math.min(holders.length, 255);
    const listAt = this.reserve(2 * count);
    const view = this.view;
    view.setFloat64(at, sizeBytes, true);
    view.setUint8(at + 8, count);
    for (let i = 0; i < count; i++) view.setUint16(listAt + 2 * i, holders[i], true);
  }

  private putShortText(text: string): void {
    const bytes = new TextEncoder().encode(text);
    const at = this.reserve(1);
    this.view.setUint8(at, byteSize(bytes.length, `bytes of ${text}`));
    this.putBytes(bytes, 0, bytes.length);
  }

  private taskRecord(op: number, row: number, attempt: number): void {
    const at = this.reserve(9);
    this.view.setUint8(at, op);
    this.view.setUint32(at + 1, row, true);
    this.view.setUint32(at + 5, attempt, true);
  }
}

/** A count that its byte has room for. */
function byteSize(count: number, what: string): number {
  if (count <= 255) return count;
  throw new ProtocolError(`${count} ${what}, at most 255 fit`);
}
