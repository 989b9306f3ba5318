/**
 * Writes what the worker sends to a function process: docs/function-processes.md has the layout.
 * Owns the encoding of objects; which bytes are shared as files is shared-files.ts's decision.
 * Used by function-process.ts.
 */
import { type BytesObject, type DataObject, placeOf } from "../../object-store/index.js";
import { RecordWriter } from "../../protocol/index.js";
import type { SharedFiles } from "./shared-files.js";

const Op = { configure: 0, define: 1, forget: 2, call: 3, cancel: 4, hold: 5 } as const;
const Kind = { bytes: 1, file: 2, array: 3, index: 4, value: 5 } as const;

const FRAME_HEAD = 4;
const CALL_HEAD = 1 + 4 + 4 + 4 + 1 + 4 + 4;

/** Why a call is cancelled. */
export const CancelReason = { unwanted: 1, timeLimit: 2 } as const;

/** What a CALL says besides function, config and inputs. */
export interface CallHead {
  readonly serial: number;
  readonly taskId: number;
  readonly attempt: number;
  /** May run beside others. */
  readonly light: boolean;
}

export class CallWriter extends RecordWriter {
  constructor(private readonly files: SharedFiles) {
    super();
  }

  /** The frame with all that was written since the last one; undefined: nothing. */
  takeFrame(): Uint8Array | undefined {
    const frame = this.take();
    if (frame === undefined) return undefined;
    const length = frame.length - FRAME_HEAD;
    new DataView(frame.buffer, frame.byteOffset).setUint32(0, length, true);
    return frame;
  }

  configure(settings: object): void {
    this.op(Op.configure);
    this.text(JSON.stringify(settings));
  }

  define(id: number, object: DataObject): void {
    this.op(Op.define);
    this.u32(id);
    this.object(object);
  }

  forget(id: number): void {
    this.op(Op.forget);
    this.u32(id);
  }

  /** @param resources what the calls that follow hold, unless they are light; as JSON */
  hold(resources: string): void {
    this.op(Op.hold);
    this.text(resources);
  }

  /** Throws LoomError("task") when an input's file is gone or there is no room to share it. */
  call(
    head: CallHead,
    functionId: number,
    config: Uint8Array,
    inputs: readonly DataObject[],
    firstInput: number,
  ): void {
    const start = this.length;
    this.begin();
    const at = this.reserve(CALL_HEAD);
    const { view } = this;
    view.setUint8(at, Op.call);
    view.setUint32(at + 1, head.serial, true);
    view.setInt32(at + 5, head.taskId, true);
    view.setUint32(at + 9, head.attempt, true);
    view.setUint8(at + 13, head.light ? 1 : 0);
    view.setUint32(at + 14, functionId, true);
    view.setUint32(at + 18, config.length, true);
    this.putBytes(config, 0, config.length);
    this.u32(inputs.length - firstInput);
    try {
      for (let i = firstInput; i < inputs.length; i++) this.object(inputs[i]);
    } catch (error) {
      this.end = start; // as if it had not begun
      throw error;
    }
  }

  cancel(serial: number, reason: number): void {
    this.op(Op.cancel);
    this.u32(serial);
    this.byte(reason);
  }

  /** With a stack of its own: arrays may be nested deeper than the call stack allows. */
  private object(object: DataObject): void {
    if (object.kind !== "array") {
      this.leaf(object);
      return;
    }
    const stack: DataObject[] = [object];
    for (let next = stack.pop(); next !== undefined; next = stack.pop()) {
      if (next.kind !== "array") {
        this.leaf(next);
        continue;
      }
      this.byte(Kind.array);
      this.u32(next.length);
      for (let i = next.length - 1; i >= 0; i--) stack.push(next.elements[i]);
    }
  }

  private leaf(object: Exclude<DataObject, { kind: "array" }>): void {
    if (object.kind === "value") {
      this.byte(Kind.value);
      this.text(object.type);
      this.content(object.content);
    } else if (object.kind === "index") {
      this.byte(Kind.index);
      this.content(object);
      this.u32(object.length);
      let boundary = 0;
      this.u64(boundary);
      for (let i = 0; i < object.length; i++) {
        boundary += object.pieceSize(i);
        this.u64(boundary);
      }
    } else {
      this.content(object);
    }
  }

  private content(object: BytesObject): void {
    const { size } = object;
    const { inlineLimit } = this.files;
    const place = placeOf(object);
    if ("memory" in place && size <= inlineLimit) {
      this.byte(Kind.bytes);
      this.u32(size);
      this.putBytes(place.memory, place.offset, size);
      return;
    }
    if (size === 0) {
      this.byte(Kind.bytes);
      this.u32(0);
      return;
    }
    this.byte(Kind.file);
    if ("path" in place) {
      this.text(place.path);
      this.u64(place.offset);
    } else if (size * 2 >= place.memory.length) {
      this.text(this.files.share(place.memory, place.memory));
      this.u64(place.offset);
    } else {
      // A small part of something big: only that part.
      this.text(this.files.share(object, object.bytes()));
      this.u64(0);
    }
    this.u64(size);
  }

  /** The first record of a frame leaves room for the frame's length. */
  private begin(): void {
    if (this.length === 0) this.reserve(FRAME_HEAD);
  }

  private op(op: number): void {
    this.begin();
    this.byte(op);
  }

  private byte(value: number): void {
    const at = this.reserve(1);
    this.view.setUint8(at, value);
  }

  private u32(value: number): void {
    const at = this.reserve(4);
    this.view.setUint32(at, value, true);
  }

  private u64(value: number): void {
    const at = this.reserve(8);
    this.view.setUint32(at, value % 2 ** 32, true);
    this.view.setUint32(at + 4, Math.floor(value / 2 ** 32), true);
  }

  private text(text: string): void {
    const bytes = new TextEncoder().encode(text);
    this.u32(bytes.length);
    this.putBytes(bytes, 0, bytes.length);
  }
}
