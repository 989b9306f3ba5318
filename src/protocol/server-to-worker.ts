/**
 * Server to worker: batches of binary records. A frame holds records back to back; each
 * begins with an op byte. Owns their names and what their values mean; the layouts are in
 * server-to-worker-writer.ts and server-to-worker-reader.ts.
 */
import { ProtocolError } from "../base/index.js";
import type { ConcreteRequest } from "../graph/index.js";
import type { AssignRecord } from "./assign-record.js";

/** Version of all server-worker and worker-worker messages; both sides must have the same. */
export const WORKER_PROTOCOL_VERSION = 4;

/** First byte of each record. */
export const ServerToWorkerOp = {
  assign: 1,
  drop: 2,
  retract: 3,
  cancel: 4,
  peer: 5,
  symbols: 6,
  ping: 7,
  readOutput: 8,
  shutdown: 9,
  request: 10,
  prefetch: 11,
  observe: 12,
} as const;

/** Where a worker finds an input of a task assigned to it. */
export const InputPlace = {
  /** In this worker's store, now or when a task assigned to it earlier has finished. */
  local: 0,
  /** Its bytes are in the record (plain objects of at most {@link INLINE_LIMIT} bytes). */
  inline: 1,
  /** To be fetched from one of the workers listed. */
  remote: 2,
  /** It does not exist yet: when it does, a `prefetch` says where to get it. */
  later: 3,
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

/** Bits of the record `observe`. */
export const ObserveFlag = {
  /** Send a `sample` each second. */
  samples: 1,
  /** Write a trace. */
  trace: 2,
} as const;

/** Bytes of an assignment before its parts of varying length. */
export const ASSIGN_HEAD = 1 + 4 + 4 + 2 + 2 + 1 + 4 + 4;

/** What a worker does with each record. */
export interface ServerToWorkerHandler {
  request(request: ConcreteRequest): void;
  assign(record: AssignRecord): void;
  prefetch(row: number, sizeBytes: number, holders: number[]): void;
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
  /** `flags`: see {@link ObserveFlag}. `traceDirectory`: empty = none given. */
  observe(flags: number, traceDirectory: string): void;
  shutdown(): void;
}

/** The error for a record that begins at byte `at` and ends behind its frame. */
export function truncatedRecord(from: string, at: number): ProtocolError {
  return new ProtocolError(`truncated record from the ${from} at byte ${at}`);
}
