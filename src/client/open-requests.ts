/**
 * Requests that wait for a CHUNK, by request id. Owns the ids and the promises' ends; the
 * session sends the requests and takes the answers.
 */
import type { LoomError } from "../base/index.js";
import type { ResultState } from "./result-state.js";

/** Answer to READ, OUTPUT, STATUS or EXPLAIN. */
export interface ChunkReply {
  bytes: Uint8Array;
  totalSize: number;
  typeId: number;
  version: number;
  ended: boolean;
}

/** The ends of a promise. */
export interface Reply<T> {
  resolve(value: T): void;
  reject(error: LoomError): void;
}

export interface OpenRequest extends Reply<ChunkReply> {
  /** The result it reads, undefined for STATUS and EXPLAIN. Its `openRequests` counts it. */
  state: ResultState | undefined;
}

const MAX_ID = 0x7fffffff;

export class OpenRequests {
  private nextId = 1;
  private readonly requests = new Map<number, OpenRequest>();

  /** Returns the request's id. */
  add(request: OpenRequest): number {
    const id = this.nextId;
    this.nextId = id === MAX_ID ? 1 : id + 1;
    this.requests.set(id, request);
    if (request.state !== undefined) request.state.openRequests++;
    return id;
  }

  /** Removes and returns it; undefined if it was given up. */
  take(id: number): OpenRequest | undefined {
    const request = this.requests.get(id);
    if (request === undefined) return undefined;
    this.requests.delete(id);
    if (request.state !== undefined) request.state.openRequests--;
    return request;
  }

  /** Gives up all that read this result. */
  rejectOf(state: ResultState, error: LoomError): void {
    if (state.openRequests === 0) return;
    for (const [id, request] of this.requests) {
      if (request.state === state) this.take(id)!.reject(error);
    }
  }

  rejectAll(error: LoomError): void {
    for (const id of [...this.requests.keys()]) this.take(id)!.reject(error);
  }
}
