/**
 * Reads what a function process sends: docs/function-processes.md has the layout. Owns the
 * splitting into frames and the decoding of results into data objects; nothing that a process
 * sends can make it throw anything but a ProtocolError. Used by function-process.ts.
 */
import { LoomError, ProtocolError } from "../../base/index.js";
import {
  arrayObject,
  type DataObject,
  type PlainObject,
  plainObject,
  type ValueType,
  valueObject,
} from "../../object-store/index.js";

const Op = { ready: 0, result: 1, failed: 2, log: 3 } as const;
const Kind = { bytes: 1, file: 2, array: 3, value: 5, input: 6, piece: 7, task: 9 } as const;

const FRAME_HEAD = 4;
/** More can't be right: large bytes come as files. */
const MAX_FRAME_BYTES = 2 ** 30;
/** The decoder calls itself for what is nested. */
const MAX_NESTING = 1000;

/** A task to be executed in place of the one whose function returned it. */
export class ReturnedTask {
  constructor(
    readonly taskType: string,
    readonly config: Uint8Array,
    readonly inputs: readonly (DataObject | ReturnedTask)[],
  ) {}
}

const NO_INPUTS: readonly DataObject[] = [];

/** What a function gave. */
export type FunctionResult = DataObject | ReturnedTask;

/** Told what comes; `readResult` must be called at once for a result. */
export interface ReplyHandler {
  ready(text: string): void;
  /** The inputs of the call's task, its arguments among them; undefined: no such call is open. */
  findInputs(serial: number): readonly DataObject[] | undefined;
  /** The first of them that is an argument: what results refer to is counted from there. */
  readonly firstArgument: number;
  /** What is known here of a type of values. */
  findValueType(type: string): ValueType | undefined;
  /** Takes over a file that the process has made. Throws LoomError if it can't be had. */
  keepFile(path: string, sizeBytes: number): PlainObject;
  result(serial: number, durationUs: number, result: FunctionResult): void;
  failed(serial: number, durationUs: number, message: string): void;
  log(serial: number, level: number, text: string): void;
}

export class ReplyReader {
  /** Chunks of a frame that is not complete, */
  private pending: Buffer[] = [];
  /** their bytes, */
  private pendingBytes = 0;
  /** and how many it takes to go on: large frames are put together once, not at every chunk. */
  private neededBytes = FRAME_HEAD;
  private frame: Buffer = Buffer.alloc(0);
  private view: DataView = new DataView(new ArrayBuffer(0));
  private at = 0;

  private readonly reading: ResultReading;

  constructor(private readonly handler: ReplyHandler) {
    this.reading = new ResultReading(handler.firstArgument);
  }

  /** The next bytes from the socket; the reader keeps no reference to them. */
  push(chunk: Buffer): void {
    this.pending.push(chunk);
    this.pendingBytes += chunk.length;
    if (this.pendingBytes < this.neededBytes) return;
    const bytes = this.pending.length === 1 ? chunk : Buffer.concat(this.pending);
    let start = 0;
    this.neededBytes = FRAME_HEAD;
    while (bytes.length - start >= FRAME_HEAD) {
      const length = bytes.readUInt32LE(start);
      if (length > MAX_FRAME_BYTES) throw new ProtocolError(`a frame of ${length} bytes`);
      const end = start + FRAME_HEAD + length;
      if (end > bytes.length) {
        this.neededBytes = end - start;
        break;
      }
      this.readFrame(bytes.subarray(start + FRAME_HEAD, end));
      start = end;
    }
    this.pendingBytes = bytes.length - start;
    this.pending = this.pendingBytes === 0 ? [] : [Buffer.from(bytes.subarray(start))];
  }

  private readFrame(frame: Buffer): void {
    this.frame = frame;
    this.view = new DataView(frame.buffer, frame.byteOffset, frame.byteLength);
    this.at = 0;
    const { handler } = this;
    while (this.at < frame.length) {
      const op = this.byte();
      switch (op) {
        case Op.ready:
          handler.ready(this.text());
          break;
        case Op.result: {
          const serial = this.u32();
          const durationUs = this.u32();
          this.readResult(serial, durationUs);
          break;
        }
        case Op.failed: {
          const serial = this.u32();
          const durationUs = this.u32();
          handler.failed(serial, durationUs, this.text());
          break;
        }
        case Op.log: {
          const serial = this.u32();
          const level = this.byte();
          handler.log(serial, level, this.text());
          break;
        }
        default:
          throw new ProtocolError(`unknown record ${op}`);
      }
    }
  }

  private readResult(serial: number, durationUs: number): void {
    const inputs = this.handler.findInputs(serial);
    const { reading } = this;
    reading.begin(inputs ?? []);
    const result = this.result(reading, 0);
    if (inputs === undefined) throw new ProtocolError(`a result for call ${serial}, unknown here`);
    if (reading.problem !== undefined) this.handler.failed(serial, durationUs, reading.problem);
    else this.handler.result(serial, durationUs, result);
    reading.begin(NO_INPUTS);
  }

  private result(reading: ResultReading, depth: number): FunctionResult {
    if (depth > MAX_NESTING) throw new ProtocolError(`a result nested over ${MAX_NESTING} deep`);
    const kind = this.byte();
    switch (kind) {
      case Kind.bytes:
      case Kind.file:
        return this.content(kind, reading);
      case Kind.array: {
        const count = this.count();
        const elements: DataObject[] = [];
        for (let i = 0; i < count; i++) elements.push(this.dataObject(reading, depth + 1));
        return arrayObject(elements);
      }
      case Kind.value: {
        const type = this.text();
        const content = this.content(this.byte(), reading);
        return valueObject(type, content, this.handler.findValueType(type));
      }
      case Kind.input:
        return reading.object(this.u32());
      case Kind.piece: {
        const object = reading.object(this.u32());
        const piece = this.u64();
        if (object.kind !== "index" || piece >= object.length) {
          throw new ProtocolError(`piece ${piece} of an input that does not have it`);
        }
        return object.piece(piece);
      }
      case Kind.task: {
        const taskType = this.text();
        const config = Uint8Array.from(this.bytes());
        const count = this.count();
        const inputs: FunctionResult[] = [];
        for (let i = 0; i < count; i++) inputs.push(this.result(reading, depth + 1));
        return new ReturnedTask(taskType, config, inputs);
      }
      default:
        throw new ProtocolError(`unknown kind ${kind} of a result`);
    }
  }

  private dataObject(reading: ResultReading, depth: number): DataObject {
    const element = this.result(reading, depth);
    if (element instanceof ReturnedTask) throw new ProtocolError("a task inside an array");
    return element;
  }

  private content(kind: number, reading: ResultReading): PlainObject {
    if (kind === Kind.bytes) {
      const bytes = this.bytes();
      return plainObject(copyOf(bytes));
    }
    if (kind !== Kind.file) throw new ProtocolError(`unknown kind ${kind} of bytes`);
    const path = this.text();
    const sizeBytes = this.u64();
    try {
      return this.handler.keepFile(path, sizeBytes);
    } catch (error) {
      if (!(error instanceof LoomError) || error instanceof ProtocolError) throw error;
      reading.problem = error.message;
      return plainObject(new Uint8Array(0));
    }
  }

  /** A number of things that take a byte each at least. */
  private count(): number {
    const count = this.u32();
    if (count > this.frame.length - this.at) throw truncated();
    return count;
  }

  private byte(): number {
    if (this.at >= this.frame.length) throw truncated();
    return this.frame[this.at++];
  }

  private u32(): number {
    if (this.at + 4 > this.frame.length) throw truncated();
    this.at += 4;
    return this.view.getUint32(this.at - 4, true);
  }

  private u64(): number {
    const low = this.u32();
    return this.u32() * 2 ** 32 + low;
  }

  private bytes(): Buffer {
    const length = this.u32();
    if (length > this.frame.length - this.at) throw truncated();
    this.at += length;
    return this.frame.subarray(this.at - length, this.at);
  }

  private text(): string {
    return this.bytes().toString("utf8");
  }
}

/** While one result is read. */
class ResultReading {
  /** Why the result can't be used, though it was read in order. */
  problem: string | undefined;
  private inputs: readonly DataObject[] = [];
  private numbered: DataObject[] | undefined;

  constructor(private readonly firstArgument: number) {}

  /** Another result: the same object serves for all, as most results refer to nothing. */
  begin(inputs: readonly DataObject[]): void {
    this.problem = undefined;
    this.inputs = inputs;
    this.numbered = undefined;
  }

  /** The object with this number: inputs with their elements, arrays before what is in them. */
  object(number: number): DataObject {
    this.numbered ??= numberedObjects(this.inputs.slice(this.firstArgument));
    const object = this.numbered[number];
    if (object === undefined) throw new ProtocolError(`object ${number} of a call without it`);
    return object;
  }
}

function numberedObjects(inputs: readonly DataObject[]): DataObject[] {
  const numbered: DataObject[] = [];
  const stack = [...inputs].reverse();
  for (let next = stack.pop(); next !== undefined; next = stack.pop()) {
    numbered.push(next);
    if (next.kind !== "array") continue;
    for (let i = next.length - 1; i >= 0; i--) stack.push(next.elements[i]);
  }
  return numbered;
}

/** A loop beats slice() for few bytes; never a view of a socket's buffer. */
function copyOf(bytes: Buffer): Uint8Array {
  const copy = new Uint8Array(bytes.length);
  if (bytes.length <= 64) for (let i = 0; i < copy.length; i++) copy[i] = bytes[i];
  else copy.set(bytes);
  return copy;
}

function truncated(): ProtocolError {
  return new ProtocolError("a truncated record");
}
