/**
 * Records of any length: their columns and JSON, checked. Part of the decoder (trace-decoder.ts).
 */
import { DamagedTrace } from "./damaged-trace.js";
import {
  type ClassRecord,
  type ClientRecord,
  type SampleRecord,
  type SymbolsRecord,
  TraceOp,
  type WorkerRecord,
} from "./format.js";
import type { TracedRows } from "./server-trace-writer.js";

/** Takes records; see TraceVisitor. */
export interface LongRecordVisitor {
  failed?(row: number, attempt: number, failure: Uint8Array): void;
  rows?(rows: TracedRows): void;
  /** The texts are one after the other in `texts`. */
  labels?(firstRow: number, lengths: Uint32Array, texts: Uint8Array): void;
  inputsReplaced?(row: number, inputs: Uint32Array): void;
  metadata?(row: number, metadata: Uint8Array): void;
  symbols?(record: SymbolsRecord): void;
  worker?(record: WorkerRecord): void;
  client?(record: ClientRecord): void;
  class?(record: ClassRecord): void;
  sample?(record: SampleRecord): void;
  end?(): void;
}

const ROWS_HEAD_BYTES = 21;
const MAX_ROWS = 2 ** 32;

export class LongRecordReader {
  constructor(private readonly visitor: LongRecordVisitor) {}

  /** Unknown ones are those of a later software: they are skipped. */
  read(op: number, content: Uint8Array): void {
    const { visitor } = this;
    switch (op) {
      case TraceOp.failed: {
        const view = viewOf(content, 8);
        visitor.failed?.(view.getUint32(0, true), view.getUint32(4, true), content.subarray(8));
        break;
      }
      case TraceOp.rows:
        visitor.rows?.(readRows(content));
        break;
      case TraceOp.labels: {
        const view = viewOf(content, 8);
        const lengths = uint32s(content, 8, view.getUint32(4, true));
        const texts = content.subarray(8 + 4 * lengths.length);
        if (sum(lengths) !== texts.length) throw new DamagedTrace("labels are not as long as said");
        visitor.labels?.(view.getUint32(0, true), lengths, texts);
        break;
      }
      case TraceOp.inputs: {
        const view = viewOf(content, 4);
        if (content.length % 4 !== 0) throw new DamagedTrace("inputs of a task are not whole");
        visitor.inputsReplaced?.(
          view.getUint32(0, true),
          uint32s(content, 4, content.length / 4 - 1),
        );
        break;
      }
      case TraceOp.metadata:
        visitor.metadata?.(viewOf(content, 4).getUint32(0, true), content.subarray(4));
        break;
      case TraceOp.symbols:
        visitor.symbols?.(checked(content, isSymbols, "names of task types"));
        break;
      case TraceOp.worker:
        visitor.worker?.(checked(content, isWorker, "a worker"));
        break;
      case TraceOp.client:
        visitor.client?.(checked(content, isClient, "a client"));
        break;
      case TraceOp.class:
        visitor.class?.(checked(content, isClass, "a class of tasks"));
        break;
      case TraceOp.sample:
        visitor.sample?.(checked(content, isSample, "a sample of a worker"));
        break;
      case TraceOp.end:
        visitor.end?.();
        break;
    }
  }
}

function readRows(content: Uint8Array): TracedRows {
  const view = viewOf(content, ROWS_HEAD_BYTES);
  const firstRow = view.getUint32(12, true);
  const count = view.getUint32(16, true);
  const kind = view.getUint8(20);
  if (kind > 1) throw new DamagedTrace(`there is no kind ${kind} of tasks`);
  const columnBytes = count * (kind === 1 ? 13 : 9);
  if (firstRow + count > MAX_ROWS || ROWS_HEAD_BYTES + columnBytes > content.length) {
    throw new DamagedTrace("a record of tasks is shorter than it says");
  }
  let at = ROWS_HEAD_BYTES;
  const taskType = new Uint16Array(copied(content, at, 2 * count));
  at += 2 * count;
  const taskClass = new Uint16Array(copied(content, at, 2 * count));
  at += 2 * count;
  const state = content.subarray(at, at + count);
  at += count;
  const inputCount = uint32s(content, at, count);
  at += 4 * count;
  const templates = kind === 1 ? uint32s(content, at, count) : undefined;
  at += kind === 1 ? 4 * count : 0;
  const inputTotal = sum(inputCount);
  if (at + 4 * inputTotal !== content.length) {
    throw new DamagedTrace("a record of tasks has other inputs than it says");
  }
  return {
    plan: view.getUint32(0, true),
    client: view.getUint32(4, true),
    idBase: view.getInt32(8, true),
    firstRow,
    taskType,
    taskClass,
    state,
    inputCount,
    inputs: uint32s(content, at, inputTotal),
    templates,
  };
}

function viewOf(content: Uint8Array, atLeast: number): DataView {
  if (content.length < atLeast) throw new DamagedTrace("a record is shorter than it can be");
  return new DataView(content.buffer, content.byteOffset, content.byteLength);
}

/** Copied: in the file they may begin at any byte. */
function uint32s(content: Uint8Array, at: number, count: number): Uint32Array {
  if (at + 4 * count > content.length) throw new DamagedTrace("a record is shorter than it says");
  return new Uint32Array(copied(content, at, 4 * count));
}

function copied({ buffer, byteOffset }: Uint8Array, at: number, length: number): ArrayBuffer {
  return buffer.slice(byteOffset + at, byteOffset + at + length) as ArrayBuffer;
}

function sum(values: Uint32Array): number {
  let total = 0;
  for (let i = 0; i < values.length; i++) total += values[i];
  return total;
}

// --- JSON --------------------------------------------------------------------------------------

type Fields = Readonly<Record<string, unknown>>;

function checked<T>(content: Uint8Array, is: (value: Fields) => boolean, what: string): T {
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(content));
  } catch {
    throw new DamagedTrace(`what is said of ${what} is not JSON`);
  }
  if (!isFields(value) || !is(value))
    throw new DamagedTrace(`what is said of ${what} is not whole`);
  return value as T;
}

function isFields(value: unknown): value is Fields {
  return typeof value === "object" && value !== null;
}

function isText(value: unknown): value is string {
  return typeof value === "string";
}

function isNumber(value: unknown): value is number {
  return typeof value === "number";
}

function isIndex(value: unknown, end: number): boolean {
  return Number.isInteger(value) && (value as number) >= 0 && (value as number) < end;
}

function isSymbols({ first, names }: Fields): boolean {
  return isIndex(first, 65_536) && Array.isArray(names) && names.every(isText);
}

function isWorker(its: Fields): boolean {
  if (!isIndex(its.worker, 65_536)) return false;
  if (its.event === "gone") return its.reason === undefined || isText(its.reason);
  return (
    its.event === "joined" &&
    isText(its.address) &&
    isText(its.hostname) &&
    isNumber(its.pid) &&
    isNumber(its.cpus) &&
    isAmounts(its.resources)
  );
}

function isAmounts(value: unknown): boolean {
  return (
    Array.isArray(value) &&
    value.every((each) => isFields(each) && isText(each.name) && isNumber(each.amount))
  );
}

function isClient({ event, client, address }: Fields): boolean {
  return (event === "joined" || event === "gone") && isIndex(client, 2 ** 53) && isText(address);
}

function isClass(its: Fields): boolean {
  return (
    isIndex(its.class, 65_536) &&
    isText(its.label) &&
    isNumber(its.priority) &&
    Array.isArray(its.variants) &&
    its.variants.every((each) => isFields(each) && isNumber(each.cpus) && isAmounts(each.amounts))
  );
}

function isSample(its: Fields): boolean {
  return (
    isIndex(its.worker, 65_536) &&
    isNumber(its.atMs) &&
    isNumber(its.cpus) &&
    isNumber(its.memoryBytes) &&
    isNumber(its.freeMemoryBytes) &&
    isNumber(its.objectBytes) &&
    isNumber(its.receivedBytes) &&
    isNumber(its.sentBytes) &&
    isNumber(its.runningTasks)
  );
}
